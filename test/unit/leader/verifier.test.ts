// Servers compare themselves in the background: equal ones are silent, one whose state or log went wrong says so.
import { expect, test } from 'vitest'
import type { Command } from '../../../src/model/command.ts'
import { MeshError } from '../../../src/model/errors.ts'
import { type LogIndex, logIndex, term } from '../../../src/model/ids.ts'
import type { Entry } from '../../../src/model/log-entry.ts'
import type { Log } from '../../../src/platform/ports.ts'
import { Machine } from '../../../src/server/apply/machine.ts'
import { Verifier } from '../../../src/server/leader/verifier.ts'
import { key1 } from '../../../src/server/store/keys.ts'
import { Store } from '../../../src/server/store/store.ts'
import { commitTables, editTables } from '../../../src/server/store/tables.ts'
import { encodeEnvelope } from '../../../src/wire/command.ts'
import { VirtualClock } from '../../simulation/clock.ts'
import { noMetrics, silentLog } from '../../simulation/servers.ts'
import { aNode, aService, genesis, register } from '../store/rows.ts'

const everyMs = 60_000

class Server {
  readonly store = new Store()
  readonly machine = new Machine(this.store)
  readonly errors: unknown[] = []
  readonly verifier: Verifier
  entries: Entry[] = []
  firstIndex = 1
  longestStepRows = 0

  constructor(clock: VirtualClock, write: (command: Command) => void, isLeader: boolean) {
    const log: Log = { ...silentLog, error: (_message, fields) => this.errors.push(fields?.['what']) }
    this.verifier = new Verifier({
      store: this.store,
      machine: this.machine,
      consensus: {
        onLeadership: (listener) => listener(isLeader, term(1)),
        readLog: (from, to) => this.#read(from, to),
      },
      write: (command, reply) => {
        clock.after(1, () => {
          write(command)
          reply({ ok: true, value: true })
        })
      },
      clock,
      log,
      metrics: noMetrics,
      everyMs,
    })
  }

  #read(from: LogIndex, to: LogIndex): readonly Entry[] | undefined {
    if (from < this.firstIndex) return undefined
    return this.entries.filter(({ index }) => index >= from && index <= to).slice(0, 7)
  }

  take(entry: Entry): void {
    this.entries.push(entry)
    this.machine.apply(entry.index, entry.data)
  }
}

class Cluster {
  readonly clock = new VirtualClock()
  readonly servers: readonly Server[]
  index = 0

  constructor() {
    this.servers = [0, 1, 2].map((n) => new Server(this.clock, (command) => this.write(command), n === 0))
    const first = genesis() as Extract<Command, { type: 'genesis' }>
    this.write({ ...first, settings: { ...first.settings, featureLevel: 2 } })
    for (let n = 0; n < 200; n += 1)
      this.write(register(aNode(`node-${n}`), [aService('web', { meta: { note: 'x'.repeat(400) } })]))
  }

  write(command: Command): void {
    const envelope = encodeEnvelope({
      version: 1,
      principal: { kind: 'server', node: 's1' },
      atMs: this.clock.wallMs(),
      command,
    })
    if (!envelope.ok) throw new Error(envelope.failure.message)
    this.index += 1
    const entry: Entry = { index: logIndex(this.index), term: term(1), kind: 'command', data: envelope.value }
    for (const server of this.servers) server.take(entry)
  }

  get errors(): readonly (readonly unknown[])[] {
    return this.servers.map((server) => server.errors)
  }

  server(n: number): Server {
    const found = this.servers[n]
    if (found === undefined) throw new Error(`no server ${n}`)
    return found
  }
}

test('equal servers are found equal, round after round, while writes go on', () => {
  const cluster = new Cluster()
  for (let n = 0; n < 300; n += 1) {
    cluster.clock.run(1_000)
    cluster.write(register(aNode(`later-${n}`)))
  }
  expect(cluster.errors).toEqual([[], [], []])
  const results = cluster.server(0).entries.filter(({ data }) => Buffer.from(data).includes('verify.result'))
  expect(results.length).toBeGreaterThanOrEqual(4)
})

test('a row that changed by itself is found on the server that has it, and only there', () => {
  const cluster = new Cluster()
  const { store } = cluster.server(2)
  const view = store.view()
  const edits = editTables(view.tables)
  const row = view.node('node-7')
  if (row !== undefined) edits.nodes.set(key1('node-7'), { ...row, address: '10.9.9.9' })
  store.replace(view.index, commitTables(edits, []))
  cluster.clock.run(2 * everyMs)
  expect(cluster.errors).toEqual([[], [], [expect.stringContaining('state')]])
  expect(cluster.server(2).verifier.divergedAt).toBeGreaterThan(0)
  expect(cluster.server(1).verifier.divergedAt).toBe(0)
})

test('an entry that the disk gives back differently, or not at all, is found', () => {
  const cluster = new Cluster()
  const one = cluster.server(1)
  one.entries = one.entries.map((entry) =>
    entry.index === 50 ? { ...entry, data: Uint8Array.from([...entry.data, 32]) } : entry,
  )
  const two = cluster.server(2)
  Object.defineProperty(two, 'entries', {
    get: () => {
      throw new MeshError('log-damaged', 'entry 60 of the log can no longer be read')
    },
    set: () => undefined,
  })
  two.take = (entry) => {
    two.machine.apply(entry.index, entry.data)
  }
  cluster.clock.run(2 * everyMs)
  expect(cluster.errors).toEqual([
    [],
    [expect.stringContaining('log is not')],
    [expect.stringContaining('entry 60')],
  ])
})

test('a server whose log begins later, and one that was not there at the mark, have nothing to compare', () => {
  const cluster = new Cluster()
  cluster.server(1).firstIndex = 150
  cluster.clock.run(2 * everyMs)
  cluster.write({ type: 'verify.result', index: 3, hash: 'other', logHash: '' })
  expect(cluster.errors).toEqual([[], [], []])
})
