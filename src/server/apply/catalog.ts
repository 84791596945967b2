/**
 * Applies `catalog.register` and `catalog.deregister`. A registration is written whole or not at all: the first broken
 * rule fails the command and its transaction is dropped. How rows hang together is in store/write-catalog.ts.
 */
import type { AppliedValue } from '../../model/command.ts'
import { failed, type Result } from '../../model/errors.ts'
import type { Transaction } from '../store/transaction.ts'
import {
  putCheck,
  putNode,
  putService,
  removeCheck,
  removeNode,
  removeService,
} from '../store/write-catalog.ts'
import { type CommandOf, done, unchanged } from './outcome.ts'
import { checkRegistration, nodeNameOf } from './registration.ts'

export function applyRegister(tx: Transaction, command: CommandOf<'catalog.register'>): Result<AppliedValue> {
  const sound = checkRegistration(command)
  if (!sound.ok) return sound
  const name = nodeNameOf(command)
  if (typeof command.node !== 'string') {
    const datacenter = tx.settings()?.datacenter
    if (datacenter !== undefined && command.node.datacenter !== datacenter)
      return failed(
        'unknown-datacenter',
        `node "${name}" names datacenter "${command.node.datacenter}"; these servers keep "${datacenter}"`,
      )
    putNode(tx, command.node)
  } else if (!tx.hasNode(name))
    return failed('not-found', `node "${name}" is not registered: send the whole node first`)
  for (const service of command.services) putService(tx, name, service)
  for (const check of command.checks) {
    if (check.serviceId !== '' && !tx.hasService(name, check.serviceId))
      return failed(
        'not-found',
        `check "${check.checkId}" is of service "${check.serviceId}", which is not registered on "${name}"`,
      )
    putCheck(tx, check)
  }
  return done
}

export function applyDeregister(
  tx: Transaction,
  command: CommandOf<'catalog.deregister'>,
): Result<AppliedValue> {
  return removed(tx, command) ? done : unchanged
}

function removed(tx: Transaction, command: CommandOf<'catalog.deregister'>): boolean {
  const { node, serviceId, checkId } = command
  if (serviceId !== undefined) return removeService(tx, node, serviceId)
  if (checkId !== undefined) return removeCheck(tx, node, checkId)
  return removeNode(tx, node)
}
