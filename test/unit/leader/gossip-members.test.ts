// Nodes as gossip has them: hosts fail, come back, leave and are forgotten; the agent that tells of them goes away.
import { expect, test } from 'vitest'
import { memberCheckId } from '../../../src/model/check.ts'
import { limits } from '../../../src/model/limits.ts'
import { serverServiceId } from '../../../src/model/service.ts'
import type { MemberClaim, MembershipFrame } from '../../../src/rpc/membership-feed.ts'
import { GossipView } from '../../../src/server/leader/gossip-view.ts'
import { Membership } from '../../../src/server/leader/membership.ts'
import { aMemberCheck, aNode, aService, genesis, register } from '../store/rows.ts'
import { asServer, silentLog, TestServer } from '../store/server.ts'

type Told = Partial<MembershipFrame>

class Cluster extends TestServer {
  readonly gossip = new GossipView({ clock: this.clock, log: silentLog, metrics: this.metrics })
  writes = 0
  readonly membership = new Membership({
    store: this.store,
    presence: this.hub,
    gossip: this.gossip,
    consensus: this.consensus,
    write: (command, reply) => {
      this.writes += 1
      this.admission.write(asServer, command, reply)
    },
    clock: this.clock,
    random: this.random,
    log: silentLog,
  })
  #epoch = 0
  #position = 0

  /** A new life of the agent beside the server, which tells all it knows. */
  begin(members: readonly MemberClaim[], told: Told = {}): boolean {
    this.#epoch += 1
    this.#position = 0
    return this.tell(members, told)
  }

  tell(members: readonly MemberClaim[], told: Told = {}): boolean {
    const heard = this.gossip.hear({
      epoch: `epoch-${this.#epoch}`,
      position: this.#position,
      members,
      reaped: [],
      isComplete: true,
      ...told,
    })
    this.#position += 1
    this.clock.run(10)
    return heard
  }

  /** Time passes, and the agent beside the server says that nothing changed. */
  pass(ms: number): void {
    for (let left = ms; left > 0; left -= limits.memberFeedBeatMs) {
      this.clock.run(Math.min(left, limits.memberFeedBeatMs))
      this.tell([])
    }
  }

  enroll(node: string): void {
    const tokenHash = Buffer.from(node).toString('hex').padEnd(64, '0')
    const enrollment = {
      tokenHash,
      node,
      services: ['*'],
      expiresAtMs: this.clock.wallMs() + 1_000,
      createdBy: 'a',
    }
    this.applied({ type: 'enrollment.create', enrollment })
    const key = { node, nodeId: `id-of-${node}`, publicKey: `key-of-${node}` }
    this.applied({ type: 'enrollment.redeem', tokenHash, ...key })
  }

  /** Enrolled, registered with a service, its agent connected. */
  host(node: string): ReturnType<TestServer['connect']> {
    this.enroll(node)
    this.applied(register(aNode(node), [aService('web')]))
    const agent = this.connect(node)
    this.clock.run(10)
    return agent
  }

  status(node: string): string | undefined {
    return this.store.view().check(node, memberCheckId)?.status
  }

  isRegistered(node: string): boolean {
    return this.store.view().node(node) !== undefined
  }
}

const claim = (
  node: string,
  presence: MemberClaim['presence'],
  rest: Partial<MemberClaim> = {},
): MemberClaim => ({ node, nodeId: `id-of-${node}`, address: '10.0.0.7', presence, ...rest })

function founded(): Cluster {
  const server = new Cluster()
  server.applied(genesis())
  server.clock.run(limits.memberGraceMs + 10)
  return server
}

test('a host that gossip lost is critical at once, though its stream still looks alive, and passing when it is back', () => {
  const server = founded()
  server.host('n1')
  server.begin([claim('n1', 'alive')])
  expect(server.status('n1')).toBe('passing')
  server.tell([claim('n1', 'failed')])
  expect(server.hub.isPresent('n1')).toBe(true)
  expect(server.status('n1')).toBe('critical')
  expect(server.isRegistered('n1'), 'it may come back').toBe(true)
  server.tell([claim('n1', 'alive')])
  expect(server.status('n1')).toBe('passing')
})

test('a host that gossip reaches stays passing without a stream to any server', () => {
  const server = founded()
  const agent = server.host('n1')
  server.begin([claim('n1', 'alive')])
  agent.pair.cut()
  server.pass(5 * limits.memberGraceMs)
  expect(server.status('n1')).toBe('passing')
})

test('a host that left is deregistered with what stands on it, once its stream is gone', () => {
  const server = founded()
  const agent = server.host('n1')
  server.host('n2')
  server.begin([claim('n1', 'alive'), claim('n2', 'alive')])
  server.tell([claim('n1', 'left')])
  expect(server.isRegistered('n1')).toBe(true)
  agent.pair.cut()
  server.clock.run(10)
  expect([server.isRegistered('n1'), server.isRegistered('n2')]).toEqual([false, true])
  expect(server.answer('catalog.service', { service: 'web', tags: [], nodeMeta: {} }).length).toBe(1)
  server.applied(register(aNode('n1')))
  server.connect('n1')
  server.tell([claim('n1', 'alive')])
  expect(server.status('n1'), 'it came back').toBe('passing')
})

test('a host that gossip forgot is deregistered; one that a restarted agent has not met yet is not', () => {
  const server = founded()
  for (const node of ['n1', 'n2']) server.host(node).pair.cut()
  server.begin([claim('n1', 'failed'), claim('n2', 'failed')])
  server.tell([], { reaped: ['n1'] })
  server.pass(limits.memberGraceMs + 100)
  expect([server.isRegistered('n1'), server.isRegistered('n2')]).toEqual([false, true])
  server.begin([])
  server.pass(3 * limits.memberGraceMs)
  expect([server.isRegistered('n2'), server.status('n2')]).toEqual([true, 'critical'])
  server.pass(limits.memberAbsentMs)
  expect(server.isRegistered('n2'), 'nobody remembers it').toBe(false)
})

test('a host that gossip forgot and that is connected all the same may restart its agent', () => {
  const server = founded()
  const agent = server.host('n1')
  server.begin([claim('n1', 'failed')])
  server.tell([], { reaped: ['n1'] })
  server.pass(limits.memberGraceMs)
  expect(server.status('n1'), 'it lives, and does not gossip').toBe('passing')
  agent.pair.cut()
  server.pass(limits.memberGraceMs - 2_000)
  const second = server.connect('n1')
  server.pass(2 * limits.memberGraceMs)
  expect(server.status('n1')).toBe('passing')
  second.pair.cut()
  server.pass(2 * limits.memberGraceMs)
  expect([server.isRegistered('n1'), server.status('n1')]).toEqual([true, 'critical'])
})

test('a host that gossip forgot while this server followed is deregistered when it leads', () => {
  const server = founded()
  server.host('n1').pair.cut()
  server.begin([claim('n1', 'failed')])
  server.consensus.setLeading(false)
  server.tell([], { reaped: ['n1'] })
  expect(server.isRegistered('n1')).toBe(true)
  server.consensus.setLeading(true)
  server.pass(limits.memberGraceMs + 100)
  expect(server.isRegistered('n1')).toBe(false)
})

test('while the agent beside the leader is away its last view stays and nobody is declared failed', () => {
  const server = founded()
  const first = server.host('n1')
  server.host('n2')
  server.begin([claim('n1', 'alive'), claim('n2', 'failed')])
  server.clock.run(2 * limits.memberFeedSilenceMs)
  expect(server.gossip.state).toBe('frozen')
  first.pair.cut()
  server.clock.run(5 * limits.memberGraceMs)
  expect([server.status('n1'), server.status('n2')]).toEqual(['passing', 'critical'])
})

test('a view that nobody updates for long is given up: then streams decide, and gossip again when it is back', () => {
  const server = founded()
  server.host('n1').pair.cut()
  server.begin([claim('n1', 'alive')])
  server.clock.run(limits.memberFeedSilenceMs + limits.memberFrozenMs - 1_000)
  expect(server.status('n1')).toBe('passing')
  server.clock.run(2_000)
  expect(server.status('n1')).toBe('critical')
  expect(server.tell([]), 'the frames before are forgotten').toBe(false)
  server.begin([claim('n1', 'alive')])
  expect(server.status('n1')).toBe('passing')
})

test('an agent that connects while gossip is frozen counts as back', () => {
  const server = founded()
  server.host('n1').pair.cut()
  server.begin([claim('n1', 'failed')])
  server.clock.run(2 * limits.memberFeedSilenceMs)
  server.connect('n1')
  server.clock.run(10)
  expect(server.status('n1')).toBe('passing')
  server.begin([claim('n1', 'failed')])
  expect(server.status('n1'), 'gossip is told again').toBe('critical')
})

test('what was missed while the agent beside the leader was away is caught up when it tells again', () => {
  const server = founded()
  for (const node of ['n1', 'n2', 'n3']) server.host(node).pair.cut()
  server.begin([claim('n1', 'alive'), claim('n2', 'alive'), claim('n3', 'alive')])
  server.clock.run(2 * limits.memberFeedSilenceMs)
  server.begin([claim('n1', 'failed')], { isComplete: false })
  server.tell([claim('n2', 'left')])
  expect([server.status('n1'), server.isRegistered('n2')]).toEqual(['critical', false])
  server.pass(limits.memberGraceMs / 2)
  expect(server.status('n3'), 'an agent meets the others first').toBe('passing')
  server.pass(limits.memberGraceMs)
  expect(server.status('n3'), 'neither gossip nor a stream knows it').toBe('critical')
})

test('nodes that no agent made are never touched, whatever gossip claims of them', () => {
  const server = founded()
  server.applied(register(aNode('external', { id: '' })))
  server.applied(register(aNode('stranger', { id: '' }), [aService('db')]))
  const before = server.writes
  for (const presence of ['alive', 'failed', 'left', 'alive'] as const)
    server.begin([claim('external', presence), claim('unknown', presence)])
  server.tell([], { reaped: ['external', 'unknown', 'stranger'] })
  server.pass(5 * limits.memberGraceMs)
  expect(server.writes).toBe(before)
  expect([server.isRegistered('external'), server.isRegistered('unknown')]).toEqual([true, false])
})

test('a member with the name of an enrolled host and another id says nothing about it', () => {
  const server = founded()
  const agent = server.host('n1')
  const other = { nodeId: 'id-of-another-machine' }
  server.begin([claim('n1', 'left', other)])
  agent.pair.cut()
  server.clock.run(10)
  expect(server.isRegistered('n1')).toBe(true)
  server.tell([claim('n1', 'alive', other)])
  server.pass(2 * limits.memberGraceMs)
  expect(server.status('n1'), 'its stream is gone').toBe('critical')
})

test('what gossip says of an evicted host does not count: it stays out of the catalog', () => {
  const server = founded()
  server.host('n1').pair.cut()
  server.begin([claim('n1', 'alive')])
  const before = server.writes
  server.applied({ type: 'host.evict', node: 'n1' })
  server.pass(3 * limits.memberGraceMs)
  expect([server.isRegistered('n1'), server.writes]).toEqual([false, before])
})

test('an enrolled host that is alive and stays unregistered is put into the catalog', () => {
  const server = founded()
  server.enroll('n1')
  server.begin([claim('n1', 'alive')])
  server.pass(limits.memberGraceMs / 2)
  expect(server.isRegistered('n1'), 'its agent will do that better').toBe(false)
  server.pass(limits.memberGraceMs)
  expect(server.store.view().node('n1')).toMatchObject({ id: 'id-of-n1', address: '10.0.0.7' })
  expect(server.status('n1')).toBe('passing')
})

test('the node of a server that is in the cluster stays, also when its agent left', () => {
  const server = founded()
  const agent = server.host('n1')
  server.applied(register('n1', [aService(serverServiceId)]))
  server.begin([claim('n1', 'alive')])
  agent.pair.cut()
  server.tell([claim('n1', 'left')])
  expect([server.isRegistered('n1'), server.status('n1')]).toEqual([true, 'critical'])
  server.applied({ type: 'catalog.deregister', node: 'n1', serviceId: serverServiceId })
  server.clock.run(10)
  expect(server.isRegistered('n1'), 'its server was removed').toBe(false)
})

test('frames that are out of order are refused and change nothing', () => {
  const server = founded()
  server.host('n1')
  server.begin([claim('n1', 'alive')])
  expect(server.tell([claim('n1', 'failed')], { position: 7 })).toBe(false)
  expect(server.tell([claim('n1', 'failed')], { epoch: 'another' })).toBe(false)
  expect(server.status('n1')).toBe('passing')
})

test('frames that tell nothing new cost no write and no look at the catalog', () => {
  const server = founded()
  server.host('n1')
  server.begin([claim('n1', 'alive')])
  const before = server.writes
  const looked: string[] = []
  server.gossip.listen({
    onClaim: (node) => looked.push(node),
    onReaped: (node) => looked.push(node),
    onState: () => looked.push('all'),
  })
  server.pass(50 * limits.memberFeedBeatMs)
  server.begin([claim('n1', 'alive')])
  server.pass(2 * limits.memberGraceMs)
  expect([server.writes, looked]).toEqual([before, []])
  server.tell([claim('n1', 'failed')])
  expect([server.writes, looked]).toEqual([before + 1, ['n1']])
})

test('without gossip a host is a member by its stream, and never deregistered', () => {
  const server = founded()
  server.host('n1').pair.cut()
  server.clock.run(limits.memberGraceMs + 100)
  expect(server.status('n1')).toBe('critical')
  server.clock.run(2 * limits.memberAbsentMs)
  expect(server.isRegistered('n1')).toBe(true)
})

test('a membership check from an earlier leader is corrected by what gossip says now', () => {
  const server = founded()
  server.enroll('n1')
  server.applied(register(aNode('n1'), [], [aMemberCheck('n1', 'critical')]))
  server.begin([claim('n1', 'alive')])
  expect(server.status('n1')).toBe('passing')
})

test('a thousand hosts that fail at once are all written, with bounded writes under way', () => {
  const server = founded()
  const nodes = Array.from({ length: 1_000 }, (_, n) => `n${n}`)
  for (const node of nodes) {
    server.enroll(node)
    server.applied(register(aNode(node), [], [aMemberCheck(node, 'passing')]))
  }
  server.begin(nodes.map((node) => claim(node, 'alive')))
  server.tell(nodes.map((node) => claim(node, 'failed')))
  server.clock.run(500)
  expect(nodes.filter((node) => server.status(node) !== 'critical')).toEqual([])
})
