// The tree against a dumb twin: a sorted map, and watches that compare what they watch before and after.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { limits } from '../../src/model/limits.ts'
import { emptyTree, type Tree } from '../../src/server/store/tree.ts'
import { TreeEdit } from '../../src/server/store/tree-edit.ts'
import type { Watch } from '../../src/server/store/watch.ts'

/** Few letters, so that keys share beginnings, lie inside each other and come and go often. */
const key = fc.string({ unit: fc.constantFrom('a', 'b', '\u0000'), maxLength: 4 })
const step = fc.oneof(
  fc.record({ op: fc.constant('set' as const), key, value: fc.integer({ min: 0, max: 5 }) }),
  fc.record({ op: fc.constant('delete' as const), key }),
)
const transactions = fc.array(fc.array(step, { maxLength: 12 }), { maxLength: 12, size: '+1' })
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never
type Twin = Map<string, number>

interface Item {
  readonly key: string
  readonly value: number
}

const sorted = (twin: Twin, prefix = ''): readonly Item[] =>
  [...twin]
    .filter(([name]) => name.startsWith(prefix))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => ({ key: name, value }))

function changed(tree: Tree<Item>, twin: Twin, steps: readonly Step[]): { tree: Tree<Item>; fire: Watch[] } {
  const edit = new TreeEdit(tree)
  for (const one of steps)
    if (one.op === 'set') {
      edit.set(one.key, { key: one.key, value: one.value })
      twin.set(one.key, one.value)
      expect(edit.get(one.key)?.value).toBe(one.value)
    } else {
      expect(edit.delete(one.key)?.value).toBe(twin.get(one.key))
      twin.delete(one.key)
    }
  const fire: Watch[] = []
  return { tree: edit.commit(fire), fire }
}

test('a tree holds what a map would, in order, under every prefix', () => {
  fc.assert(
    fc.property(transactions, key, (all, prefix) => {
      const twin: Twin = new Map()
      let tree = emptyTree<Item>()
      for (const steps of all) {
        tree = changed(tree, twin, steps).tree
        expect([...tree.scan()]).toEqual(sorted(twin))
        expect([...tree.scan(prefix)]).toEqual(sorted(twin, prefix))
        expect([...tree.scanAfter(prefix)]).toEqual(sorted(twin).filter((item) => item.key > prefix))
        expect(tree.get(prefix)?.value).toBe(twin.get(prefix))
        expect(tree.size).toBe(twin.size)
      }
    }),
    { numRuns: 300 },
  )
})

test('older trees stay as they were while newer ones are made, and a dropped edit leaves no trace', () => {
  fc.assert(
    fc.property(transactions, fc.array(step, { maxLength: 8 }), (all, dropped) => {
      const twin: Twin = new Map()
      const kept: { tree: Tree<Item>; items: readonly Item[] }[] = []
      let tree = emptyTree<Item>()
      for (const steps of all) {
        changed(tree, new Map(sorted(twin).map((item) => [item.key, item.value])), dropped)
        tree = changed(tree, twin, steps).tree
        kept.push({ tree, items: sorted(twin) })
      }
      for (const { tree: old, items } of kept) expect([...old.scan()]).toEqual(items)
    }),
    { numRuns: 200 },
  )
})

test('every change under a watched prefix wakes the watcher, also where the watch began on an older tree', () => {
  fc.assert(
    fc.property(transactions, fc.array(key, { minLength: 1, maxLength: 6 }), (all, prefixes) => {
      const twin: Twin = new Map()
      let tree = emptyTree<Item>()
      let older = tree
      for (const steps of all) {
        const before = prefixes.map((prefix) => sorted(twin, prefix))
        const woken = new Set<string>()
        for (const prefix of prefixes) {
          tree.watch(prefix, () => woken.add(prefix))
          older.watch(prefix, () => woken.add(`older ${prefix}`))
        }
        const wokenAtOnce = new Set(woken)
        const next = changed(tree, twin, steps)
        for (const watch of next.fire) watch.fire()
        for (const [i, prefix] of prefixes.entries()) {
          const isChanged = JSON.stringify(before[i]) !== JSON.stringify(sorted(twin, prefix))
          if (isChanged) expect([...woken]).toContain(prefix)
          if (isChanged) expect([...woken]).toContain(`older ${prefix}`)
          expect([...wokenAtOnce], 'a watch on the newest tree waits').not.toContain(prefix)
        }
        older = tree
        tree = next.tree
      }
    }),
    { numRuns: 300 },
  )
})

test('a change elsewhere does not wake the watcher of a key that is there', () => {
  const edit = new TreeEdit(emptyTree<number>())
  for (const name of ['api', 'web', 'webapp', 'worker']) edit.set(`${name}\u0000`, 1)
  const tree = edit.commit([])
  let wakes = 0
  tree.watch('web\u0000', () => wakes++)
  const elsewhere = new TreeEdit(tree)
  elsewhere.set('webapp\u0000', 2)
  elsewhere.set('api\u0000', 2)
  elsewhere.delete('worker\u0000')
  const fire: Watch[] = []
  const after = elsewhere.commit(fire)
  for (const watch of fire) watch.fire()
  expect(wakes).toBe(0)
  const here = new TreeEdit(after)
  here.set('web\u0000', 2)
  const second: Watch[] = []
  here.commit(second)
  for (const watch of second) watch.fire()
  expect(wakes).toBe(1)
})

test('a key that comes or goes beside one that is there does not wake its watcher, whatever they share', () => {
  fc.assert(
    fc.property(transactions, key, (all, watched) => {
      const name = `${watched}|`
      const twin: Twin = new Map()
      let tree = emptyTree<Item>()
      const put = new TreeEdit(tree)
      put.set(name, { key: name, value: 9 })
      tree = put.commit([])
      let wakes = 0
      tree.watch(name, () => wakes++)
      for (const steps of all) {
        const next = changed(tree, twin, steps)
        for (const watch of next.fire) watch.fire()
        tree = next.tree
      }
      expect(wakes).toBe(0)
      const last = new TreeEdit(tree)
      last.set(name, { key: name, value: 10 })
      const fire: Watch[] = []
      last.commit(fire)
      for (const watch of fire) watch.fire()
      expect(wakes).toBe(1)
    }),
    { numRuns: 500 },
  )
})

test('beyond the limit of one node watchers wait on its parent and still hear of the change', () => {
  const edit = new TreeEdit(emptyTree<number>())
  edit.set('a/1\u0000', 1)
  edit.set('a/2\u0000', 1)
  const tree = edit.commit([])
  let wakes = 0
  for (let i = 0; i < limits.watchesPerNode + 10; i++) tree.watch('a/1\u0000', () => wakes++)
  const change = (key: string): number => {
    wakes = 0
    const next = new TreeEdit(tree)
    next.set(key, 2)
    const fire: Watch[] = []
    next.commit(fire)
    for (const watch of fire) watch.fire()
    return wakes
  }
  expect(change('a/2\u0000'), 'those on the parent wake for a sibling').toBe(10)
  expect(change('a/1\u0000')).toBe(limits.watchesPerNode)
})

test('a watch that was stopped does not fire', () => {
  const edit = new TreeEdit(emptyTree<number>())
  edit.set('a\u0000', 1)
  const tree = edit.commit([])
  let wakes = 0
  const stop = tree.watch('a\u0000', () => wakes++)
  tree.watch('a\u0000', () => (wakes += 10))
  stop()
  stop()
  const next = new TreeEdit(tree)
  next.set('a\u0000', 2)
  const fire: Watch[] = []
  next.commit(fire)
  for (const watch of fire) watch.fire()
  expect(wakes).toBe(10)
})
