// Keys of a running pool: switched on without losing a member, exchanged, kept on disk, and strangers counted.
import { expect, test } from 'vitest'
import type { KeyReport } from '../../../src/membership/contract.ts'
import { keyFromText } from '../../../src/membership/key-store.ts'
import type { KeyOperation } from '../../../src/membership/serf/key-queries.ts'
import { noBytes } from '../../../src/model/gossip-message.ts'
import { alive, memoryFiles, type Opened, port, World } from './pools.ts'

const oldKey = new Uint8Array(16).fill(1)
const newKey = new Uint8Array(32).fill(2)
const text = (key: Uint8Array): string => Buffer.from(key).toString('base64')

function ask(world: World, { pool }: Opened, operation: KeyOperation, key: Uint8Array): KeyReport {
  let report: KeyReport | undefined
  pool.askAboutKeys({ operation, key, relayFactor: 0 }, (done) => {
    if (done.ok) report = done.value
  })
  world.clock.runUntil(() => report !== undefined, 60_000)
  if (report === undefined) throw new Error('no report')
  return report
}

test('encryption is switched on in a running pool host by host, and nobody is ever failed', () => {
  const world = new World()
  const hosts = [1, 2, 3, 4]
  const running = new Map(hosts.map((host) => [host, world.open(host)] as const))
  for (const host of hosts.slice(1)) world.join(running.get(host) ?? expect.fail())
  let sealed = 0
  world.network.onPacket = (packet) => {
    sealed += (packet[0] ?? 0) <= 1 ? 1 : 0
  }
  const steps = [
    { keys: [oldKey], encryptsOutgoing: false, verifiesIncoming: false },
    { keys: [oldKey], encryptsOutgoing: true, verifiesIncoming: false },
    { keys: [oldKey], encryptsOutgoing: true, verifiesIncoming: true },
  ]
  for (const step of steps)
    for (const host of hosts) {
      running.get(host)?.pool.close()
      const again = world.open(host, step)
      running.set(host, again)
      world.join(again, host === 1 ? 2 : 1)
      expect([...running.values()].map(({ pool }) => alive(pool))).toEqual([4, 4, 4, 4])
    }
  sealed = 0
  let packets = 0
  world.network.onPacket = (packet) => {
    packets += 1
    sealed += (packet[0] ?? 0) === 1 ? 1 : 0
  }
  world.clock.run(10_000)
  expect(packets).toBeGreaterThan(10)
  expect(sealed).toBe(packets)
  const failures = [...running.values()].flatMap(({ events }) =>
    events.filter(({ type }) => type === 'member-failed'),
  )
  expect(failures).toEqual([])
})

test('a key is exchanged in three steps that each member did, and outlives a restart', () => {
  const world = new World()
  const files = memoryFiles()
  const all = world.formed(3, { keys: [oldKey] })
  const four = world.open(4, { keys: [oldKey], files })
  world.join(four)
  const [one] = all
  expect(ask(world, one, 'install', newKey)).toMatchObject({ members: 4, answered: 4, failures: new Map() })
  expect(ask(world, four, 'use', newKey)).toMatchObject({ answered: 4, failures: new Map() })
  const early = ask(world, one, 'remove', newKey)
  expect([...early.failures.values()][0]).toContain('in use')
  expect(ask(world, one, 'remove', oldKey)).toMatchObject({ answered: 4, failures: new Map() })
  const list = ask(world, one, 'list', noBytes)
  expect([...list.installed]).toEqual([[text(newKey), 4]])
  expect([...list.inUse]).toEqual([[text(newKey), 4]])
  expect([one, four].map(({ pool }) => alive(pool))).toEqual([4, 4])
  four.pool.close()
  const again = world.open(4, { keys: [oldKey], files })
  world.join(again)
  expect(alive(again.pool)).toBe(4)
})

test('keys that servers give change member by member without a loss, and leave a host alone that does not get them', () => {
  const world = new World()
  const files = memoryFiles()
  const all = world.formed(3, { keys: [oldKey] })
  const four = world.open(4, { keys: [oldKey], files })
  world.join(four)
  const evicted = world.open(5, { keys: [oldKey] })
  world.join(evicted)
  const kept = [...all, four]
  const steps = [[oldKey, newKey], [newKey, oldKey], [newKey]]
  for (const step of steps) {
    for (const { pool } of kept) {
      expect(pool.useKeys(step)).toEqual({ ok: true, value: true })
      world.clock.run(500)
    }
    world.clock.run(5_000)
  }
  world.clock.run(60_000)
  expect(kept.map(({ pool }) => alive(pool))).toEqual([4, 4, 4, 4])
  expect(alive(evicted.pool)).toBe(1)
  const lost = kept.flatMap(({ events }) =>
    events.flatMap((event) => (event.type === 'member-failed' ? [event.member.node] : [])),
  )
  expect(new Set(lost)).toEqual(new Set(['node-5']))
  four.pool.close()
  const again = world.open(4, { keys: [], files })
  world.join(again)
  expect(alive(again.pool), 'kept over a restart').toBe(4)
})

test('where servers give the keys no member changes them by a query, or a host that was shut out could bring in its own', () => {
  const world = new World()
  const all = world.formed(3, { keys: [oldKey] })
  for (const { pool } of all) pool.useKeys([newKey, oldKey])
  const [one] = all
  const foreign = new Uint8Array(16).fill(9)
  const report = ask(world, one, 'install', foreign)
  expect([...report.failures.values()]).toEqual(Array(3).fill(expect.stringContaining('only they change')))
  expect(ask(world, one, 'use', oldKey).failures.size).toBe(3)
  expect(ask(world, one, 'remove', oldKey).failures.size).toBe(3)
  const list = ask(world, one, 'list', noBytes)
  expect([...list.installed.keys()].sort()).toEqual([text(newKey), text(oldKey)].sort())
  expect([...list.inUse.keys()]).toEqual([text(newKey)])
})

test('a member that missed the query is asked again', () => {
  const world = new World()
  const [one] = world.formed(3, { keys: [oldKey] })
  const cutUntilMs = world.clock.monotonicMs() + 3_000
  world.network.passes = (_from, to, kind) =>
    kind === 'stream' || to.address !== '10.0.0.3' || world.clock.monotonicMs() > cutUntilMs
  expect(ask(world, one, 'install', newKey)).toMatchObject({ members: 3, answered: 3 })
})

test('a host with another key is counted each time and logged once, with what to do', () => {
  const world = new World()
  const [one] = world.formed(3, { keys: [oldKey] })
  const stranger = world.open(9, { keys: [newKey] })
  const failures: string[] = []
  for (let tries = 0; tries < 20; tries += 1) {
    stranger.pool.join(['10.0.0.1'], (report) => failures.push(...report.failures))
    world.network.inject(Buffer.alloc(60, 1), { address: '10.0.0.9', port }, { address: '10.0.0.1', port })
    world.clock.run(1_000)
  }
  expect(one.pool.drops.count('wrong-key')).toBe(40)
  const lines = one.log.filter(({ message }) => message.startsWith('gossip from this source'))
  expect(lines).toHaveLength(1)
  expect(lines[0]).toMatchObject({ source: '10.0.0.9', reason: 'wrong-key' })
  expect(failures[0]).toContain('not encrypted with a known key')
  expect(alive(one.pool)).toBe(3)
})

test('clear text, foreign labels, oversized and malformed bytes each have their own count', () => {
  const world = new World()
  const [one] = world.formed(3, { keys: [oldKey], label: 'east' })
  const from = { address: '10.0.0.9', port }
  const to = { address: '10.0.0.1', port }
  world.network.inject(Buffer.from([244, 4, ...Buffer.from('west'), 1, 2]), from, to)
  world.network.inject(Buffer.from([244, 4, ...Buffer.from('east'), 12, 0, 0, 0, 0, 3]), from, to)
  const head = Buffer.from([244, 4, ...Buffer.from('east'), 10, 255, 255, 255, 255])
  const stream = world.network.connect(from, to, { onBytes: () => undefined, onEnd: () => undefined })
  stream.write(head)
  world.clock.run(2_000)
  expect(one.pool.drops.count('foreign-label')).toBe(1)
  expect(one.pool.drops.count('clear-text')).toBe(1)
  expect(one.pool.drops.count('oversize')).toBe(1)
  const clear = world.open(30, { node: 'clear' })
  world.network.inject(Buffer.from([99, 1]), from, { address: '10.0.0.30', port })
  world.network.inject(Buffer.alloc(80, 1), from, { address: '10.0.0.30', port })
  world.clock.run(100)
  expect(clear.pool.drops.count('malformed')).toBe(1)
  expect(clear.pool.drops.count('encrypted')).toBe(1)
})

test('a damaged keyring file stops the start instead of leaving the pool', () => {
  const world = new World()
  const files = memoryFiles()
  files.write('serf/lan.keyring', Buffer.from('["AAAA"]'))
  expect(() => world.open(1, { files, keys: [oldKey] })).toThrow('is damaged')
})

test.each([
  ['AQEBAQEBAQEBAQEBAQEBAQ==', true],
  ['AQEBAQEBAQEBAQEBAQEBAQ=', false],
  ['AQEB', false],
  ['not base64 at all!!', false],
])('the key %s is accepted: %s', (key, isKey) => {
  expect(keyFromText(key).ok).toBe(isKey)
})

test('a pool in clear text has no keyring to ask about, and no key can be slipped into it', () => {
  const world = new World()
  const [one] = world.formed(3)
  let message = ''
  one.pool.askAboutKeys({ operation: 'list', key: noBytes, relayFactor: 0 }, (report) => {
    if (!report.ok) message = report.failure.message
  })
  expect(message).toContain('not encrypted')
})
