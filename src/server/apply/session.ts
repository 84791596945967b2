/**
 * Applies the making and the ending of sessions. A session hangs on a node that is there and on checks that are not
 * critical, or it would be ended by what nobody will see happen.
 */
import type { AppliedValue } from '../../model/command.ts'
import { failed, ok, type Result } from '../../model/errors.ts'
import { limits } from '../../model/limits.ts'
import { checksOfSession, type Session } from '../../model/session.ts'
import { key2 } from '../store/keys.ts'
import { sameRow } from '../store/row.ts'
import type { Transaction } from '../store/transaction.ts'
import { endSession, putSession, sessionOf } from '../store/write-session.ts'
import { type CommandOf, done, unchanged } from './outcome.ts'

export function applySessionCreate(
  tx: Transaction,
  { session }: CommandOf<'session.create'>,
): Result<AppliedValue> {
  const before = sessionOf(tx, session.id)
  if (before !== undefined)
    return sameRow(before, session)
      ? ok({ kind: 'session', session: before })
      : failed('conflict', `session ${session.id} exists already`)
  if (tx.edits.sessions.size >= limits.sessionsPerCluster)
    return failed(
      'overloaded',
      `there are ${limits.sessionsPerCluster} sessions already; destroy those that nobody needs`,
    )
  const sound = checkGround(tx, session)
  return sound.ok ? ok({ kind: 'session', session: putSession(tx, session) }) : sound
}

function checkGround(tx: Transaction, session: Session): Result<true> {
  const { node } = session
  if (!tx.hasNode(node))
    return failed('invalid-session', `Missing node registration: no node "${node}" is in the catalog`)
  for (const checkId of checksOfSession(session)) {
    const check = tx.edits.checks.get(key2(node, checkId))
    if (check === undefined)
      return failed('invalid-session', `Missing check '${checkId}' registration on node "${node}"`)
    if (check.status === 'critical')
      return failed('invalid-session', `Check '${checkId}' is in critical state`)
  }
  return ok(true)
}

export function applySessionDestroy(
  tx: Transaction,
  { id }: CommandOf<'session.destroy'>,
): Result<AppliedValue> {
  return endSession(tx, id) ? done : unchanged
}

/** The time to live is the leader's business; here it only shows whether the session is there. */
export function applySessionRenew(tx: Transaction, { id }: CommandOf<'session.renew'>): Result<AppliedValue> {
  const session = sessionOf(tx, id)
  return session === undefined ? unchanged : ok({ kind: 'session', session })
}
