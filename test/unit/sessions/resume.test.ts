// Streams that come back: with a cursor of this server, of one that is ahead, or of another state.
import { expect, test } from 'vitest'
import { logIndex } from '../../../src/model/ids.ts'
import { limits } from '../../../src/model/limits.ts'
import type { Subject } from '../../../src/model/topic.ts'
import type { ServerFrame } from '../../../src/rpc/contract.ts'
import { aNode, aService, genesis, intention, register } from '../store/rows.ts'
import { type TestAgent, TestServer } from '../store/server.ts'

const intentionsOf = (key: string): Subject => ({ topic: 'intentions', key })
const healthOf = (key: string): Subject => ({ topic: 'service-health', key })

function founded(eventsKept?: number): TestServer {
  const server = new TestServer(eventsKept === undefined ? {} : { eventsKept })
  server.applied(genesis())
  return server
}

const kinds = (frames: readonly ServerFrame[]): readonly string[] =>
  frames.map((frame) =>
    'subject' in frame ? `${frame.kind} ${frame.subject.topic}/${frame.subject.key}` : frame.kind,
  )

function subscribed(server: TestServer, node: string, ...subjects: readonly Subject[]): TestAgent {
  const agent = server.connect(node)
  for (const subject of subjects) agent.send({ kind: 'subscribe', subject, cursor: 0 })
  server.clock.run(10)
  agent.take()
  return agent
}

test('a stream that comes back with its cursor gets what it missed, or a snapshot where that is forgotten', () => {
  const server = founded(16)
  server.applied(register(aNode('n1'), [aService('web'), aService('db')]))
  const resumed = (cursor: number, ...subjects: readonly Subject[]): readonly ServerFrame[] => {
    const agent = server.connect('agent')
    for (const subject of subjects) agent.send({ kind: 'subscribe', subject, cursor })
    server.clock.run(10)
    return agent.take().filter((frame) => frame.kind !== 'welcome')
  }
  const cursor = server.store.view().index
  expect(resumed(cursor, healthOf('web'), intentionsOf('web'))).toEqual([])
  const changed = server.applied(register('n1', [aService('web', { port: 1 })]))
  expect(resumed(cursor, healthOf('web'), healthOf('db'))).toMatchObject([
    {
      kind: 'event',
      subject: healthOf('web'),
      index: changed,
      bodies: [{ entry: { service: { port: 1 } } }],
    },
  ])
  for (let port = 1; port < 40; port++) server.applied(register('n1', [aService('db', { port })]))
  expect(kinds(resumed(cursor, healthOf('web')))).toEqual([
    'snapshot-begin service-health/web',
    'event service-health/web',
    'snapshot-end service-health/web',
  ])
  expect(resumed(changed, healthOf('web')), 'nothing changed since, however long ago').toEqual([])
})

test('a cursor ahead of this server waits for the log instead of going back, but not for ever', () => {
  const server = founded()
  server.applied(intention('web', 'db', 'deny'))
  const agent = server.connect('n1')
  agent.send({ kind: 'subscribe', subject: intentionsOf('db'), cursor: 4 })
  server.clock.run(100)
  expect(kinds(agent.take())).toEqual(['welcome'])
  server.applied(register(aNode('n3')))
  server.applied(register(aNode('n4')))
  server.clock.run(10)
  expect(agent.take(), 'it has all of it').toEqual([])
  server.applied(intention('web', 'db', 'allow'))
  server.clock.run(10)
  expect(kinds(agent.take())).toEqual(['event intentions/db'])
  agent.send({ kind: 'subscribe', subject: intentionsOf('other'), cursor: 1_000 })
  server.clock.run(limits.cursorAheadMs + 10)
  expect(kinds(agent.take())).toEqual([
    'snapshot-begin intentions/other',
    'event intentions/other',
    'snapshot-end intentions/other',
  ])
})

test('a server without a leader never sends older state to an agent that has seen more: it sends the agent away', () => {
  const server = founded()
  server.applied(intention('web', 'db', 'deny'))
  server.consensus.setLeading(false)
  const agent = server.connect('n1')
  agent.send({ kind: 'subscribe', subject: intentionsOf('db'), cursor: 1_000 })
  server.clock.run(limits.cursorAheadMs + 10)
  expect(kinds(agent.take())).toEqual(['welcome', 'goaway'])
  expect(agent.closed).toBe(true)
})

test('after the state was replaced by another one every subject starts over', () => {
  const older = founded()
  older.applied(intention('web', 'db', 'deny'))
  const server = founded()
  server.applied(intention('web', 'db', 'allow'))
  const agent = subscribed(server, 'n1', intentionsOf('db'), healthOf('web'))
  const reader = older.machine.snapshot()
  const writer = server.machine.restore(logIndex(server.store.view().index))
  for (let piece = reader.next(); piece !== undefined; piece = reader.next()) writer.write(piece)
  expect(writer.finish().ok).toBe(true)
  server.clock.run(10)
  const frames = agent.take()
  expect(kinds(frames)).toEqual([
    'snapshot-begin intentions/db',
    'event intentions/db',
    'snapshot-end intentions/db',
    'snapshot-begin service-health/web',
    'snapshot-end service-health/web',
  ])
  expect(frames[1]).toMatchObject({ bodies: [{ rules: [{ action: 'deny' }] }] })
})

test('the answer to a ping comes after all that was due before it, so a resumed view is known to be live', () => {
  const server = founded()
  server.applied(register(aNode('n1'), [aService('web')]))
  server.applied(intention('web', 'db', 'deny'))
  const agent = server.connect('agent')
  agent.send({ kind: 'subscribe', subject: healthOf('web'), cursor: 1 })
  agent.send({ kind: 'subscribe', subject: intentionsOf('db'), cursor: 1 })
  agent.send({ kind: 'ping', nonce: 7 })
  server.clock.run(10)
  expect(kinds(agent.take())).toEqual(['welcome', 'event intentions/db', 'event service-health/web', 'pong'])
  agent.send({ kind: 'subscribe', subject: intentionsOf('db'), cursor: server.store.view().index })
  agent.send({ kind: 'ping', nonce: 8 })
  server.clock.run(10)
  expect(agent.take()).toEqual([{ kind: 'pong', nonce: 8 }])
})
