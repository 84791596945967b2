/**
 * Applies what becomes known of other datacenters. A name stands for one cluster: a description with another cluster id is
 * refused until an operator removed the old one, because it would hand the name's trust to strangers.
 */
import type { AppliedValue } from '../../model/command.ts'
import { type Datacenter, faultOf } from '../../model/datacenter.ts'
import { failed, ok, type Result } from '../../model/errors.ts'
import { limits } from '../../model/limits.ts'
import { withoutIndexes } from '../store/row.ts'
import type { Transaction } from '../store/transaction.ts'
import { putEnrollment } from '../store/write-authority.ts'
import { datacenterOf, dropDatacenter, putDatacenter } from '../store/write-datacenters.ts'
import { checkToken } from './enrollment.ts'
import { type CommandOf, done, unchanged } from './outcome.ts'

export function applyFederate(
  tx: Transaction,
  command: CommandOf<'datacenter.federate'>,
  atMs: number,
): Result<AppliedValue> {
  const { tokenHash, datacenter } = command
  const enrollment = tx.enrollment(tokenHash)
  if (enrollment === undefined) return failed('token-unknown', 'this cluster never issued that token')
  const use = { node: datacenter.name, atMs }
  // A datacenter that lost the answer comes again with its cluster id: the token is still used once.
  const isRepeated = enrollment.usedBy === datacenter.name && enrollment.usedByKey === datacenter.clusterId
  const usable =
    isRepeated && atMs < enrollment.expiresAtMs ? ok(true) : checkToken(enrollment, 'datacenter', use)
  if (!usable.ok) return usable
  const accepted = checkDatacenter(tx, datacenter)
  if (!accepted.ok) return accepted
  const usedBy = { usedBy: datacenter.name, usedByKey: datacenter.clusterId }
  putEnrollment(tx, { ...withoutIndexes(enrollment), ...usedBy })
  putDatacenter(tx, datacenter)
  return done
}

export function applyDatacenter(tx: Transaction, command: CommandOf<'datacenter.set'>): Result<AppliedValue> {
  const accepted = checkDatacenter(tx, command.datacenter)
  if (!accepted.ok) return accepted
  return putDatacenter(tx, command.datacenter) ? done : unchanged
}

export function applyDatacenterRemove(
  tx: Transaction,
  command: CommandOf<'datacenter.remove'>,
): Result<AppliedValue> {
  return dropDatacenter(tx, command.name) ? done : unchanged
}

function checkDatacenter(tx: Transaction, datacenter: Datacenter): Result<true> {
  const own = tx.settings()
  if (own === undefined) return failed('conflict', 'the cluster does not exist yet: run `mesh init`')
  const { name, clusterId } = datacenter
  const fault = faultOf(datacenter)
  if (fault !== undefined)
    return failed('bad-request', `datacenter "${name}" is not well described: ${fault}`)
  if (name === own.datacenter || clusterId === own.clusterId)
    return failed('conflict', `"${name}" is this datacenter itself, or has its name`)
  const before = datacenterOf(tx, name)
  if (before !== undefined && before.clusterId !== clusterId)
    return failed(
      'conflict',
      `datacenter "${name}" is known as another cluster; remove that first: mesh federation remove ${name}`,
    )
  const others = [...tx.edits.datacenters.scan('')].filter((row) => row.name !== name)
  if (others.length >= limits.datacenters)
    return failed('overloaded', `${limits.datacenters} other datacenters are known already`)
  if (datacenter.isPrimary && others.some(({ isPrimary }) => isPrimary))
    return failed('conflict', 'another datacenter is the primary one already')
  return ok(true)
}
