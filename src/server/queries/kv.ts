/** Queries of the key-value store: one entry, those below a prefix, or their keys alone. */
import type { KvEntry } from '../../model/kv.ts'
import type { Queries } from '../../model/query.ts'
import { kvEntries, kvEntry, kvKeyIndex, kvPrefixIndex, watchKvKey, watchKvPrefix } from '../store/kv-view.ts'
import type { Row } from '../store/row.ts'
import type { View } from '../store/view.ts'
import type { Listener } from '../store/watch.ts'
import { collect, type Plan, type Reading, single } from './plan.ts'

type Answer<Name extends keyof Queries> = Queries[Name]['answer']
type Args<Name extends keyof Queries> = Queries[Name]['args']

export function planKvEntry(view: View, { key }: Args<'kv.get'>): Plan<Answer<'kv.get'>> {
  const entry = kvEntry(view, key)
  return {
    index: kvKeyIndex(view, key),
    ...watching(view, (listener) => watchKvKey(view, key, listener)),
    exists: entry !== undefined,
    read: () => single(entry ?? null),
  }
}

export function planKvEntries(view: View, { prefix }: Args<'kv.list'>): Plan<Answer<'kv.list'>> {
  return {
    ...planBelow(view, prefix),
    read: () => collect<Row<KvEntry>>(kvEntries(view, prefix), () => true),
  }
}

export function planKvKeys(view: View, { prefix, separator }: Args<'kv.keys'>): Plan<Answer<'kv.keys'>> {
  return { ...planBelow(view, prefix), read: () => readKeys(view, prefix, separator) }
}

function planBelow(view: View, prefix: string): Omit<Plan<never>, 'read'> {
  const [first] = kvEntries(view, prefix)
  return {
    index: kvPrefixIndex(view, prefix),
    ...watching(view, (listener) => watchKvPrefix(view, prefix, listener)),
    exists: first !== undefined,
  }
}

/** Keys have no index rows, which there would have to be for every prefix: the tree of entries itself is watched. */
function watching(
  view: View,
  watch: (listener: Listener) => () => void,
): Pick<Plan<never>, 'touched' | 'apart'> {
  return { touched: [], apart: { newest: view.index, watch, pauseMs: 0 } }
}

function* readKeys(view: View, prefix: string, separator: string): Reading<Answer<'kv.keys'>> {
  const keys: string[] = []
  let last = ''
  for (const { key } of kvEntries(view, prefix)) {
    const cut = cutBehind(key, separator, prefix.length)
    // In key order equal beginnings stand together.
    if (cut !== last) keys.push(cut)
    last = cut
    yield
  }
  return keys
}

function cutBehind(key: string, separator: string, from: number): string {
  const at = separator === '' ? -1 : key.indexOf(separator, from)
  return at < 0 ? key : key.slice(0, at + separator.length)
}
