// Agents spread over three servers: who is present, and who enforces, is known at each of them.
import { expect, test } from 'vitest'
import { memberCheckId } from '../../../src/model/check.ts'
import { limits } from '../../../src/model/limits.ts'
import { aNode, aSidecar, genesis, intention, register } from '../store/rows.ts'
import type { TestAgent } from '../store/server.ts'
import { type PresenceServer, PresenceServers } from './presence-servers.ts'

function founded(): PresenceServers {
  const world = new PresenceServers()
  world.applied(genesis())
  world.run(limits.memberGraceMs + 100)
  return world
}

const count = (server: PresenceServer, index: number, destination = 'backend') =>
  server.answer('intentions.enforcement', { destination, index })

const status = (server: PresenceServer, node: string): string | undefined =>
  server.store.view().check(node, memberCheckId)?.status

const follow = (agent: TestAgent): void =>
  agent.send({ kind: 'subscribe', subject: { topic: 'intentions', key: 'backend' }, cursor: 0 })

const acknowledge = (agent: TestAgent, ...indexes: readonly number[]): void =>
  agent.send({ kind: 'enforced', destination: 'backend', indexes })

test('each server counts the proxies of all servers, also after a leader changed', () => {
  const world = founded()
  const { a, b, c } = world
  for (const node of ['n1', 'n2', 'n3']) world.applied(register(aNode(node), [aSidecar('backend')]))
  const agents = [a.connect('n1'), b.connect('n2'), c.connect('n3')]
  const index = world.applied(intention('web', 'backend', 'deny'))
  agents[0] && acknowledge(agents[0], index)
  agents[1] && acknowledge(agents[1], index)
  world.run(100)
  for (const server of [a, b, c])
    expect(count(server, index)).toEqual({ enforced: 2, total: 3, waitingFor: ['n3'] })
  agents[2] && acknowledge(agents[2], index)
  a.consensus.setLeading(false)
  b.consensus.setLeading(true)
  world.run(100)
  for (const server of [a, b, c])
    expect(count(server, index)).toEqual({ enforced: 3, total: 3, waitingFor: [] })
})

test('a read that waits at one server wakes when a proxy at another acknowledges', () => {
  const world = founded()
  const { a, b } = world
  const agent = b.connect('n1')
  world.run(100)
  const args = { destination: 'backend', index: 5 }
  const first = a.ask('intentions.enforcement', args)
  const waiting = a.ask('intentions.enforcement', args, { minIndex: first.index, waitMs: 60_000 })
  world.run(1_000)
  expect(waiting.isAnswered).toBe(false)
  acknowledge(agent, 5)
  world.run(200)
  expect(waiting.answer).toEqual({ enforced: 1, total: 1, waitingFor: [] })
})

test('a server that is lost takes its acknowledgements along, and they come back with it', () => {
  const world = founded()
  const { a, c } = world
  world.applied(register(aNode('n3'), [aSidecar('backend')]))
  const agent = c.connect('n3')
  acknowledge(agent, 9)
  world.run(100)
  expect(count(a, 3)).toMatchObject({ enforced: 1, total: 1 })
  for (const pair of c.pairs) pair.cut()
  world.run(20)
  expect(count(a, 3)).toEqual({ enforced: 0, total: 1, waitingFor: ['n3'] })
  world.run(limits.presencePauseMaxMs)
  expect(count(a, 3)).toMatchObject({ enforced: 1, total: 1 })
})

test('an agent that left while its server was not heard is gone when that is heard again', () => {
  const world = founded()
  const { a, c } = world
  const leaves = c.connect('leaves')
  c.connect('stays')
  world.run(100)
  for (const pair of c.pairs) pair.cut()
  leaves.pair.cut()
  world.run(100)
  expect([a.hub.isPresent('leaves'), a.hub.isPresent('stays')], 'it may be on its way').toEqual([true, true])
  world.run(limits.presencePauseMaxMs)
  expect([a.hub.isPresent('leaves'), a.hub.isPresent('stays')]).toEqual([false, true])
})

test('a server that falls silent counts as lost', () => {
  const world = founded()
  const { a, c } = world
  acknowledge(c.connect('n3'), 9)
  world.run(limits.presenceSilenceMs * 2)
  expect(count(a, 3), 'beats keep a quiet server known').toMatchObject({ enforced: 1 })
  for (const pair of c.pairs) pair.stall(true)
  world.run(limits.presenceSilenceMs + limits.presenceBeatMs)
  expect(count(a, 3)).toMatchObject({ enforced: 0 })
})

test('an agent that changes its server counts once, whichever server speaks first', () => {
  const world = founded()
  const { a, b, c } = world
  world.applied(register(aNode('n1'), [aSidecar('backend')]))
  const before = a.connect('n1')
  acknowledge(before, 100)
  world.run(100)
  // The old server has not noticed that its stream is dead.
  const after = b.connect('n1')
  world.run(100)
  for (const server of [a, b, c])
    expect(count(server, 100)).toEqual({ enforced: 0, total: 1, waitingFor: ['n1'] })
  acknowledge(after, 100)
  world.run(100)
  for (const server of [a, b, c])
    expect(count(server, 100)).toEqual({ enforced: 1, total: 1, waitingFor: [] })
  before.pair.cut()
  world.run(100)
  for (const server of [a, b, c]) expect(count(server, 100)).toMatchObject({ enforced: 1, total: 1 })
  // And back, with the second stream left behind.
  acknowledge(a.connect('n1'), 50)
  world.run(100)
  for (const server of [a, b, c]) expect(count(server, 100)).toMatchObject({ enforced: 0, total: 1 })
})

test('a repeated denial is enforced where it was before, also by agents of another server', () => {
  const world = founded()
  const { a, b, c } = world
  const agent = b.connect('n1')
  follow(agent)
  const changed = world.applied(intention('web', 'backend', 'deny'))
  world.run(50)
  acknowledge(agent, changed)
  world.run(50)
  world.applied(intention('web', 'elsewhere', 'deny'))
  world.applied({ type: 'intention.delete', sourceName: 'web', destinationName: 'elsewhere' })
  const repeated = world.applied(intention('web', 'backend', 'deny'))
  for (const server of [a, b, c]) expect(count(server, repeated)).toMatchObject({ enforced: 1, total: 1 })
  const newer = world.applied(intention('other', 'backend', 'deny'))
  for (const server of [a, b, c]) expect(count(server, newer)).toMatchObject({ enforced: 0, total: 1 })
  const wildcard = world.applied(intention('*', '*', 'deny'))
  acknowledge(agent, newer)
  world.run(50)
  for (const server of [a, b, c]) expect(count(server, wildcard)).toMatchObject({ enforced: 0, total: 1 })
})

test('a server that starts late learns everything that was there, in pieces', () => {
  const world = founded()
  const { a, c } = world
  world.kill(c)
  const most = limits.presenceRowsPerFrame * 2
  for (let n = 0; n < most; n += 1) acknowledge(a.connect(`n${n}`), 7)
  world.run(1_000)
  world.start(c)
  world.run(limits.presencePauseMaxMs * 2)
  expect(count(c, 7)).toMatchObject({ enforced: most, total: most })
  for (let n = 0; n < most; n += 1) expect(c.hub.isPresent(`n${n}`)).toBe(true)
})

test('a host is a member while its agent is connected to any server', () => {
  const world = founded()
  const { a, b, c } = world
  world.applied(register(aNode('n1')))
  const first = b.connect('n1')
  world.run(100)
  expect(status(a, 'n1')).toBe('passing')
  first.pair.cut()
  world.run(limits.memberGraceMs / 2)
  const second = c.connect('n1')
  world.run(limits.memberGraceMs * 2)
  expect(status(a, 'n1')).toBe('passing')
  second.pair.cut()
  world.run(limits.memberGraceMs + 500)
  expect(status(a, 'n1')).toBe('critical')
})

test('agents of a server that dies have time to come to another one', () => {
  const world = founded()
  const { a, b, c } = world
  for (const node of ['moves', 'stays-away']) {
    world.applied(register(aNode(node)))
    c.connect(node)
  }
  world.run(100)
  expect([status(a, 'moves'), status(a, 'stays-away')]).toEqual(['passing', 'passing'])
  world.kill(c)
  const noticeMs = limits.serverLossGraceMs + limits.memberGraceMs - 500
  world.run(noticeMs)
  expect(status(a, 'moves')).toBe('passing')
  b.connect('moves')
  world.run(5_000)
  expect([status(a, 'moves'), status(a, 'stays-away')]).toEqual(['passing', 'critical'])
})

test('a server that left the cluster is told nothing more', () => {
  const world = founded()
  const { a, b, c } = world
  world.members = [a.id, b.id]
  world.run(limits.presenceBeatMs + 100)
  a.connect('n1')
  world.run(1_000)
  expect(b.hub.isPresent('n1')).toBe(true)
  expect(c.hub.isPresent('n1')).toBe(false)
})
