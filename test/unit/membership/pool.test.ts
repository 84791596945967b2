// A whole pool in virtual time: joining, leaving, failing, returning, and what its users are told.
import { expect, test } from 'vitest'
import type { PoolMemory } from '../../../src/membership/peers-file.ts'
import { lanTiming } from '../../../src/membership/timing.ts'
import { noBytes } from '../../../src/model/gossip-message.ts'
import { limits } from '../../../src/model/limits.ts'
import type { QueryFilter } from '../../../src/model/serf-message.ts'
import { encodeMessage } from '../../../src/wire/gossip/message.ts'
import { encodeSerf } from '../../../src/wire/gossip/serf-message.ts'
import { alive, memoryFiles, port, World } from './pools.ts'

test('members find one another, and a changed tag is seen by all', () => {
  const world = new World()
  const [one, two, three] = world.formed(3)
  one.pool.setTags(new Map([['role', 'web']]))
  const sees = (): boolean =>
    [two, three].every(({ pool }) => pool.member('node-1')?.tags.get('role') === 'web')
  expect(world.clock.runUntil(sees, 20_000)).toBe(true)
  expect(two.events.map(({ type }) => type)).toContain('member-updated')
  expect(one.pool.setTags(new Map([['x', 'y'.repeat(600)]])).ok).toBe(false)
})

test('whoever meets many members at once reads of a few, and of one that comes later', () => {
  const world = new World()
  world.formed(12)
  const late = world.open(13)
  const joins = (level: string): number =>
    late.log.filter((line) => line.message === 'a member joined' && line.level === level).length
  late.pool.join(['10.0.0.1'], () => {})
  expect(world.clock.runUntil(() => alive(late.pool) === 13, 20_000)).toBe(true)
  expect(joins('info')).toBe(3)
  expect(joins('info') + joins('debug')).toBe(12)
  world.clock.run(60_000)
  world.open(14).pool.join(['10.0.0.1'], () => {})
  expect(world.clock.runUntil(() => alive(late.pool) === 14, 20_000)).toBe(true)
  expect(joins('info')).toBe(4)
})

test('a join says for each address why it did not work', () => {
  const world = new World()
  const { pool } = world.open(1)
  world.names.set('two.example', ['10.0.0.2'])
  let failures: readonly string[] = []
  pool.join(['10.0.0.9', 'nobody.example:99', 'two.example', '::x::'], (report) => {
    expect(report.joined).toBe(0)
    failures = report.failures
  })
  world.clock.run(5_000)
  expect(failures.toSorted()).toEqual([
    '"::x::" is no address; write it as 10.0.0.5, mesh.example:8301 or [fd00::5]:8301',
    '10.0.0.9:8301: connection refused: nothing listens there',
    'nobody.example:99: no such host name',
    'two.example:8301 (10.0.0.2:8301): connection refused: nothing listens there',
  ])
})

test('joining is tried again at growing intervals until somebody answers', () => {
  const world = new World()
  const { pool, log } = world.open(1)
  const ends: boolean[] = []
  const done = (isJoined: boolean): void => void ends.push(isJoined)
  pool.keepJoining({ addresses: ['10.0.0.2'], intervalMs: 8_000, attempts: 0, done })
  world.clock.run(40_000)
  const waits = log.filter(({ message }) => message.includes('trying again'))
  expect(waits.length).toBeGreaterThan(4)
  expect(waits.length).toBeLessThan(12)
  expect(waits[0]).toMatchObject({
    level: 'warn',
    reasons: ['10.0.0.2:8301: connection refused: nothing listens there'],
  })
  const other = world.open(2)
  expect(world.clock.runUntil(() => ends.length > 0, 20_000)).toBe(true)
  expect(ends).toEqual([true])
  expect(alive(other.pool)).toBe(2)
})

test('a member that all others left looks for them again when they are back', () => {
  const world = new World()
  const one = world.open(1)
  const two = world.open(2)
  const ends: boolean[] = []
  const done = (isJoined: boolean): void => void ends.push(isJoined)
  one.pool.keepJoining({ addresses: ['10.0.0.2'], intervalMs: 1_000, attempts: 0, done })
  world.clock.runUntil(() => alive(one.pool) === 2, 10_000)
  let isGone = false
  two.pool.leave(() => {
    isGone = true
    two.pool.close()
  })
  world.clock.runUntil(() => isGone && alive(one.pool) === 1, 20_000)
  world.open(2)
  expect(world.clock.runUntil(() => alive(one.pool) === 2, 60_000)).toBe(true)
  expect(ends).toEqual([true])
})

test('joining is given up after the attempts that were asked for', () => {
  const world = new World()
  const { pool, log } = world.open(1)
  const ends: boolean[] = []
  const done = (isJoined: boolean): void => void ends.push(isJoined)
  pool.keepJoining({ addresses: ['10.0.0.2'], intervalMs: 1_000, attempts: 3, done })
  world.clock.run(60_000)
  expect(log.filter(({ message }) => message.includes('giving up'))).toHaveLength(1)
  expect(ends).toEqual([false])
  expect(log.at(-1)).toMatchObject({ level: 'error', attempts: 3 })
})

test('a member that vanishes has failed, one that says goodbye has left and never failed', () => {
  const world = new World()
  const [one, two, three, four] = world.formed(4)
  three.pool.close()
  expect(world.clock.runUntil(() => one.pool.member('node-3')?.presence === 'failed', 60_000)).toBe(true)
  let isGone = false
  four?.pool.leave(() => {
    isGone = true
    four.pool.close()
  })
  expect(world.clock.runUntil(() => isGone, 20_000)).toBe(true)
  const sees = (): boolean => [one, two].every(({ pool }) => pool.member('node-4')?.presence === 'left')
  expect(world.clock.runUntil(sees, 30_000)).toBe(true)
  const told = one.events.flatMap((event) =>
    'member' in event && event.member.node === 'node-4' ? [event.type] : [],
  )
  expect(told).toEqual(['member-joined', 'member-left'])
})

test('a goodbye of somebody alone is over at once', () => {
  const world = new World()
  const { pool } = world.open(1)
  let isGone = false
  pool.leave(() => {
    isGone = true
  })
  world.clock.run(3_000)
  expect(isGone).toBe(true)
})

test('after a reboot a host finds its pool through peers that no configuration names', () => {
  const world = new World()
  const files = memoryFiles()
  const [, two] = world.formed(3)
  const old = world.open(4, { files })
  world.join(old)
  old.pool.close()
  world.clock.runUntil(() => two.pool.member('node-4')?.presence === 'failed', 60_000)
  const again = world.open(4, { files })
  const ends: boolean[] = []
  const done = (isJoined: boolean): void => void ends.push(isJoined)
  again.pool.keepJoining({ addresses: ['10.0.0.99'], intervalMs: 1_000, attempts: 0, done })
  expect(world.clock.runUntil(() => alive(again.pool) === 4, 20_000)).toBe(true)
  expect(world.clock.runUntil(() => two.pool.member('node-4')?.presence === 'alive', 20_000)).toBe(true)
})

test.each([
  [false, 1],
  [true, 3],
])('after a clean leave with rejoinsAfterLeave %s a host sees %d at its next start', (rejoins, seen) => {
  const world = new World()
  const files = memoryFiles()
  world.formed(3)
  const old = world.open(4, { files })
  world.join(old)
  let isGone = false
  old.pool.leave(() => {
    isGone = true
  })
  world.clock.runUntil(() => isGone, 20_000)
  old.pool.close()
  world.clock.run(1_000)
  const again = world.open(4, { files, rejoinsAfterLeave: rejoins })
  again.pool.keepJoining({ addresses: [], intervalMs: 1_000, attempts: 0, done: () => undefined })
  world.clock.run(10_000)
  expect(again.pool.members().filter(({ node }) => node !== 'node-4')).toHaveLength(seen === 1 ? 0 : 3)
})

test('a damaged file of peers is said and left out', () => {
  const world = new World()
  const files = memoryFiles()
  files.write('serf/lan.peers', Buffer.from('{"peers": 3'))
  const { log } = world.open(1, { files })
  expect(log.map(({ message }) => message)).toContainEqual(expect.stringContaining('damaged'))
})

test('known peers that no socket could be opened to are left out', () => {
  const world = new World()
  const files = memoryFiles()
  const endpoints = [
    ['10.0.0.2', 8_301],
    ['10.0.0.3', 70_000],
    ['10.0.0.4', 0],
    ['not an address', 8_301],
  ] as const
  const peers = endpoints.map(([address, at], index) => ({ node: `node-${index + 2}`, address, port: at }))
  files.write('serf/lan.peers', Buffer.from(JSON.stringify({ version: 1, peers })))
  const asked = new Set<string>()
  world.network.passes = (_from, to) => {
    asked.add(`${to.address} ${to.port}`)
    return false
  }
  const { pool } = world.open(1, { files })
  pool.keepJoining({ addresses: [], intervalMs: 1_000, attempts: 3, done: () => undefined })
  world.clock.run(10_000)
  expect([...asked]).toEqual(['10.0.0.2 8301'])
})

test('a member that names port 0 is not let in', () => {
  const world = new World()
  const { pool, log } = world.open(1)
  const claim = encodeMessage({
    type: 'alive',
    incarnation: 1,
    node: 'nowhere',
    address: '10.0.0.9',
    port: 0,
    meta: noBytes,
    versions: [1, 5, 2, 2, 5, 4],
  })
  world.network.inject(claim, { address: '10.0.0.9', port }, { address: '10.0.0.1', port })
  world.clock.run(1_000)
  expect(pool.member('nowhere')).toBeUndefined()
  expect(log).toContainEqual(expect.objectContaining({ reason: expect.stringContaining('port 0') }))
})

test('a failed member can be given up, and forgotten', () => {
  const world = new World()
  const [one, two, three] = world.formed(3)
  three.pool.close()
  const isSeen = (presence: string | undefined) => (): boolean =>
    [one, two].every(({ pool }) => pool.member('node-3')?.presence === presence)
  expect(world.clock.runUntil(isSeen('failed'), 60_000)).toBe(true)
  expect(one.pool.forceLeave('node-3', false).ok).toBe(true)
  expect(world.clock.runUntil(isSeen('left'), 20_000)).toBe(true)
  expect(two.pool.forceLeave('node-3', true).ok).toBe(true)
  expect(world.clock.runUntil(isSeen(undefined), 20_000)).toBe(true)
  expect(one.pool.forceLeave('nobody', false)).toMatchObject({ failure: { code: 'not-found' } })
  expect(one.pool.forceLeave('node-1', false)).toMatchObject({ failure: { code: 'bad-request' } })
})

test('a living member that others give up stays', () => {
  const world = new World()
  const [one, two, three] = world.formed(3)
  one.pool.forceLeave('node-3', false)
  world.clock.run(20_000)
  expect([one, two, three].map(({ pool }) => alive(pool))).toEqual([3, 3, 3])
})

test('user events reach everybody once, and not those who come later', () => {
  const world = new World()
  const [one, two, three] = world.formed(3)
  expect(one.pool.fireEvent('deploy', Buffer.from('v1'), false).ok).toBe(true)
  world.clock.run(20_000)
  const late = world.open(4)
  world.join(late)
  world.clock.run(40_000)
  const heard = [one, two, three, late].map(
    ({ events }) => events.filter((event) => event.type === 'user-event').length,
  )
  expect(heard).toEqual([1, 1, 1, 0])
  expect(one.pool.fireEvent('deploy', new Uint8Array(600), false)).toMatchObject({ ok: false })
})

test('a query is acknowledged and answered by those who are meant', () => {
  const world = new World()
  const all = world.formed(4, { tags: new Map([['role', 'web']]), timing: lanTiming })
  const [one, two] = all
  two.pool.setTags(new Map([['role', 'database']]))
  world.clock.run(3_000)
  for (const { pool } of all)
    pool.onEvent((event) => {
      if (event.type === 'query') event.query.respond(Buffer.from(event.query.name))
    })
  const ask = (filters: readonly QueryFilter[]): { acks: string[]; answers: string[] } => {
    const acks: string[] = []
    const answers: string[] = []
    let isOver = false
    one.pool.ask({
      name: 'load',
      payload: noBytes,
      filters,
      onAck: (from) => acks.push(from),
      onAnswer: (from, payload) => answers.push(`${from} ${Buffer.from(payload).toString()}`),
      onEnd: () => {
        isOver = true
      },
    })
    expect(world.clock.runUntil(() => isOver, 10_000)).toBe(true)
    return { acks: acks.toSorted(), answers: answers.toSorted() }
  }
  expect(ask([]).acks).toEqual(['node-1', 'node-2', 'node-3', 'node-4'])
  expect(ask([{ kind: 'tag', tag: 'role', expression: '^(web|proxy)$' }])).toEqual({
    acks: ['node-1', 'node-3', 'node-4'],
    answers: ['node-1 load', 'node-3 load', 'node-4 load'],
  })
  expect(ask([{ kind: 'nodes', nodes: ['node-2'] }]).acks).toEqual(['node-2'])
})

test('one that said it would go and then fell silent has left, and is never called failed', () => {
  const world = new World()
  const [one, , three] = world.formed(3)
  three.pool.close()
  const intent = encodeSerf({ type: 'leave-intent', time: 100, node: 'node-3', prune: false })
  const packet = encodeMessage({ type: 'user', payload: intent })
  world.network.inject(packet, { address: '10.0.0.3', port }, { address: '10.0.0.1', port })
  const isLeft = (): boolean => one.pool.member('node-3')?.presence === 'left'
  expect(world.clock.runUntil(isLeft, 60_000)).toBe(true)
  const told = one.events.flatMap((event) =>
    'member' in event && event.member.node === 'node-3' ? [event.type] : [],
  )
  expect(told).toEqual(['member-joined', 'member-left'])
})

test('peers are on the disk soon after they were met, for a host that loses its power', () => {
  const world = new World()
  world.formed(3)
  const late = world.open(4)
  world.join(late)
  const stored = (): readonly string[] => {
    const text = Buffer.from(late.files.read('serf/lan.peers') ?? noBytes).toString()
    return (JSON.parse(text) as PoolMemory).peers.map(({ node }) => node).sort()
  }
  world.clock.run(2 * limits.gossipPeersFirstWriteMs)
  expect(stored()).toEqual(['node-1', 'node-2', 'node-3'])
  world.join(world.open(5))
  world.clock.run(2 * limits.gossipPeersWriteMs)
  expect(stored()).toEqual(['node-1', 'node-2', 'node-3', 'node-5'])
})

test('members learn how far they are from one another', () => {
  const world = new World()
  const [one] = world.formed(3)
  world.clock.run(60_000)
  const roundTripMs = one.pool.roundTripMs('node-1', 'node-2') ?? Number.NaN
  // The network takes 1 ms each way.
  expect(roundTripMs).toBeGreaterThan(1)
  expect(roundTripMs).toBeLessThan(4)
  expect(one.pool.roundTripMs('node-1', 'nobody')).toBeUndefined()
})

test('a member whose datagrams are lost is kept by streams, and the operator is told', () => {
  const world = new World()
  const [one, two, three] = world.formed(3)
  const isCut = (address: string): boolean => address === '10.0.0.3'
  world.network.passes = (from, to, kind) => kind === 'stream' || (!isCut(from.address) && !isCut(to.address))
  world.clock.run(60_000)
  expect([one, two, three].map(({ pool }) => alive(pool))).toEqual([3, 3, 3])
  const lines = one.log.filter(({ message }) => message.includes('over TCP only'))
  expect(lines).toHaveLength(1)
})

test('of two hosts with one name the one that most members know stays', () => {
  const world = new World()
  const [one, two] = world.formed(3)
  const impostor = world.open(9, { node: 'node-3' })
  impostor.pool.join(['10.0.0.1'], () => undefined)
  const isLost = (): boolean => impostor.events.some(({ type }) => type === 'name-lost')
  expect(world.clock.runUntil(isLost, 120_000)).toBe(true)
  for (const { pool } of [one, two]) expect(pool.member('node-3')?.address).toBe('10.0.0.3')
})

test('a clone with the id of a living member is not let in, and both are named', () => {
  const world = new World()
  const tags = new Map([
    ['dc', 'dc1'],
    ['id', 'abc'],
  ])
  const one = world.open(1)
  const two = world.open(2, { tags })
  world.join(two)
  const clone = world.open(3, { tags })
  world.join(clone)
  expect(one.pool.member('node-3')).toBeUndefined()
  expect(one.log.at(-1)).toMatchObject({ level: 'error', node: 'node-3' })
  expect(one.log.at(-1)?.['reason']).toContain('node-2')
})

test('members of another datacenter or outside the allowed networks stay outside', () => {
  const world = new World()
  const one = world.open(1, { allowedNetworks: ['10.0.0.0/29'] })
  world.join(world.open(2))
  world.join(world.open(3, { tags: new Map([['dc', 'dc2']]) }))
  world.join(world.open(20))
  expect(
    one.pool
      .members()
      .map(({ node }) => node)
      .toSorted(),
  ).toEqual(['node-1', 'node-2'])
  expect(one.pool.drops.count('foreign-network')).toBeGreaterThan(0)
})

test.each([
  [{ bind: { address: '0.0.0.0', port } }, 'set advertise_addr'],
  [{ advertise: { address: 'here.example', port: 0 } }, 'is no IP address'],
  [{ allowedNetworks: ['10.0.0.0/33'] }, 'is no network'],
  [{ node: '' }, 'a node name has'],
  [{ keys: [new Uint8Array(5)] }, '16, 24 or 32 bytes'],
])('what cannot work is refused at the start: %j', (more, words) => {
  const world = new World()
  expect(() => world.open(1, more)).toThrow(words)
})

test('a taken address is refused in words', () => {
  const world = new World()
  world.open(1)
  expect(() => world.open(1)).toThrow('another process uses it')
})
