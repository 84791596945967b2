// "Enforced on n of m proxies": what agents acknowledge, counted over streams and the catalog.
import { expect, test } from 'vitest'
import { limits } from '../../../src/model/limits.ts'
import type { Enforcement } from '../../../src/model/query.ts'
import type { Subject } from '../../../src/model/topic.ts'
import { aNode, aSidecar, genesis, intention, register } from '../store/rows.ts'
import { type TestAgent, TestServer } from '../store/server.ts'

const backend: Subject = { topic: 'intentions', key: 'backend' }

function founded(): TestServer {
  const server = new TestServer()
  server.applied(genesis())
  return server
}

const count = (server: TestServer, index: number, destination = 'backend'): Enforcement =>
  server.answer('intentions.enforcement', { destination, index })

/** Agents that enforce at once whatever the server tells them. */
function obedient(agent: TestAgent, proxies = 1): void {
  for (const frame of agent.take())
    if (frame.kind === 'event' && frame.subject.topic === 'intentions')
      agent.send({
        kind: 'enforced',
        destination: frame.subject.key,
        indexes: Array.from({ length: proxies }, () => frame.index),
      })
}

test('a denial is counted from 0 to 200 of 200 as 200 agents acknowledge it', () => {
  const server = founded()
  const agents = Array.from({ length: 200 }, (_, i) => {
    server.applied(register(aNode(`n${i}`), [aSidecar('backend')]))
    const agent = server.connect(`n${i}`)
    agent.send({ kind: 'subscribe', subject: backend, cursor: 0 })
    return agent
  })
  server.clock.run(100)
  for (const agent of agents) obedient(agent)
  server.clock.run(100)
  const index = server.applied(intention('web', 'backend', 'deny'))
  server.clock.run(100)
  expect(count(server, index)).toMatchObject({ enforced: 0, total: 200 })
  expect(count(server, index).waitingFor.length).toBe(10)
  for (const agent of agents.slice(0, 150)) obedient(agent)
  server.clock.run(100)
  expect(count(server, index)).toMatchObject({ enforced: 150, total: 200 })
  for (const agent of agents) obedient(agent)
  server.clock.run(100)
  expect(count(server, index)).toEqual({ enforced: 200, total: 200, waitingFor: [] })
})

test('a blocking read of the count wakes when it changes, and only then', () => {
  const server = founded()
  const agent = server.connect('n1')
  const other = server.connect('n2')
  const index = server.applied(intention('web', 'backend', 'deny'))
  const args = { destination: 'backend', index }
  const first = server.ask('intentions.enforcement', args)
  expect(first.answer).toEqual({ enforced: 0, total: 0, waitingFor: [] })
  const waiting = server.ask('intentions.enforcement', args, { minIndex: first.index, waitMs: 60_000 })
  other.send({ kind: 'enforced', destination: 'elsewhere', indexes: [index] })
  server.clock.run(1_000)
  expect(waiting.isAnswered).toBe(false)
  agent.send({ kind: 'enforced', destination: 'backend', indexes: [index, 0] })
  server.clock.run(1_000)
  expect(waiting.answer).toEqual({ enforced: 1, total: 2, waitingFor: ['n1'] })
  const again = server.ask('intentions.enforcement', args, { minIndex: waiting.index, waitMs: 60_000 })
  expect(again.isAnswered).toBe(false)
  agent.send({ kind: 'enforced', destination: 'backend', indexes: [index, index] })
  server.clock.run(1_000)
  expect(again.answer).toEqual({ enforced: 2, total: 2, waitingFor: [] })
  const last = server.ask('intentions.enforcement', args, { minIndex: again.index, waitMs: 60_000 })
  server.applied(register(aNode('n3'), [aSidecar('backend')]))
  server.clock.run(1_000)
  expect(last.answer, 'a host that joins counts').toEqual({ enforced: 2, total: 3, waitingFor: ['n3'] })
  expect(server.ask('intentions.enforcement', args, { minIndex: 1_000_000 }).isAnswered).toBe(true)
})

test('a host of the catalog without a stream, or whose proxies are silent, counts as one that does not enforce', () => {
  const server = founded()
  server.applied(register(aNode('away'), [aSidecar('backend'), aSidecar('backend', { id: 'second' })]))
  server.applied(register(aNode('silent'), [aSidecar('backend')]))
  server.applied(register(aNode('other'), [aSidecar('other')]))
  server.connect('silent')
  server.clock.run(10)
  expect(count(server, 1)).toEqual({ enforced: 0, total: 2, waitingFor: ['away', 'silent'] })
})

test('every proxy that a host reports counts, and none where it reports none any more', () => {
  const server = founded()
  const agent = server.connect('n1')
  agent.send({ kind: 'enforced', destination: 'backend', indexes: [5, 5, 0] })
  server.clock.run(10)
  expect(count(server, 1)).toEqual({ enforced: 2, total: 3, waitingFor: ['n1'] })
  agent.send({ kind: 'enforced', destination: 'backend', indexes: [] })
  server.clock.run(10)
  expect(count(server, 1)).toEqual({ enforced: 0, total: 0, waitingFor: [] })
})

test('what a host acknowledged is forgotten with its stream', () => {
  const server = founded()
  server.applied(register(aNode('n1'), [aSidecar('backend')]))
  const agent = server.connect('n1')
  agent.send({ kind: 'enforced', destination: 'backend', indexes: [2] })
  server.clock.run(10)
  expect(count(server, 2)).toMatchObject({ enforced: 1, total: 1 })
  agent.pair.cut()
  server.clock.run(10)
  expect(count(server, 2)).toEqual({ enforced: 0, total: 1, waitingFor: ['n1'] })
})

test('a stream that takes over starts without acknowledgements', () => {
  const server = founded()
  const before = server.connect('n1')
  before.send({ kind: 'enforced', destination: 'backend', indexes: [2] })
  before.send({ kind: 'enforced', destination: 'other', indexes: [2] })
  server.clock.run(10)
  const after = server.connect('n1')
  after.send({ kind: 'enforced', destination: 'backend', indexes: [0] })
  server.clock.run(10)
  expect(count(server, 1)).toMatchObject({ enforced: 0, total: 1 })
  expect(count(server, 1, 'other')).toMatchObject({ enforced: 0, total: 0 })
})

test('a write that changed nothing is enforced where the rules before it are', () => {
  const server = founded()
  const agent = server.connect('n1')
  agent.send({ kind: 'subscribe', subject: backend, cursor: 0 })
  const changed = server.applied(intention('web', 'backend', 'deny'))
  server.clock.run(10)
  obedient(agent)
  server.clock.run(10)
  const repeated = server.applied(intention('web', 'backend', 'deny'))
  server.applied(intention('web', 'elsewhere', 'deny'))
  expect(repeated).toBeGreaterThan(changed)
  expect(count(server, repeated)).toMatchObject({ enforced: 1, total: 1 })
  const gone = server.applied({ type: 'intention.delete', sourceName: 'web', destinationName: 'elsewhere' })
  expect(count(server, gone), 'rules of another destination do not count').toMatchObject({ enforced: 1 })
  const wildcard = server.applied(intention('*', '*', 'deny'))
  expect(count(server, wildcard), 'this one is new').toMatchObject({ enforced: 0, total: 1 })
  expect(count(server, wildcard + 100), 'this one has not come yet').toMatchObject({ enforced: 0, total: 1 })
})

test('for a wildcard all proxies of all destinations count', () => {
  const server = founded()
  server.applied(register(aNode('n1'), [aSidecar('a'), aSidecar('b')]))
  server.applied(register(aNode('n2'), [aSidecar('a')]))
  const agent = server.connect('n1')
  agent.send({ kind: 'subscribe', subject: { topic: 'intentions', key: 'a' }, cursor: 0 })
  const index = server.applied(intention('*', '*', 'deny'))
  server.clock.run(10)
  obedient(agent)
  server.clock.run(10)
  expect(count(server, index, '*')).toEqual({ enforced: 1, total: 3, waitingFor: ['n2', 'n1'] })
})

test('an agent that acknowledges without measure is sent away', () => {
  const server = founded()
  const agent = server.connect('n1')
  const indexes = Array.from({ length: limits.proxiesPerAgent + 1 }, () => 1)
  agent.send({ kind: 'enforced', destination: 'a', indexes })
  server.clock.run(10)
  expect(agent.take().at(-1)).toMatchObject({ kind: 'goaway', reason: { code: 'overloaded' } })
})

test('who balances over a service is counted by the maintenance that they know, apart from its intentions', () => {
  const server = founded()
  const agents = ['n1', 'n2'].map((node) => server.connect(node))
  for (const agent of agents) agent.send({ kind: 'enforced', destination: 'upstream:backend', indexes: [0] })
  server.clock.run(100)
  expect(count(server, 40, 'upstream:backend')).toMatchObject({ enforced: 0, total: 2 })
  agents[0]?.send({ kind: 'enforced', destination: 'upstream:backend', indexes: [40] })
  server.clock.run(100)
  expect(count(server, 40, 'upstream:backend')).toEqual({ enforced: 1, total: 2, waitingFor: ['n2'] })
  // A later maintenance of another instance comes after this one.
  agents[1]?.send({ kind: 'enforced', destination: 'upstream:backend', indexes: [41] })
  server.clock.run(100)
  expect(count(server, 40, 'upstream:backend')).toMatchObject({ enforced: 2, total: 2 })
  expect(count(server, 1, '*')).toEqual({ enforced: 0, total: 0, waitingFor: [] })
  expect(count(server, 1)).toEqual({ enforced: 0, total: 0, waitingFor: [] })
})
