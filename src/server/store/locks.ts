/**
 * Where keys lie that sessions hold: found by key, for deletions of many, and by session, for its end. And the delays of
 * locks that were lost, found by key and by their end. Rules are in write-kv.ts and write-session.ts.
 */
import type { KvEntry } from '../../model/kv.ts'
import type { LockDelay } from '../../model/session.ts'
import { key1, key2 } from './keys.ts'
import type { Row } from './row.ts'
import type { Edits } from './tables.ts'

/** Replaces one entry in all trees that find it; both have one key. */
export function placeKv(
  edits: Edits,
  before: Row<KvEntry> | undefined,
  after: Row<KvEntry> | undefined,
): void {
  if (before !== undefined && before.session !== undefined && before.session !== after?.session)
    unplaceLock(edits, before)
  if (after === undefined) {
    if (before !== undefined) edits.kv.delete(key1(before.key))
    return
  }
  edits.kv.set(key1(after.key), after)
  if (after.session === undefined) return
  edits.locks.set(key1(after.key), after)
  edits.locksBySession.set(key2(after.session, after.key), after)
}

export function unplaceLock(edits: Edits, { key, session = '' }: KvEntry): void {
  edits.locks.delete(key1(key))
  edits.locksBySession.delete(key2(session, key))
}

/** Decimal digits of the largest safe integer, so that key order is numeric order. */
const timeDigits = 16

const endOf = ({ key, untilMs }: LockDelay): string =>
  key1(String(Math.max(0, untilMs)).padStart(timeDigits, '0')) + key1(key)

/** A newer delay of the same key replaces the older one. */
export function placeDelay(edits: Edits, delay: LockDelay): void {
  removeDelay(edits, delay.key)
  edits.lockDelays.set(key1(delay.key), delay)
  edits.lockDelaysByEnd.set(endOf(delay), delay)
}

export function removeDelay(edits: Edits, key: string): void {
  const before = edits.lockDelays.delete(key1(key))
  if (before !== undefined) edits.lockDelaysByEnd.delete(endOf(before))
}
