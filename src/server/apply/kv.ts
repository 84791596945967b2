/**
 * Applies writes to the key-value store with Consul's conditions: 0 asks that the key is not there, another index that
 * its entry was last changed at it. A lock is a key that a session holds; it binds those who lock, not those who write.
 */
import type { AppliedValue } from '../../model/command.ts'
import { failed, type Result } from '../../model/errors.ts'
import type { Transaction } from '../store/transaction.ts'
import { kvEntryOf, lockOf, putKv, reapTombstones, removeKv, removeKvBelow } from '../store/write-kv.ts'
import { isDelayed, sessionOf, sweepDelays } from '../store/write-session.ts'
import { type CommandOf, done, unchanged } from './outcome.ts'

type Content<Type extends 'kv.set' | 'kv.lock' | 'kv.unlock' | 'kv.delete'> = Omit<CommandOf<Type>, 'type'>

export function applyKvSet(tx: Transaction, command: Content<'kv.set'>): Result<AppliedValue> {
  const before = kvEntryOf(tx, command.key)
  const current = before?.modifyIndex ?? 0
  if (command.casIndex !== undefined && command.casIndex !== current) return unchanged
  putKv(tx, command, lockOf(before))
  return done
}

/** The session that holds the key already writes it once more; that is no further taking of the lock. */
export function applyKvLock(tx: Transaction, command: Content<'kv.lock'>): Result<AppliedValue> {
  const { key, session } = command
  if (sessionOf(tx, session) === undefined)
    return failed('unknown-session', `invalid session "${session}": it does not exist`)
  const lock = lockOf(kvEntryOf(tx, key))
  if (lock.session === session) {
    putKv(tx, command, lock)
    return done
  }
  sweepDelays(tx)
  if (lock.session !== '' || isDelayed(tx, key)) return unchanged
  putKv(tx, command, { lockIndex: lock.lockIndex + 1, session })
  return done
}

export function applyKvUnlock(tx: Transaction, command: Content<'kv.unlock'>): Result<AppliedValue> {
  const { key, session } = command
  const lock = lockOf(kvEntryOf(tx, key))
  if (session === '' || lock.session !== session) return unchanged
  putKv(tx, command, { lockIndex: lock.lockIndex, session: '' })
  return done
}

export function applyKvDelete(tx: Transaction, command: Content<'kv.delete'>): Result<AppliedValue> {
  const { key, recurse, casIndex } = command
  const { atMs } = tx
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
