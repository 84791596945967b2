// Laws of sessions and locks under random commands: the server does what plain maps do, tells the truth about change, and comes
// back from a snapshot as it was, whenever that was taken.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { logIndex } from '../../src/model/ids.ts'
import type { Queries, QueryName } from '../../src/model/query.ts'
import { Machine } from '../../src/server/apply/machine.ts'
import { Store } from '../../src/server/store/store.ts'
import { sessionId } from '../unit/locks/locking.ts'
import { genesis } from '../unit/store/rows.ts'
import { type Asked, TestServer } from '../unit/store/server.ts'
import { NaiveLocks, type Step, steps } from './naive-locks.ts'

function started(): TestServer {
  const server = new TestServer()
  server.applied(genesis())
  return server
}

function take(server: TestServer, { afterMs, command }: Step) {
  server.clock.run(afterMs)
  return server.apply(command)
}

test('sessions, holders and every outcome are those of plain maps', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const server = started()
      const naive = new NaiveLocks()
      for (const step of all) {
        const result = take(server, step)
        naive.nowMs = server.clock.wallMs()
        const kind = result.ok ? result.value.kind : 'failed'
        const outcome =
          kind === 'rolled-back' ? 'failed' : kind === 'session' || kind === 'txn' ? 'done' : kind
        expect(outcome, JSON.stringify(step.command)).toBe(naive.run(step.command))
        const rows = server.answer('kv.list', { prefix: '' })
        expect(
          rows.map(({ key, value, session = '', lockIndex = 0 }) => [key, { value, session, lockIndex }]),
        ).toEqual([...naive.keys].sort(([a], [b]) => (a < b ? -1 : 1)))
        expect(server.answer('session.list', {}).map(({ id }) => id)).toEqual(
          [...naive.sessions.keys()].sort(),
        )
      }
    }),
    { numRuns: 150 },
  )
})

const questions: readonly (readonly [QueryName, Queries[QueryName]['args']])[] = [
  ['session.list', {}],
  ['session.node', { node: 'n1' }],
  ['session.node', { node: 'n2' }],
  ['session.info', { id: sessionId(1) }],
  ['kv.list', { prefix: 'a/' }],
  ['kv.get', { key: 'b' }],
]

test('whoever waits is answered with every change, and no index goes back', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const server = started()
      for (const step of all) {
        const before = questions.map(([name, args]) => {
          const now = server.ask(name, args)
          const wait = { minIndex: now.index, waitMs: 600_000 }
          return { now, waiting: server.ask(name, args, wait) as Asked<QueryName> }
        })
        take(server, step)
        server.clock.run(10)
        for (const [i, [name, args]] of questions.entries()) {
          const { now, waiting } = before[i] ?? { now: undefined, waiting: undefined }
          const after = server.ask(name, args)
          const what = `${name} ${JSON.stringify(args)} after ${JSON.stringify(step.command)}`
          expect(after.index, what).toBeGreaterThanOrEqual(now?.index ?? 0)
          if (JSON.stringify(after.answer) !== JSON.stringify(now?.answer)) {
            expect(waiting?.isAnswered, what).toBe(true)
            expect(waiting?.answer, what).toEqual(after.answer)
          }
          waiting?.cancel()
        }
      }
    }),
    { numRuns: 60 },
  )
})

test('the same log gives the same state, also with a snapshot in its middle', () => {
  fc.assert(
    fc.property(steps, fc.nat(50), (all, cut) => {
      const server = started()
      for (const step of all) take(server, step)
      const { entries } = server.consensus
      const half = new Machine(new Store())
      for (const { index, bytes } of entries.slice(0, cut)) half.apply(logIndex(index), bytes)
      const store = new Store()
      const restored = new Machine(store)
      const reader = half.snapshot()
      const writer = restored.restore(reader.index)
      for (let piece = reader.next(); piece !== undefined; piece = reader.next()) writer.write(piece)
      expect(writer.finish()).toEqual({ ok: true, value: true })
      for (const { index, bytes } of entries.slice(cut)) restored.apply(logIndex(index), bytes)
      expect(restored.hash()).toBe(server.machine.hash())
      const rows = (of: Store): unknown =>
        Object.fromEntries(Object.entries(of.view().tables).map(([name, tree]) => [name, [...tree.scan()]]))
      expect(rows(store)).toEqual(rows(server.store))
    }),
    { numRuns: 100 },
  )
})
