// What any holder of the pool's key can say to an agent: members with hostile tags, addresses and names, events with hostile
// filters and payloads, through a whole pool to everything in the agent that listens to it, the server beside it included.
// And files of gossip that were damaged on disk. MESH_FUZZ_AGENT_GOSSIP sets how many, MESH_FUZZ_SEED where it begins.
import { expect, test } from 'vitest'
import type { Membership } from '../../src/agent/contract.ts'
import { FailedHosts } from '../../src/agent/membership/failed-hosts.ts'
import { FoundServers } from '../../src/agent/membership/found-servers.ts'
import { ServerFeed } from '../../src/agent/membership/server-feed.ts'
import { HostEvents } from '../../src/agent/membership/user-events.ts'
import { splitHostPort } from '../../src/config/address.ts'
import { KeyStore } from '../../src/membership/key-store.ts'
import { PeersFile } from '../../src/membership/peers-file.ts'
import type { Pool } from '../../src/membership/pool.ts'
import { parseSeed } from '../../src/membership/seed-address.ts'
import { ok } from '../../src/model/errors.ts'
import type { Alive } from '../../src/model/gossip-message.ts'
import { limits } from '../../src/model/limits.ts'
import type { OperatorClient } from '../../src/rpc/operator.ts'
import { GossipView } from '../../src/server/leader/gossip-view.ts'
import { encodeFiredEvent } from '../../src/wire/gossip/fired-event.ts'
import { encodeMessage } from '../../src/wire/gossip/message.ts'
import { encodeSerf } from '../../src/wire/gossip/serf-message.ts'
import { encodeTags } from '../../src/wire/gossip/serf-tags.ts'
import { eventIndex, eventJson } from '../../src/wire/http-json/event.ts'
import { gossipMemberJson } from '../../src/wire/http-json/member.ts'
import { SeededRandom } from '../simulation/random.ts'
import { memoryFiles, port, World } from '../unit/membership/pools.ts'
import { aService } from '../unit/store/rows.ts'
import { CountedMetrics, silentLog } from '../unit/store/server.ts'

const inputs = Number(process.env['MESH_FUZZ_AGENT_GOSSIP'] ?? 6_000)
const firstSeed = Number(process.env['MESH_FUZZ_SEED'] ?? 20_261_121)
const inputsPerRound = 2_000
const looksEvery = 100
const stranger = { address: '10.0.0.200', port }
const self = { address: '10.0.0.1', port }

const strange = [
  '',
  ' ',
  '0',
  '-1',
  '65536',
  '8300',
  '1e3',
  'NaN',
  '__proto__',
  'constructor',
  'consul',
  'node',
  'dc1',
  'dc2',
  '\u0000',
  '\r\nX-Injected: 1',
  '\u001b[2J',
  '../../etc/passwd',
  '{{template}}',
  'ü\ud800',
  '(((((((((((((((((a*)*)*)*)*)*',
  '(a+)+$',
  '[',
  'a{1000}{1000}',
  '.*',
  'x'.repeat(300),
] as const
const tagNames = ['role', 'port', 'id', 'dc', 'build', 'segment', 'vsn', 'expect', '__proto__', ''] as const

const text = (random: SeededRandom): string =>
  random.chance(0.8) ? random.pick(strange) : Buffer.from(random.bytes(random.below(40))).toString('latin1')

function damaged(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  const copy = Buffer.from(bytes)
  if (copy.length > 0 && random.chance(0.4)) copy[random.below(copy.length)] = random.below(256)
  return random.chance(0.2) ? copy.subarray(0, random.below(copy.length + 1)) : copy
}

function aliveClaim(random: SeededRandom): Alive {
  const tags = new Map(
    Array.from({ length: random.below(6) }, () => [random.pick(tagNames), text(random)] as const),
  )
  const meta = encodeTags(tags) ?? random.bytes(20)
  return {
    type: 'alive',
    incarnation: random.pick([0, 1, 2, 0xffff_fffe, 0xffff_ffff]),
    node: random.chance(0.7) ? `node-${random.below(300)}` : text(random),
    address: random.pick(['10.0.0.9', '0.0.0.0', '255.255.255.255', '::', 'fe80::1', '127.0.0.1']),
    port: random.pick([0, 1, port, 65_535]),
    meta: damaged(meta, random),
    versions: random.pick([
      [1, 5, 2, 2, 5, 4],
      [0, 0, 0, 0, 0, 0],
      [255, 0, 9, 9, 9, 9],
    ] as const),
  }
}

function firedEvent(random: SeededRandom): Uint8Array {
  const payload = encodeFiredEvent({
    id: random.chance(0.5) ? 'b54fe110-7af5-cafc-d1fb-afc8ba432b1c' : text(random),
    name: text(random),
    payload: random.bytes(random.below(60)),
    nodeFilter: random.chance(0.3) ? text(random) : '',
    serviceFilter: random.chance(0.3) ? text(random) : '',
    tagFilter: random.chance(0.3) ? text(random) : '',
    version: random.pick([0, 1, 1, 1, 2, 0xffff_ffff]),
    time: 0,
  })
  return encodeSerf({
    type: 'user-event',
    // A jump of Lamport's clock makes all that follows too old to be heard.
    time: random.chance(0.001) ? 2 ** 52 : random.between(1, 1_000),
    name: random.chance(0.9) ? `consul:event:${text(random)}` : text(random),
    payload: damaged(payload, random),
    coalesces: random.chance(0.5),
  })
}

function packet(random: SeededRandom): Uint8Array {
  const kind = random.below(5)
  if (kind < 2) return encodeMessage(aliveClaim(random))
  if (kind < 4) return encodeMessage({ type: 'user', payload: firedEvent(random) })
  const from = random.chance(0.5) ? `node-${random.below(300)}` : text(random)
  return encodeMessage({ type: 'dead', incarnation: random.pick([1, 2, 0xffff_ffff]), node: from, from })
}

/** An agent's listeners around one pool. */
class Listeners {
  readonly #pool: Pool
  readonly #events: HostEvents
  readonly #servers: FoundServers
  readonly #failed: FailedHosts
  readonly #view: GossipView
  readonly #feed: ServerFeed

  constructor(world: World, pool: Pool) {
    const { clock, random } = world
    const membership: Membership = {
      pool: () => ok(pool),
      onEvent: (listener) => pool.onEvent(listener),
      setRoleTags: () => ok(true),
    }
    const service = aService('web', { tags: ['v1', 'primary'] })
    const registry = { services: () => [{ service, source: 'api', synced: true } as const] }
    this.#pool = pool
    this.#events = new HostEvents({ node: 'node-1', membership, registry, random })
    this.#servers = new FoundServers(membership, { onFound: () => undefined, onLost: () => undefined })
    this.#failed = new FailedHosts(membership)
    const view = new GossipView({ clock, log: silentLog, metrics: new CountedMetrics() })
    // As its codec would carry it.
    const operate = ((request, reply) => {
      const frame = JSON.parse(JSON.stringify(request.args)) as Parameters<GossipView['hear']>[0]
      expect(frame.members.length).toBeLessThanOrEqual(limits.memberFeedRows)
      const answer = { isContinued: view.hear(frame), tags: {} }
      clock.after(1, () => reply(ok({ answer } as never)))
    }) as OperatorClient['operate']
    this.#view = view
    this.#feed = new ServerFeed({ membership, server: { operate }, clock, random, log: silentLog })
    this.#feed.start()
  }

  /** Whatever came: bounded, and fit to be shown. */
  check(): void {
    const members = this.#pool.members()
    expect(JSON.stringify(members.map(gossipMemberJson)).length).toBeGreaterThan(0)
    expect(members.every((member) => member.port > 0)).toBe(true)
    const recent = this.#events.recent()
    expect(recent.length).toBeLessThanOrEqual(limits.userEventsKept)
    for (const event of recent) {
      expect(JSON.stringify(eventJson(event)).length).toBeGreaterThan(0)
      expect(Number.isSafeInteger(eventIndex(event))).toBe(true)
    }
    const servers = this.#servers.among([])
    expect(servers.length).toBeLessThanOrEqual(limits.gossipServersTried)
    for (const server of servers) expect(splitHostPort(server)?.port).toBeDefined()
    const known = new Map(members.map(({ node, presence }) => [node, presence]))
    for (const node of this.#failed.nodes()) expect(known.get(node)).toBe('failed')
  }

  get eventsKept(): number {
    return this.#events.recent().length
  }

  /** The server beside it came to know who is there. */
  checkFeed(): void {
    const told = [...this.#view.nodes()].toSorted()
    expect(told).toEqual(
      this.#pool
        .members()
        .map(({ node }) => node)
        .toSorted(),
    )
  }

  stop(): void {
    this.#feed.stop()
    this.#view.stop()
  }
}

test(`${inputs} hostile members and events do an agent no harm`, { timeout: 3_600_000 }, () => {
  let members = 0
  let events = 0
  for (let done = 0; done < inputs; done += inputsPerRound) {
    const random = new SeededRandom(firstSeed + done)
    const world = new World()
    const { pool } = world.open(1)
    const listeners = new Listeners(world, pool)
    for (let input = 0; input < inputsPerRound; input += 1) {
      world.network.inject(packet(random), stranger, self)
      world.clock.run(random.pick([0, 1, 5, 50]))
      if (input % looksEvery === 0) listeners.check()
    }
    world.clock.run(limits.memberFeedBeatMs * 3)
    listeners.check()
    listeners.checkFeed()
    members += pool.members().length
    events += listeners.eventsKept
    expect(pool.member('node-1')?.presence).toBe('alive')
    listeners.stop()
    pool.close()
  }
  // Enough of it came through for the rest to mean something.
  const rounds = inputs / inputsPerRound
  expect(members).toBeGreaterThan(100 * rounds)
  expect(events).toBeGreaterThan(20 * rounds)
})

test('damaged files of gossip end in words, never in what the network cannot take', () => {
  const random = new SeededRandom(firstSeed)
  const peers = { node: 'node-2', address: '10.0.0.2', port }
  const originals = [
    ['serf/lan.peers', JSON.stringify({ version: 1, hasLeft: false, time: 4, eventTime: 2, peers: [peers] })],
    ['serf/lan.keyring', JSON.stringify([Buffer.alloc(16, 3).toString('base64')])],
  ] as const
  const pieces = ['0', '70000', '-1', '1e999', 'null', '{}', '[]', '""', '"x y"', '"::1%eth0"', '"/dev/null"']
  for (let input = 0; input < 2_000; input += 1) {
    const world = new World()
    const files = memoryFiles()
    for (const [path, whole] of originals) {
      const spoiled = whole.replace(/\d+|"[^"]*"(?!:)/g, (value) =>
        random.chance(0.3) ? random.pick(pieces) : value,
      )
      files.write(path, damaged(Buffer.from(spoiled), random))
    }
    const file = new PeersFile({
      pool: 'lan',
      files,
      clock: world.clock,
      log: silentLog,
      memory: () => file.read(),
    })
    for (const peer of file.read().peers)
      expect(parseSeed(peer.address, peer.port)).toMatchObject({ host: peer.address, port: peer.port })
    const opened = KeyStore.open(files, 'lan', [])
    if (!opened.ok) expect(opened.failure.message).toMatch(/keyring|key/)
  }
})

test('what is typed as an address to join is one, or is refused', () => {
  const random = new SeededRandom(firstSeed)
  const pieces = [
    '10.0.0.1',
    '::1',
    '[',
    ']',
    ':',
    '8301',
    '0',
    '65536',
    '%eth0',
    ' ',
    'mesh.example',
    '\u0000',
    '@',
    '/',
  ]
  for (let input = 0; input < 20_000; input += 1) {
    const typed = Array.from({ length: random.below(5) }, () => random.pick(pieces)).join('')
    const seed = parseSeed(typed, port)
    if (seed === undefined) continue
    expect(seed.port).toBeGreaterThan(0)
    expect(seed.port).toBeLessThanOrEqual(65_535)
    expect(seed.host).toMatch(/^[\w.:%-]+$/)
  }
})
