// Laws of the state under random commands: equal logs give equal states, indexes tell the truth about change.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { logIndex } from '../../src/model/ids.ts'
import { Machine } from '../../src/server/apply/machine.ts'
import type { Plan, Reading } from '../../src/server/queries/plan.ts'
import { type Planners, planners, type QueryContext } from '../../src/server/queries/planners.ts'
import { Store } from '../../src/server/store/store.ts'
import { genesis } from '../unit/store/rows.ts'
import { TestServer } from '../unit/store/server.ts'
import { commands, destinations, keys, nodeNames, serviceNames } from './store-commands.ts'

/** Every query that is made from state, with arguments that reach all rows the commands make. */
function plansOf(server: TestServer): readonly { readonly what: string; readonly plan: Plan<unknown> }[] {
  const context: QueryContext = {
    view: server.store.view(),
    status: server.consensus.status(),
    cluster: { addressOf: () => '', peers: () => [], nodes: () => new Set() },
    enforcement: server.hub.enforcement,
    principal: { kind: 'anonymous' },
  }
  const plans: { what: string; plan: Plan<unknown> }[] = []
  const add = <Name extends keyof Planners>(name: Name, args: Parameters<Planners[Name]>[1]): void => {
    const planner: (context: QueryContext, args: Parameters<Planners[Name]>[1]) => Plan<unknown> =
      planners[name]
    plans.push({ what: `${name} ${JSON.stringify(args)}`, plan: planner(context, args) })
  }
  const nodeMeta = {}
  add('catalog.nodes', { nodeMeta })
  add('catalog.nodes', { nodeMeta: { rack: 'r1' } })
  add('catalog.services', { nodeMeta })
  add('catalog.services', { nodeMeta: { rack: 'r1' } })
  for (const service of serviceNames) {
    add('catalog.service', { service, tags: [], nodeMeta })
    add('catalog.service', { service, tags: ['A'], nodeMeta: { rack: 'r1' } })
    add('catalog.mesh', { service, tags: [], nodeMeta })
  }
  for (const node of nodeNames) add('catalog.node', { node })
  add('intentions.list', {})
  for (const destination of destinations) {
    add('intentions.exact', { source: 'web', destination })
    add('intentions.check', { source: 'db', destination })
    add('config.get', { kind: 'service-intentions', name: destination })
  }
  add('intentions.match', { by: 'source', names: ['web', '*'] })
  add('intentions.match', { by: 'destination', names: ['web', 'db'] })
  add('config.list', { kind: 'service-intentions' })
  add('ca.roots', {})
  for (const state of ['any', 'passing', 'warning', 'critical'] as const)
    add('health.state', { state, nodeMeta })
  add('mesh.services', {})
  add('mesh.members', {})
  for (const key of ['', ...keys]) {
    add('kv.get', { key })
    add('kv.list', { prefix: key })
    add('kv.keys', { prefix: key, separator: '/' })
  }
  return plans
}

/** The whole answer at once. */
function readAll<Answer>(reading: Reading<Answer>): Answer {
  for (;;) {
    const step = reading.next()
    if (step.done === true) return step.value
  }
}

test('an answer changes only with its index, its watchers wake, and no index ever goes back', () => {
  fc.assert(
    fc.property(commands, (all) => {
      const server = new TestServer()
      server.applied(genesis())
      for (const command of all) {
        const view = server.store.view()
        const before = plansOf(server).map(({ what, plan }) => {
          const seen = { what, plan, answer: JSON.stringify(readAll(plan.read())), woken: false }
          const wake = (): void => {
            seen.woken = true
          }
          if (plan.apart === undefined) view.watch(plan.touched, wake)
          else plan.apart.watch(wake)
          return seen
        })
        const { index } = server.apply(command)
        for (const [i, { what, plan }] of plansOf(server).entries()) {
          const old = before[i]
          if (old === undefined) throw new Error('plans differ')
          const isChanged = JSON.stringify(readAll(plan.read())) !== old.answer
          if (isChanged) expect(plan.index, `${what} changed, so its index moved`).toBe(index)
          if (isChanged) expect(old.woken, `${what} changed, so its watcher woke`).toBe(true)
          expect(plan.index, `${what} does not go back`).toBeGreaterThanOrEqual(old.plan.index)
        }
      }
    }),
    { numRuns: 120 },
  )
})

test('the key-value store holds what a plain map holds after the same writes', () => {
  fc.assert(
    fc.property(commands, (all) => {
      const server = new TestServer()
      server.applied(genesis())
      const map = new Map<string, { readonly value: string; readonly flags: string; readonly at: number }>()
      for (const command of all) {
        const { index } = server.apply(command)
        if (command.type === 'kv.set') {
          const { key, value, flags, casIndex } = command
          const before = map.get(key)
          const allowed = casIndex === undefined || casIndex === (before?.at ?? 0)
          const isSame = before?.value === value && before.flags === flags
          if (allowed && !isSame) map.set(key, { value, flags, at: index })
        } else if (command.type === 'kv.delete' && command.recurse) {
          for (const key of map.keys()) if (key.startsWith(command.key)) map.delete(key)
        } else if (command.type === 'kv.delete') {
          const { key, casIndex } = command
          if (casIndex === undefined || casIndex === map.get(key)?.at) map.delete(key)
        }
      }
      const rows = server.answer('kv.list', { prefix: '' })
      expect(rows.map(({ key, value, flags, modifyIndex }) => [key, value, flags, modifyIndex])).toEqual(
        [...map]
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([key, { value, flags, at }]) => [key, value, flags, at]),
      )
    }),
    { numRuns: 200 },
  )
})

test('applying the same log gives the same hash, and so does a restored snapshot with the rest of the log', () => {
  fc.assert(
    fc.property(commands, fc.nat(40), fc.integer({ min: 1, max: 5_000 }), (all, cut, pieceBytes) => {
      const first = new TestServer()
      const second = new TestServer()
      first.applied(genesis())
      for (const command of all) first.apply(command)
      const { entries } = first.consensus
      for (const { index, bytes } of entries.slice(0, cut)) second.machine.apply(logIndex(index), bytes)
      const third = new Store()
      const restored = new Machine(third)
      restore(second.machine, restored, pieceBytes)
      expect(restored.hash()).toBe(second.machine.hash())
      expect(tablesOf(third)).toEqual(tablesOf(second.store))
      for (const { index, bytes } of entries.slice(cut)) {
        const onSecond = second.machine.apply(logIndex(index), bytes)
        expect(restored.apply(logIndex(index), bytes)).toEqual(onSecond)
      }
      expect(second.machine.hash()).toBe(first.machine.hash())
      expect(restored.hash()).toBe(first.machine.hash())
      expect(tablesOf(third)).toEqual(tablesOf(first.store))
    }),
    { numRuns: 120 },
  )
})

/** Pieces cut at other places than they were made: a file is read back in blocks of its own size. */
function restore(from: Machine, to: Machine, pieceBytes: number): void {
  const reader = from.snapshot()
  const pieces: Uint8Array[] = []
  for (let piece = reader.next(); piece !== undefined; piece = reader.next()) pieces.push(piece)
  const whole = Buffer.concat(pieces)
  const writer = to.restore(reader.index)
  for (let at = 0; at < whole.length; at += pieceBytes) writer.write(whole.subarray(at, at + pieceBytes))
  expect(writer.finish()).toEqual({ ok: true, value: true })
}

/** All trees, those that are made from others too. */
function tablesOf(store: Store): unknown {
  return Object.fromEntries(
    Object.entries(store.view().tables).map(([name, tree]) => [name, [...tree.scan()]]),
  )
}
