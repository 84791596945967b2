/**
 * Makes sessions and ends them, with what becomes of the keys that they hold. A session ends in the same transaction as the
 * check or node that it hangs on, so nobody ever sees a lock whose holder is gone. Whether one may be made was decided in
 * apply/session.ts.
 */
import { limits } from '../../model/limits.ts'
import { checksOfSession, type Session } from '../../model/session.ts'
import { nodeSessionsRow, sessionRow } from './indexes.ts'
import { key1, key2, key3 } from './keys.ts'
import { placeDelay, removeDelay } from './locks.ts'
import { type Row, stamped } from './row.ts'
import type { Edits } from './tables.ts'
import type { Transaction } from './transaction.ts'
import { putKv, removeKv } from './write-kv.ts'

export function placeSession(edits: Edits, session: Row<Session>): void {
  edits.sessions.set(key1(session.id), session)
  edits.sessionsByNode.set(key2(session.node, session.id), session)
  for (const check of checksOfSession(session))
    edits.sessionsByCheck.set(key3(session.node, check, session.id), session)
}

function unplaceSession(edits: Edits, session: Session): void {
  edits.sessions.delete(key1(session.id))
  edits.sessionsByNode.delete(key2(session.node, session.id))
  for (const check of checksOfSession(session))
    edits.sessionsByCheck.delete(key3(session.node, check, session.id))
}

export const sessionOf = (tx: Transaction, id: string): Row<Session> | undefined =>
  tx.edits.sessions.get(key1(id))

/** The session must be new. */
export function putSession(tx: Transaction, session: Session): Row<Session> {
  const row = stamped(tx.index, session, undefined)
  placeSession(tx.edits, row)
  tx.touchTable('sessions')
  tx.touch(sessionRow(session.id))
  tx.touch(nodeSessionsRow(session.node))
  tx.sessionChanged(session.id)
  return row
}

/** Ends a session and frees what it holds. Returns false where there was none. */
export function endSession(tx: Transaction, id: string): boolean {
  const session = sessionOf(tx, id)
  if (session === undefined) return false
  unplaceSession(tx.edits, session)
  tx.touchTable('sessions')
  tx.extinguish(sessionRow(id))
  const isLast = !tx.edits.sessionsByNode.has(key1(session.node))
  if (isLast) tx.extinguish(nodeSessionsRow(session.node))
  else tx.touch(nodeSessionsRow(session.node))
  tx.sessionChanged(id)
  freeLocks(tx, session)
  return true
}

/** A check that is critical or gone ends the sessions that hang on it. */
export function endSessionsOfCheck(tx: Transaction, node: string, checkId: string): void {
  for (const { id } of [...tx.edits.sessionsByCheck.scan(key2(node, checkId))]) endSession(tx, id)
}

export function endSessionsOfNode(tx: Transaction, node: string): void {
  for (const { id } of [...tx.edits.sessionsByNode.scan(key1(node))]) endSession(tx, id)
}

/** Whether the lock of `key` was lost so lately that nobody may have it yet. */
export function isDelayed(tx: Transaction, key: string): boolean {
  const untilMs = tx.edits.lockDelays.get(key1(key))?.untilMs ?? 0
  // No delay is longer than its bound: a clock that went back since must not keep a lock shut for as long.
  return tx.atMs < untilMs && untilMs - tx.atMs <= limits.lockDelayMaxMs
}

/** Forgets delays past their end; a command that makes or looks at one calls this, so they cannot pile up. */
export function sweepDelays(tx: Transaction): void {
  const past: string[] = []
  for (const { key, untilMs } of tx.edits.lockDelaysByEnd.scan('')) {
    if (untilMs > tx.atMs || past.length >= limits.lockDelaysPerSweep) break
    past.push(key)
  }
  for (const key of past) removeDelay(tx.edits, key)
}

function freeLocks(tx: Transaction, { id, behavior, lockDelayMs }: Session): void {
  sweepDelays(tx)
  const delayMs = Math.min(lockDelayMs, limits.lockDelayMaxMs)
  for (const entry of [...tx.edits.locksBySession.scan(key1(id))]) {
    if (behavior === 'delete') removeKv(tx, entry.key, tx.atMs)
    else putKv(tx, entry, { lockIndex: entry.lockIndex ?? 0, session: '' })
    if (delayMs > 0) placeDelay(tx.edits, { key: entry.key, untilMs: tx.atMs + delayMs })
  }
}
