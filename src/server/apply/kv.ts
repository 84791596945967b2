/**
 * Applies writes to the key-value store with Consul's conditions: 0 asks that the key is not there, another index that
 * its entry was last changed at it.
 */
import type { AppliedValue } from '../../model/command.ts'
import type { Result } from '../../model/errors.ts'
import type { Transaction } from '../store/transaction.ts'
import { kvEntryOf, putKv, reapTombstones, removeKv, removeKvBelow } from '../store/write-kv.ts'
import { type CommandOf, done, unchanged } from './outcome.ts'

export function applyKvSet(tx: Transaction, command: CommandOf<'kv.set'>): Result<AppliedValue> {
  const { key, value, flags, casIndex } = command
  const current = kvEntryOf(tx, key)?.modifyIndex ?? 0
  if (casIndex !== undefined && casIndex !== current) return unchanged
  putKv(tx, { key, value, flags })
  return done
}

export function applyKvDelete(
  tx: Transaction,
  command: CommandOf<'kv.delete'>,
  atMs: number,
): Result<AppliedValue> {
  const { key, recurse, casIndex } = command
  if (recurse) return removeKvBelow(tx, key, atMs) ? done : unchanged
  if (casIndex === undefined) return removeKv(tx, key, atMs) ? done : unchanged
  const entry = kvEntryOf(tx, key)
  // What is to be gone is gone already: Consul answers yes to that, whatever the index.
  if (entry === undefined) return done
  if (entry.modifyIndex !== casIndex) return unchanged
  removeKv(tx, key, atMs)
  return done
}

export function applyKvReap(tx: Transaction, command: CommandOf<'kv.reap'>): Result<AppliedValue> {
  return reapTombstones(tx, command.upToIndex) ? done : unchanged
}
