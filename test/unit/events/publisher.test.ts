// What a subscriber is handed at each position, and what is shared between subscribers.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { limits } from '../../../src/model/limits.ts'
import type { Subject } from '../../../src/model/topic.ts'
import { Journal } from '../../../src/server/events/journal.ts'
import type { Next } from '../../../src/server/events/publisher.ts'
import { Queue } from '../../../src/server/events/queue.ts'
import { aNode, aService, genesis, intention, register } from '../store/rows.ts'
import { TestServer } from '../store/server.ts'

const web: Subject = { topic: 'service-health', key: 'web' }

function founded(eventsKept?: number): TestServer {
  const server = new TestServer(eventsKept === undefined ? {} : { eventsKept })
  server.applied(genesis())
  server.applied(register(aNode('n1'), [aService('web'), aService('busy')]))
  return server
}

const bodies = (next: Next): number => (next.kind === 'event' ? next.frame.bodies.length : -1)

test('a quiet subject gets its event although busy ones filled the journal since', () => {
  const server = founded(8)
  let wakes = 0
  server.publisher.subscribe(web, () => wakes++)
  const position = server.publisher.positionOf(server.store.view().index)
  for (let port = 1; port <= 100; port++) server.applied(register('n1', [aService('busy', { port })]))
  expect(wakes).toBe(0)
  const index = server.applied(register('n1', [aService('web', { port: 1 })]))
  expect(wakes).toBe(1)
  expect(server.publisher.next(web, position)).toMatchObject({ kind: 'event', frame: { index } })
})

test('a subscriber that comes late for what is forgotten gets a snapshot, another one the event', () => {
  const server = founded(2)
  const before = server.store.view().index
  server.publisher.subscribe(web, () => undefined)
  const indexes = [1, 2, 3].map((port) => server.applied(register('n1', [aService('web', { port })])))
  const kindAt = (cursor: number) => server.publisher.next(web, server.publisher.positionOf(cursor)).kind
  expect(kindAt(before)).toBe('snapshot')
  expect(kindAt(indexes[0] ?? 0)).toBe('event')
  expect(kindAt(indexes[2] ?? 0)).toBe('current')
})

test('changes of one instance between two looks are one body, with the newest content', () => {
  const server = founded()
  server.publisher.subscribe(web, () => undefined)
  const position = server.publisher.positionOf(server.store.view().index)
  for (const port of [1, 2, 3]) server.applied(register('n1', [aService('web', { port })]))
  const next = server.publisher.next(web, position)
  expect(next).toMatchObject({
    kind: 'event',
    frame: { index: server.store.view().index, bodies: [{ op: 'upsert', entry: { service: { port: 3 } } }] },
  })
})

test('many changes come in bounded events that end between indexes', () => {
  const server = founded()
  server.publisher.subscribe(web, () => undefined)
  let position = server.publisher.positionOf(server.store.view().index)
  const nodes = limits.bodiesPerEvent + 20
  for (let i = 0; i < nodes; i++)
    server.applied(register(aNode(`m${i}`), [aService('web'), aService('web', { id: 'second' })]))
  const sizes: number[] = []
  for (;;) {
    const next = server.publisher.next(web, position)
    if (next.kind !== 'event') break
    sizes.push(bodies(next))
    position = next.position
  }
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(2 * nodes)
  expect(Math.max(...sizes)).toBeLessThanOrEqual(limits.bodiesPerEvent + 1)
  expect(sizes.every((size) => size % 2 === 0)).toBe(true)
})

test('agents that come back together share one snapshot until the subject changes', () => {
  const server = founded()
  server.publisher.subscribe(web, () => undefined)
  const snapshot = () => {
    const next = server.publisher.next(web, server.publisher.positionOf(0))
    return next.kind === 'snapshot' ? next.snapshot : undefined
  }
  const first = snapshot()
  server.applied(register('n1', [aService('busy', { port: 1 })]))
  expect(snapshot()).toBe(first)
  server.applied(register('n1', [aService('web', { port: 1 })]))
  expect(snapshot()).not.toBe(first)
  expect(snapshot()?.frame(0)?.bodies).toMatchObject([{ entry: { service: { port: 1 } } }])
})

test('nobody is told of what nobody subscribes to', () => {
  const server = founded()
  let wakes = 0
  const stop = server.publisher.subscribe({ topic: 'intentions', key: 'db' }, () => wakes++)
  server.applied(intention('web', 'other', 'deny'))
  expect(wakes).toBe(0)
  server.applied(intention('web', 'db', 'deny'))
  expect(wakes).toBe(1)
  stop()
  server.applied(intention('web', 'db', 'allow'))
  expect(wakes).toBe(1)
  expect(server.publisher.next({ topic: 'intentions', key: 'db' }, server.publisher.positionOf(1)).kind).toBe(
    'current',
  )
})

test('a journal hands out all that came after a cursor, or says that it cannot', () => {
  const change = fc.record({ key: fc.constantFrom('a', 'b', 'c'), step: fc.nat(2) })
  fc.assert(
    fc.property(fc.array(change, { maxLength: 40 }), fc.integer({ min: 1, max: 10 }), (changes, capacity) => {
      const journal = new Journal(capacity)
      journal.follow('a', 0)
      const all: { key: string; index: number }[] = []
      let index = 1
      for (const { key, step } of changes) {
        index += step
        journal.append(index, { topic: 'mesh-health', key, node: 'n', serviceId: 's' })
        all.push({ key, index })
      }
      const gone = all.slice(0, Math.max(0, all.length - capacity))
      for (const key of ['a', 'b'])
        for (let cursor = 0; cursor <= index; cursor++) {
          const after = journal.after(key, cursor)?.map((entry) => entry.index)
          const truth = all.filter((one) => one.key === key && one.index > cursor).map((one) => one.index)
          if (after !== undefined) expect(after).toEqual(truth)
          const missed = gone.some((one) => one.key === key && one.index > cursor)
          if (missed) expect(after).toBeUndefined()
          if (key === 'a' && !missed) expect(after, 'followed: nothing of its own is missing').toBeDefined()
        }
    }),
  )
})

test('a queue keeps its order while its ends move', () => {
  const queue = new Queue<number>()
  const twin: number[] = []
  for (let i = 0; i < 1_000; i++) {
    queue.push(i)
    twin.push(i)
    if (i % 3 !== 0) expect(queue.shift()).toBe(twin.shift())
    expect(queue.length).toBe(twin.length)
    expect(queue.at(0)).toBe(twin[0])
  }
  expect(queue.from(5)).toEqual(twin.slice(5))
  queue.clear()
  expect(queue.shift()).toBeUndefined()
})
