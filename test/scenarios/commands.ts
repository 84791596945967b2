// The commands of a story; README.md beside this file says what each means.
import type { ClusterChange, ClusterConfiguration } from '../../src/model/cluster.ts'
import { logIndex, nodeId, term } from '../../src/model/ids.ts'
import type { Entry } from '../../src/model/log-entry.ts'
import { encodeConfiguration } from '../../src/raft/configurations.ts'
import { configurationOf, electionTimeoutMs } from '../unit/raft/cores.ts'
import { commandBytes, position, serversText } from './words.ts'
import type { Link, World } from './world.ts'

type Command = (world: World, words: readonly string[]) => void

const kibibyte = 1_024

export function runCommand(world: World, line: string): void {
  const [name, ...words] = line.split(/\s+/)
  const command = commands[name ?? '']
  if (command === undefined) throw new Error(`there is no command "${name}"`)
  command(world, words)
  world.check()
}

function milliseconds(text: string | undefined): number {
  const match = /^([\d.]+)(ms|s)$/.exec(text ?? '')
  if (match === null) throw new Error(`"${text}" is no time: write 300ms or 2s`)
  return Math.round(Number(match[1]) * (match[2] === 's' ? 1_000 : 1))
}

function link(text: string | undefined): Link {
  const match = /^(\w+)->(\w+)$/.exec(text ?? '')
  if (match?.[1] === undefined || match[2] === undefined) throw new Error(`"${text}" is no link: write 1->2`)
  return { from: match[1], to: match[2] }
}

/** Servers named before the words; all if there are none. */
const serversNamed = (world: World, words: readonly string[]): readonly string[] =>
  words.length === 0 ? [...world.servers.keys()] : words

function stretch(world: World, words: readonly string[], then: () => void): void {
  const duration = milliseconds(words[words.length - 1])
  world.pass(duration, serversNamed(world, words.slice(0, -1)), then)
}

function cluster(world: World, words: readonly string[]): void {
  const [members, leader] = split(words, 'led')
  const [voters, learners] = split(members, 'learners')
  const configuration = configurationOf(voters.map(nodeId), learners.map(nodeId))
  for (const id of [...voters, ...learners]) world.add(id)
  for (const id of voters) world.silently(() => world.server(id).step({ type: 'bootstrap', configuration }))
  world.say(`term 1, log 1/1: ${serversText(configuration)}`)
  if (leader.length > 0) lead(world, leader[leader.length - 1])
}

/** Elects `id`, the story being about what comes later. */
function lead(world: World, id: string | undefined): void {
  const server = world.server(id)
  world.silently(() => {
    world.pass(2 * electionTimeoutMs, [server.id], () => world.settle())
    world.pass(300, [...world.servers.keys()], () => world.settle())
  })
  const { raft } = server
  if (raft.role !== 'leader') throw new Error(`server ${id} was not elected`)
  world.say(`${id} leads in term ${raft.term}, everything up to ${position(raft.last)} is committed`)
}

function split(words: readonly string[], at: string): readonly [readonly string[], readonly string[]] {
  const found = words.indexOf(at)
  return found === -1 ? [words, []] : [words.slice(0, found), words.slice(found + 1)]
}

/** The server finds this log on its disk, one term per entry, the first entry being the server list. */
function writtenLog(world: World, [id, ...words]: readonly string[]): void {
  const server = world.server(id)
  const [terms, hardTerm] = split(words, 'term')
  const servers = encodeConfiguration(server.raft.configuration.configuration)
  server.store.log = terms.map((word, at): Entry => {
    const [number, size] = word.split(':')
    const head = { term: term(Number(number)), index: logIndex(at + 1) }
    if (at === 0) return { ...head, kind: 'configuration', data: servers }
    return {
      ...head,
      kind: 'command',
      data: commandBytes(`${number}.${at + 1}${size === undefined ? '' : `=${size}`}`),
    }
  })
  const last = server.store.log[server.store.log.length - 1]?.term ?? term(0)
  server.store.hardState = { term: term(Math.max(last, Number(hardTerm[0] ?? 0))), vote: undefined }
  restart(world, [server.id])
}

function restart(world: World, ids: readonly string[]): void {
  for (const id of ids) {
    const server = world.server(id)
    server.restart()
    world.say(`${id}: starts in term ${server.raft.term} with log ${logText(world, id)}`)
  }
}

function partition(world: World, words: readonly string[]): void {
  const groups = words
    .join(' ')
    .split('|')
    .map((group) => group.trim().split(/\s+/))
  const groupOf = (id: string): number => groups.findIndex((group) => group.includes(id))
  for (const id of groups.flat()) world.server(id)
  world.lose(({ from, to }) => groupOf(from) !== groupOf(to))
}

function change(world: World, id: string | undefined, asked: ClusterChange): void {
  world.server(id).step({ type: 'change', change: asked })
}

function memberOf(world: World, id: string): Extract<ClusterChange, { kind: 'add' }>['server'] {
  if (!world.servers.has(id)) world.add(id)
  return { id: nodeId(id), address: `${id}:1`, publicKey: `key ${id}` }
}

/** The terms of a log as runs: `1-2/1 3-7/4`. */
function logText(world: World, id: string): string {
  const { raft, store } = world.server(id)
  const runs: { from: number; to: number; readonly term: number }[] = []
  for (let index = store.base.index + 1; index <= raft.last.index; index += 1) {
    const at = raft.termAt(logIndex(index)) ?? 0
    const run = runs[runs.length - 1]
    if (run?.term === at) run.to = index
    else runs.push({ from: index, to: index, term: at })
  }
  const base = store.base.index === 0 ? [] : [`(${position(store.base)})`]
  const shown = runs.map((run) => `${run.from === run.to ? run.from : `${run.from}-${run.to}`}/${run.term}`)
  return [...base, ...shown].join(' ') || 'empty'
}

function status(world: World, words: readonly string[]): void {
  for (const id of serversNamed(world, words)) {
    const server = world.server(id)
    const { raft } = server
    const leader = raft.role === 'leader' ? '' : `, leader ${raft.leader ?? 'unknown'}`
    world.say(
      `${id} ${raft.role} term ${raft.term}${leader}, log ${logText(world, id)}, committed ${raft.committed}, ` +
        `state ${server.stateText()}`,
    )
    for (const { id: peer, state, match } of raft.followers()) world.say(`  ${peer} ${state}, match ${match}`)
  }
}

function servers(world: World, words: readonly string[]): void {
  const said = serversNamed(world, words).map((id): readonly [string, ClusterConfiguration] => [
    id,
    world.server(id).raft.configuration.configuration,
  ])
  for (const [id, configuration] of said) world.say(`${id}: ${serversText(configuration)}`)
}

const commands: Readonly<Record<string, Command>> = {
  cluster,
  log: writtenLog,
  timeout: (world, [id, time]) => {
    world.server(id).timeoutMs = milliseconds(time)
  },
  tick: (world, words) => stretch(world, words, () => undefined),
  pass: (world, words) => stretch(world, words, () => world.settle()),
  deliver: (world, [on]) => {
    world.deliver(on === undefined ? undefined : link(on))
  },
  settle: (world) => world.settle(),
  drop: (world, [on]) => world.discard(link(on)),
  partition,
  cut: (world, links) => {
    for (const { from, to } of links.map(link))
      world.lose((envelope) => envelope.from === from && envelope.to === to)
  },
  lose: (world, [on, ...kinds]) => {
    const { from, to } = link(on)
    world.lose(
      (envelope) => envelope.from === from && envelope.to === to && kinds.includes(envelope.message.type),
    )
  },
  slow: (world, [on]) => world.slow(link(on)),
  release: (world, [on]) => world.release(link(on)),
  heal: (world) => world.heal(),
  propose: (world, [id, ...texts]) => {
    world.server(id).step({ type: 'propose', commands: texts.map(commandBytes) })
  },
  read: (world, [id, ...requests]) => {
    for (const request of requests) world.server(id).step({ type: 'read', request: Number(request) })
  },
  transfer: (world, [id, to]) => {
    world.server(id).step({ type: 'transfer', to: to === undefined ? undefined : nodeId(to) })
  },
  add: (world, [id, what]) => change(world, id, { kind: 'add', server: memberOf(world, what ?? '') }),
  promote: (world, [id, what]) => change(world, id, { kind: 'promote', id: nodeId(what ?? '') }),
  remove: (world, [id, what]) => change(world, id, { kind: 'remove', id: nodeId(what ?? '') }),
  disk: (world, [id, what]) => {
    const server = world.server(id)
    if (what === 'stop') server.diskIsStopped = true
    else {
      server.sync()
      server.diskIsStopped = false
    }
  },
  restart,
  snapshot: (world, [id, size]) =>
    world.server(id).takeSnapshot(Number(/^(\d+)KiB$/.exec(size ?? '0KiB')?.[1] ?? 0) * kibibyte),
  show: (world) => {
    world.showsHeartbeats = true
  },
  hide: (world) => {
    world.showsHeartbeats = false
  },
  status,
  servers,
}
