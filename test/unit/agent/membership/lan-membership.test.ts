// When a host begins to gossip, with which key and tags, and what stops it.
import { expect, test } from 'vitest'
import { LanMembership } from '../../../../src/agent/membership/lan-membership.ts'
import { Meeting } from '../../../../src/agent/membership/meeting.ts'
import { type GossipSettings, gossipDefaults } from '../../../../src/config/gossip-settings.ts'
import type { PoolEvent } from '../../../../src/membership/contract.ts'
import { failed, ok, unwrap } from '../../../../src/model/errors.ts'
import { limits } from '../../../../src/model/limits.ts'
import type { Neighbour } from '../../../../src/model/query.ts'
import type { StateFiles } from '../../../../src/platform/ports.ts'
import type { ServerClient } from '../../../../src/rpc/contract.ts'
import { type LogLine, memoryLog, noMetrics } from '../../../peers/test-pool.ts'
import { testSettings } from '../../api/fixture.ts'
import { alive, memoryFiles, port, World } from '../../membership/pools.ts'

const key = 'cg8StVXbQJ0gPvMd9o7yrg=='
const otherKey = 'pUqJrVyVRj5jsiYEkM/tFQ=='

interface Host {
  readonly membership: LanMembership
  readonly log: LogLine[]
  readonly events: PoolEvent[]
}

interface HostOptions {
  readonly gossip?: Partial<GossipSettings>
  readonly name?: string
  readonly address?: string
  readonly files?: StateFiles
}

function host(world: World, number: number, options: HostOptions = {}): Host {
  const { gossip = {}, name = `host-${number}`, files = memoryFiles() } = options
  const address = options.address ?? `10.0.0.${number}`
  const log: LogLine[] = []
  const events: PoolEvent[] = []
  const membership = new LanMembership({
    settings: {
      ...testSettings,
      nodeName: name,
      gossip: { ...gossipDefaults, bindAddress: address, advertiseAddress: address, ...gossip },
    },
    nodeId: `00000000-0000-4000-8000-00000000000${number}`,
    version: '0.1.0',
    sockets: world.network.sockets,
    names: { resolve: (_name, done) => done([], 'no such host name') },
    clock: world.clock,
    random: world.random,
    files,
    log: memoryLog(log),
    metrics: noMetrics,
  })
  membership.onEvent((event) => events.push(event))
  return { membership, log, events }
}

const joining = (address: string): HostOptions => ({ gossip: { joinAddresses: [address] } })

const living = ({ membership }: Host): number => {
  const pool = membership.pool()
  return pool.ok ? alive(pool.value) : 0
}

const together = (world: World, hosts: readonly Host[], withinMs = 60_000): boolean =>
  world.clock.runUntil(() => hosts.every((one) => living(one) === hosts.length), withinMs)

test('before enrollment there is no pool, and whoever asks is told why; the key that came with it encrypts', () => {
  const world = new World()
  const first = host(world, 1)
  expect(first.membership.pool()).toMatchObject({
    failure: { code: 'needs-gossip', message: expect.stringMatching(/enrolled/) },
  })
  const second = host(world, 2, joining('10.0.0.1'))
  let clear = 0
  world.network.onPacket = (packet) => {
    if (Buffer.from(packet).includes('host-')) clear += 1
  }
  for (const { membership } of [first, second]) membership.open([key])
  expect(together(world, [first, second])).toBe(true)
  expect(unwrap(first.membership.pool()).isEncrypted).toBe(true)
  expect(clear).toBe(0)
  expect(second.events.map(({ type }) => type)).toContain('member-joined')
})

test('a key in the configuration counts more than one that came with enrollment', () => {
  const world = new World()
  const first = host(world, 1, { gossip: { key } })
  const second = host(world, 2, joining('10.0.0.1'))
  expect([first.membership.isConfigured, second.membership.isConfigured]).toEqual([true, false])
  first.membership.open([otherKey])
  second.membership.open([key])
  expect(together(world, [first, second])).toBe(true)
  first.membership.useKeys([otherKey])
  world.clock.run(30_000)
  expect([living(first), living(second)]).toEqual([2, 2])
})

test('keys that the servers change take effect while the pool runs', () => {
  const world = new World()
  const hosts = [host(world, 1), host(world, 2, joining('10.0.0.1'))] as const
  for (const { membership } of hosts) membership.open([key])
  expect(together(world, hosts)).toBe(true)
  for (const { membership } of hosts) membership.useKeys([otherKey, key])
  for (const { membership } of hosts) membership.useKeys([otherKey])
  world.clock.run(30_000)
  expect(hosts.map(living)).toEqual([2, 2])
  const outsider = host(world, 3, joining('10.0.0.1'))
  outsider.membership.open([key])
  world.clock.run(30_000)
  expect(living(outsider)).toBe(1)
})

test('a host that was away while the servers changed the key comes back with the new one', () => {
  const world = new World()
  const first = host(world, 1)
  first.membership.open([key])
  const files = memoryFiles()
  const before = host(world, 2, { ...joining('10.0.0.1'), files })
  before.membership.open([key])
  expect(together(world, [first, before])).toBe(true)
  before.membership.stop()
  first.membership.useKeys([otherKey])
  world.clock.run(60_000)
  const after = host(world, 2, { ...joining('10.0.0.1'), files })
  after.membership.open([otherKey])
  expect(together(world, [first, after])).toBe(true)
})

test('port -1 switches gossip off', () => {
  const world = new World()
  const { membership } = host(world, 1, { gossip: { port: -1 } })
  membership.open([key])
  expect(membership.pool()).toMatchObject({ failure: { message: expect.stringMatching(/serf_lan = -1/) } })
})

test('a port that is taken is tried again; the reason is logged once and told to whoever asks', () => {
  const world = new World()
  const { pool } = world.open(1)
  const { membership, log } = host(world, 1)
  membership.open([])
  world.clock.run(3 * limits.gossipOpenRetryMs)
  expect(membership.pool()).toMatchObject({
    failure: { message: expect.stringMatching(/another process uses it/) },
  })
  expect(log.filter(({ level }) => level === 'error')).toHaveLength(1)
  pool.close()
  world.clock.run(limits.gossipOpenRetryMs)
  expect(membership.pool().ok).toBe(true)
})

test('members see the tags of every host, and those of its role, whenever they are set', () => {
  const world = new World()
  const hosts = [host(world, 1), host(world, 2, joining('10.0.0.1'))] as const
  const [first, second] = hosts
  first.membership.setRoleTags(new Map([['role', 'consul']]))
  for (const { membership } of hosts) membership.open([])
  expect(together(world, hosts)).toBe(true)
  const tags = () => Object.fromEntries(unwrap(second.membership.pool()).member('host-1')?.tags ?? [])
  expect(tags()).toMatchObject({ role: 'consul', dc: 'dc1', build: '1.14.0+mesh-agent.0.1.0' })
  first.membership.setRoleTags(new Map([['port', '8300']]))
  world.clock.run(5_000)
  expect(tags()).toMatchObject({ role: 'node', port: '8300' })
})

test('a host that leaves is seen as left; one that stops is seen as failed', () => {
  const world = new World()
  const hosts = [1, 2, 3].map((number) => host(world, number, joining('10.0.0.1')))
  const [first, second, third] = hosts
  for (const { membership } of hosts) membership.open([])
  expect(together(world, hosts)).toBe(true)
  let hasLeft = false
  second?.membership.leave(() => {
    hasLeft = true
    second.membership.stop()
  })
  third?.membership.stop()
  world.clock.run(60_000)
  expect(hasLeft).toBe(true)
  const seen = first === undefined ? [] : unwrap(first.membership.pool()).members()
  expect(seen.map(({ node, presence }) => [node, presence])).toEqual(
    expect.arrayContaining([
      ['host-2', 'left'],
      ['host-3', 'failed'],
    ]),
  )
})

test('a host whose name most others know elsewhere stops gossiping and says so', () => {
  const world = new World()
  const hosts = [1, 2, 3].map((number) => host(world, number, joining('10.0.0.1')))
  for (const { membership } of hosts) membership.open([])
  expect(together(world, hosts)).toBe(true)
  const impostor = host(world, 4, { ...joining('10.0.0.1'), name: 'host-2' })
  impostor.membership.open([])
  world.clock.run(60_000)
  expect(impostor.membership.pool()).toMatchObject({
    failure: { message: expect.stringMatching(/10\.0\.0\.2:8301.*this node name/) },
  })
  expect(hosts.map(living)).toEqual([3, 3, 3])
})

const meetingOf = (
  world: World,
  { membership }: Host,
  node: string,
  known: () => readonly Neighbour[],
): Meeting => {
  const read = ((request, reply) => {
    expect(request).toMatchObject({ name: 'mesh.neighbours', args: { node } })
    const found = known()
    const meta = { index: 1, knownLeader: true, lastContactMs: 0, effective: 'stale' } as const
    reply(found.length === 0 ? failed('no-server', 'away') : (ok({ answer: found, meta }) as never))
    return { cancel: () => undefined }
  }) as ServerClient['read']
  return new Meeting({ ...world, node, port, membership, read, log: memoryLog([]) })
}

const at = (number: number): Neighbour => ({ node: `host-${number}`, address: `10.0.0.${number}` })

test('hosts that know no address meet through the servers, also when these come late', () => {
  const world = new World()
  const hosts = [1, 2, 3].map((number) => host(world, number))
  let isServerThere = false
  const next = [[at(2)], [at(3)], [at(1)]]
  hosts.forEach((one, i) => {
    one.membership.open([])
    meetingOf(world, one, `host-${i + 1}`, () => (isServerThere ? (next[i] ?? []) : [])).start()
  })
  world.clock.run(60_000)
  expect(hosts.map(living)).toEqual([1, 1, 1])
  isServerThere = true
  expect(together(world, hosts, 120_000)).toBe(true)
})

test('two pools that are content with themselves become one', () => {
  const world = new World()
  const hosts = [1, 2, 3, 4].map((number) =>
    host(world, number, joining(number < 3 ? '10.0.0.1' : '10.0.0.3')),
  )
  for (const { membership } of hosts) membership.open([])
  world.clock.run(30_000)
  expect(hosts.map(living)).toEqual([2, 2, 2, 2])
  hosts.forEach((one, i) => {
    meetingOf(world, one, `host-${i + 1}`, () => [at(((i + 1) % 4) + 1)]).start()
  })
  expect(together(world, hosts, 2 * limits.neighbourLookMs)).toBe(true)
})

test('hosts with IPv6 addresses meet through the servers as others do', () => {
  const world = new World()
  const hosts = [1, 2].map((number) => host(world, number, { address: `fd00::${number}` }))
  hosts.forEach((one, i) => {
    one.membership.open([])
    const other = { node: `host-${2 - i}`, address: `fd00::${2 - i}` }
    meetingOf(world, one, `host-${i + 1}`, () => [other]).start()
  })
  expect(together(world, hosts)).toBe(true)
})
