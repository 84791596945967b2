/**
 * Applies the making of enrollment tokens and their use. Time is the proposing leader's, from the envelope, so that
 * every server sees a token expire at the same entry.
 */
import type { Enrollment, EnrollmentRole, Host } from '../../model/authority.ts'
import type { AppliedValue } from '../../model/command.ts'
import { formatDuration } from '../../model/duration.ts'
import { failed, ok, type Result } from '../../model/errors.ts'
import { limits } from '../../model/limits.ts'
import { withoutIndexes } from '../store/row.ts'
import type { Transaction } from '../store/transaction.ts'
import { putEnrollment, putHost } from '../store/write-authority.ts'
import { type CommandOf, done } from './outcome.ts'

export function applyEnrollmentCreate(
  tx: Transaction,
  command: CommandOf<'enrollment.create'>,
  atMs: number,
): Result<AppliedValue> {
  if (tx.enrollment(command.enrollment.tokenHash) !== undefined)
    return failed('conflict', 'this enrollment token exists already')
  const livesMs = command.enrollment.expiresAtMs - atMs
  if (livesMs <= 0 || livesMs > limits.enrollmentTtlMaxMs)
    return failed('bad-request', `a token lives up to ${formatDuration(limits.enrollmentTtlMaxMs)}`)
  putEnrollment(tx, { ...command.enrollment, createdAtMs: atMs, usedBy: '' })
  return done
}

export function applyEnrollmentRedeem(
  tx: Transaction,
  command: CommandOf<'enrollment.redeem'>,
  atMs: number,
): Result<AppliedValue> {
  const enrollment = tx.enrollment(command.tokenHash)
  if (enrollment === undefined) return failed('token-unknown', 'this cluster never issued that token')
  const { node, nodeId, publicKey } = command
  const host = tx.host(node)
  // A host that lost the answer asks again with its key: the same host, so the token is still used once. It changes
  // nothing, or a host whose rights a later token took away could take them back with an earlier one.
  if (enrollment.usedBy === node && host?.publicKey === publicKey && !host.evicted)
    return ok({ kind: 'enrolled', services: host.services })
  const usable = checkUse(enrollment, host, { node, publicKey, atMs })
  if (!usable.ok) return usable
  const { services } = enrollment
  putEnrollment(tx, { ...withoutIndexes(enrollment), usedBy: node })
  putHost(tx, { node, nodeId, publicKey, services, enrolledAtMs: atMs, evicted: false })
  return ok({ kind: 'enrolled', services })
}

/**
 * A server comes in by its token. Coming again with the same key, because the answer was lost, changes nothing; but not for
 * ever, or a server that was removed could let itself in with an old token.
 */
export function applyServerRedeem(
  tx: Transaction,
  command: CommandOf<'enrollment.redeem-server'>,
  atMs: number,
): Result<AppliedValue> {
  const enrollment = tx.enrollment(command.tokenHash)
  if (enrollment === undefined) return failed('token-unknown', 'this cluster never issued that token')
  const { node, publicKey } = command
  const isRepeated = enrollment.usedBy === node && enrollment.usedByKey === publicKey
  if (isRepeated && atMs < enrollment.expiresAtMs) return done
  const usable = checkToken(enrollment, 'server', { node, atMs })
  if (!usable.ok) return usable
  putEnrollment(tx, { ...withoutIndexes(enrollment), usedBy: node, usedByKey: publicKey })
  return done
}

/** Whether the token is one for `role`, unused, in time, and for this name. */
export function checkToken(
  enrollment: Enrollment,
  role: EnrollmentRole,
  use: { readonly node: string; readonly atMs: number },
): Result<true> {
  const wanted = enrollment.role ?? 'host'
  if (wanted !== role) return failed('bad-token', `the token is for a ${wanted}, not for a ${role}`)
  if (enrollment.usedBy !== '')
    return failed('token-used', `the token was used by "${enrollment.usedBy}" already`)
  if (use.atMs >= enrollment.expiresAtMs) return failed('token-expired', 'the token is past its expiry')
  if (enrollment.node !== '' && enrollment.node !== use.node)
    return failed('bad-token', `the token is for node "${enrollment.node}", not for "${use.node}"`)
  return ok(true)
}

function checkUse(
  enrollment: Enrollment,
  host: Host | undefined,
  use: { readonly node: string; readonly publicKey: string; readonly atMs: number },
): Result<true> {
  const usable = checkToken(enrollment, 'host', use)
  if (!usable.ok) return usable
  if (host === undefined) return ok(true)
  const sameKey = host.publicKey === use.publicKey
  // An evicted host may come back with a new token and a new key; the old key stays refused.
  if (host.evicted && sameKey) return failed('host-evicted', `host "${use.node}" was evicted with this key`)
  if (!host.evicted && !sameKey)
    return failed('node-name-taken', `node name "${use.node}" belongs to a host with another key`)
  return ok(true)
}
