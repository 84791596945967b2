/**
 * Writes to the key-value store. A deletion leaves a tombstone, so that the index of what is absent moves; which index a
 * reader sees is kv-view.ts. Conditions were decided in apply/kv.ts.
 */
import type { KvContent, KvEntry, KvTombstone } from '../../model/kv.ts'
import { kvForgottenRow } from './indexes.ts'
import { key1 } from './keys.ts'
import { placeKv, unplaceLock } from './locks.ts'
import { type Row, sameRow, stamped } from './row.ts'
import { placeTombstone, removeTombstone } from './tombstones.ts'
import type { Transaction } from './transaction.ts'

export function kvEntryOf(tx: Transaction, key: string): Row<KvEntry> | undefined {
  return tx.edits.kv.get(key1(key))
}

/** Who holds a key, '' for nobody, and how often it was taken. */
export interface Lock {
  readonly lockIndex: number
  readonly session: string
}

export function lockOf(entry: KvEntry | undefined): Lock {
  return { lockIndex: entry?.lockIndex ?? 0, session: entry?.session ?? '' }
}

/** Does nothing where the entry says the same already, as Consul does: no watcher wakes for nothing. */
export function putKv(tx: Transaction, { key, value, flags }: KvContent, lock: Lock): void {
  const before = kvEntryOf(tx, key)
  const { lockIndex, session } = lock
  const entry: KvEntry = {
    key,
    value,
    flags,
    ...(lockIndex === 0 ? {} : { lockIndex }),
    ...(session === '' ? {} : { session }),
  }
  if (before !== undefined && sameRow(before, entry)) return
  placeKv(tx.edits, before, stamped(tx.index, entry, before))
}

/** Returns false where there was no such key. */
export function removeKv(tx: Transaction, key: string, deletedAtMs: number): boolean {
  const before = kvEntryOf(tx, key)
  if (before === undefined) return false
  placeKv(tx.edits, before, undefined)
  placeTombstone(tx.edits, { key, below: false, index: tx.index, deletedAtMs })
  return true
}

/** Removes every key that begins with `prefix`. Returns false where there was none. */
export function removeKvBelow(tx: Transaction, prefix: string, deletedAtMs: number): boolean {
  for (const entry of [...tx.edits.locks.scan(prefix)]) unplaceLock(tx.edits, entry)
  if (tx.edits.kv.deleteBelow(prefix) === 0) return false
  placeTombstone(tx.edits, { key: prefix, below: true, index: tx.index, deletedAtMs })
  return true
}

/** Forgets deletions up to `upToIndex`. Returns false where there was none. */
export function reapTombstones(tx: Transaction, upToIndex: number): boolean {
  const reaped: KvTombstone[] = []
  for (const tombstone of tx.edits.tombstonesByIndex.scan('')) {
    if (tombstone.index > upToIndex) break
    reaped.push(tombstone)
  }
  const newest = reaped.at(-1)
  if (newest === undefined) return false
  for (const tombstone of reaped) removeTombstone(tx.edits, tombstone)
  // Not the index of this command: readers who know a newer one than the forgotten must not hear of it.
  tx.edits.indexes.set(kvForgottenRow.row, { row: kvForgottenRow.row, index: newest.index })
  return true
}
