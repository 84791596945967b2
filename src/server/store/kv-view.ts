/**
 * Reading the key-value store at one log index: entries, and the index that an answer carries. An index is that of the
 * newest change of what was asked for, deletions included; it never goes back, not when tombstones are forgotten either.
 */
import type { KvEntry, KvTombstone } from '../../model/kv.ts'
import { kvForgottenRow } from './indexes.ts'
import { key1 } from './keys.ts'
import { newestBelow, valuesTowards } from './newest.ts'
import type { Row } from './row.ts'
import type { View } from './view.ts'
import type { Listener } from './watch.ts'

export function kvEntry(view: View, key: string): Row<KvEntry> | undefined {
  return view.tables.kv.get(key1(key))
}

/** In key order, by UTF-16 code units. */
export function kvEntries(view: View, prefix: string): Iterable<Row<KvEntry>> {
  return view.tables.kv.scan(prefix)
}

/** Index of one key: its last change, or the deletion since which it is missing. */
export function kvKeyIndex(view: View, key: string): number {
  const entry = kvEntry(view, key)
  return entry === undefined ? absenceIndex(view, key1(key)) : Math.max(entry.modifyIndex, view.restoredIndex)
}

/** Index of everything that begins with `prefix`. */
export function kvPrefixIndex(view: View, prefix: string): number {
  const { kv, tombstones } = view.tables
  return Math.max(
    newestBelow(kv, prefix, modifiedAt),
    newestBelow(tombstones, prefix, deletedAt),
    absenceIndex(view, prefix),
  )
}

/** Calls `listener` once when the key changed, came or went; see `Tree.watch`. */
export function watchKvKey(view: View, key: string, listener: Listener): () => void {
  return view.tables.kv.watch(key1(key), listener)
}

/** The same for everything that begins with `prefix`. */
export function watchKvPrefix(view: View, prefix: string, listener: Listener): () => void {
  return view.tables.kv.watch(prefix, listener)
}

const modifiedAt = (entry: Row<KvEntry>): number => entry.modifyIndex
const deletedAt = (tombstone: KvTombstone): number => tombstone.index

/** The newest deletion that covers `place`, as far as it is remembered, or of all that are forgotten. */
function absenceIndex(view: View, place: string): number {
  let newest = view.indexOf([kvForgottenRow])
  for (const { index } of valuesTowards(view.tables.tombstones, place)) if (index > newest) newest = index
  return newest
}
