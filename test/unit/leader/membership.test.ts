// Who is a member, as the leader writes it: agents come, go and come back, leaders change, writes fail.
import { expect, test } from 'vitest'
import { memberCheckId } from '../../../src/model/check.ts'
import { limits } from '../../../src/model/limits.ts'
import { GossipView } from '../../../src/server/leader/gossip-view.ts'
import { Membership } from '../../../src/server/leader/membership.ts'
import { aNode, aService, genesis, register } from '../store/rows.ts'
import { asServer, silentLog, TestServer } from '../store/server.ts'

class Cluster extends TestServer {
  readonly gossip = new GossipView({ clock: this.clock, log: silentLog, metrics: this.metrics })
  readonly membership = new Membership({
    store: this.store,
    presence: this.hub,
    gossip: this.gossip,
    consensus: this.consensus,
    write: (command, reply) => this.admission.write(asServer, command, reply),
    clock: this.clock,
    random: this.random,
    log: silentLog,
  })

  status(node: string): string | undefined {
    const check = this.store.view().check(node, memberCheckId)
    return check && `${check.status}: ${check.output}`
  }
}

const alive = 'passing: Agent alive and reachable'
const lost = 'critical: Agent not live or unreachable'

function founded(): Cluster {
  const server = new Cluster()
  server.applied(genesis())
  server.clock.run(limits.memberGraceMs + 10)
  return server
}

test('a node with a live agent is passing, whether its row or its stream comes first', () => {
  const server = founded()
  server.applied(register(aNode('n1')))
  server.connect('n1')
  server.connect('n2')
  server.clock.run(10)
  expect(server.status('n1')).toBe(alive)
  expect(server.status('n2')).toBeUndefined()
  server.applied(register(aNode('n2'), [aService('web')]))
  server.clock.run(10)
  expect(server.status('n2')).toBe(alive)
})

test('an agent restart does not show; one that stays away is critical after the grace, and comes back at once', () => {
  const server = founded()
  server.applied(register(aNode('n1')))
  const first = server.connect('n1')
  server.clock.run(10)
  const index = server.store.view().check('n1', memberCheckId)?.modifyIndex
  first.pair.cut()
  server.clock.run(limits.memberGraceMs - 100)
  const second = server.connect('n1')
  server.clock.run(limits.memberGraceMs)
  expect(server.store.view().check('n1', memberCheckId)?.modifyIndex).toBe(index)
  second.pair.cut()
  server.clock.run(limits.memberGraceMs - 100)
  expect(server.status('n1')).toBe(alive)
  server.clock.run(200)
  expect(server.status('n1')).toBe(lost)
  server.connect('n1')
  server.clock.run(10)
  expect(server.status('n1')).toBe(alive)
})

test('within the grace nothing else that happens to the node makes it critical', () => {
  const server = founded()
  server.applied(register(aNode('n1')))
  const agent = server.connect('n1')
  server.clock.run(10)
  agent.pair.cut()
  server.applied(register(aNode('n1', { address: '10.0.0.9' })))
  server.clock.run(limits.memberGraceMs - 100)
  expect(server.status('n1')).toBe(alive)
  server.consensus.setLeading(false)
  server.clock.run(limits.memberGraceMs)
  server.consensus.setLeading(true)
  server.applied(register(aNode('n1', { address: '10.0.0.10' })))
  server.clock.run(limits.memberGraceMs - 100)
  expect(server.status('n1'), 'a new leader has not heard of anybody yet').toBe(alive)
  server.clock.run(200)
  expect(server.status('n1')).toBe(lost)
})

test('a node that was registered by hand gets no membership check', () => {
  const server = founded()
  server.applied(register(aNode('external', { id: '' })))
  server.clock.run(10 * limits.memberGraceMs)
  expect(server.status('external')).toBeUndefined()
})

test('a check that somebody removed is written again while the agent lives', () => {
  const server = founded()
  server.applied(register(aNode('n1')))
  server.connect('n1')
  server.clock.run(10)
  server.applied({ type: 'catalog.deregister', node: 'n1', checkId: memberCheckId })
  expect(server.status('n1')).toBeUndefined()
  server.clock.run(10)
  expect(server.status('n1')).toBe(alive)
})

test('a new leader gives agents the grace to connect, then marks those that did not', () => {
  const server = founded()
  server.applied(register(aNode('n1')))
  server.applied(register(aNode('n2')))
  const first = server.connect('n1')
  const second = server.connect('n2')
  server.clock.run(10)
  server.consensus.setLeading(false)
  first.pair.cut()
  second.pair.cut()
  server.clock.run(2 * limits.memberGraceMs)
  expect([server.status('n1'), server.status('n2')], 'no leader, no writes').toEqual([alive, alive])
  server.consensus.setLeading(true)
  server.clock.run(limits.memberGraceMs / 2)
  expect(server.status('n1')).toBe(alive)
  server.connect('n2')
  server.clock.run(limits.memberGraceMs)
  expect([server.status('n1'), server.status('n2')]).toEqual([lost, alive])
})

test('a failed write is repeated', () => {
  const server = founded()
  server.applied(register(aNode('n1')))
  server.consensus.leading = false
  server.connect('n1')
  server.clock.run(100)
  expect(server.status('n1')).toBeUndefined()
  server.consensus.leading = true
  server.clock.run(3 * limits.memberRetryMs)
  expect(server.status('n1')).toBe(alive)
})

test('a thousand agents that come at once are all written, with bounded writes under way', () => {
  const server = founded()
  for (let i = 0; i < 1_000; i++) server.applied(register(aNode(`n${i}`)))
  for (let i = 0; i < 1_000; i++) server.connect(`n${i}`)
  server.clock.run(1_000)
  const members = server.answer('mesh.members', {})
  expect(members.length).toBe(1_000)
  expect(members.every((member) => member.status === 'alive')).toBe(true)
})
