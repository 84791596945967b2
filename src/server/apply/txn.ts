/**
 * Applies a transaction: its operations one after the other, each seeing what those before it did. All are tried, so that
 * the answer names everything that is in the way; with one refusal nothing of it is kept. Texts are Consul's.
 */
import type { AppliedValue, Command } from '../../model/command.ts'
import { ok, type Result } from '../../model/errors.ts'
import {
  type CatalogOperation,
  isReadOperation,
  type KvOperation,
  type TxnOperation,
} from '../../model/txn.ts'
import type { Transaction } from '../store/transaction.ts'
import {
  modifyIndexOf,
  nameOf,
  type OperationOutcome,
  readOperation,
  refused,
  rowOf,
  runOperations,
  shown,
  withoutValue,
} from '../store/txn-read.ts'
import { kvEntryOf } from '../store/write-kv.ts'
import { isDelayed } from '../store/write-session.ts'
import { applyDeregister, applyRegister } from './catalog.ts'
import { applyKvDelete, applyKvLock, applyKvSet, applyKvUnlock } from './kv.ts'
import type { CommandOf } from './outcome.ts'

export function applyTxn(tx: Transaction, { operations }: CommandOf<'txn'>): Result<AppliedValue> {
  const running = runOperations(operations, (operation) => runOperation(tx, operation))
  let step = running.next()
  while (step.done !== true) step = running.next()
  const { results, errors } = step.value
  return ok(errors.length === 0 ? { kind: 'txn', results } : { kind: 'rolled-back', errors })
}

function runOperation(tx: Transaction, operation: TxnOperation): OperationOutcome {
  if (isReadOperation(operation)) return readOperation(tx.edits, operation)
  return operation.kind === 'kv' ? writeKey(tx, operation) : writeRow(tx, operation)
}

function writeKey(tx: Transaction, operation: KvOperation): OperationOutcome {
  const { verb, key, value, flags, index, session } = operation
  const content = { key, value, flags }
  switch (verb) {
    case 'set':
      return written(tx, key, applyKvSet(tx, content), '')
    case 'cas': {
      const result = applyKvSet(tx, { ...content, casIndex: index })
      return written(tx, key, result, `failed to set key "${key}", index is stale`)
    }
    case 'lock': {
      const isLate = isDelayed(tx, key)
      const why = isLate ? 'due to lock delay' : 'lock is already held'
      const result = applyKvLock(tx, { ...content, session })
      return written(tx, key, result, `failed to lock key "${key}"${isLate ? ' ' : ', '}${why}`)
    }
    case 'unlock': {
      const why = `failed to unlock key "${key}", lock isn't held, or is held by another session`
      return written(tx, key, applyKvUnlock(tx, { ...content, session }), why)
    }
    case 'delete':
    case 'delete-tree':
      applyKvDelete(tx, { key, recurse: verb === 'delete-tree' })
      return shown()
    case 'delete-cas': {
      const result = applyKvDelete(tx, { key, recurse: false, casIndex: index })
      const isDone = result.ok && result.value.kind === 'done'
      return isDone ? shown() : refused(`failed to delete key "${key}", index is stale`)
    }
    default:
      return refused(`unknown KV verb "${verb}"`)
  }
}

/** The entry as it is now, or `whyNot` where the write found another state than it wanted. */
function written(
  tx: Transaction,
  key: string,
  result: Result<AppliedValue>,
  whyNot: string,
): OperationOutcome {
  if (!result.ok) return refused(result.failure.message)
  const entry = kvEntryOf(tx, key)
  return result.value.kind === 'done' && entry !== undefined ? shown(withoutValue(entry)) : refused(whyNot)
}

function writeRow(tx: Transaction, operation: CatalogOperation): OperationOutcome {
  const { verb } = operation
  const isConditional = verb === 'cas' || verb === 'delete-cas'
  const isDeletion = verb === 'delete' || verb === 'delete-cas'
  if (isConditional && modifyIndexOf(rowOf(tx.edits, operation)) !== operation.index)
    return refused(`failed to ${isDeletion ? 'delete' : 'set'} ${nameOf(operation)}, index is stale`)
  const command = commandOf(operation)
  const result =
    command.type === 'catalog.register' ? applyRegister(tx, command) : applyDeregister(tx, command)
  if (!result.ok) return refused(result.failure.message)
  const row = isDeletion ? undefined : rowOf(tx.edits, operation)
  return row === undefined ? shown() : shown(row)
}

type CatalogCommand = Extract<Command, { readonly type: `catalog.${string}` }>

/** The command that would do the same alone: rights and bounds are those of it. */
export function commandOf(operation: CatalogOperation): CatalogCommand {
  const isDeletion = operation.verb === 'delete' || operation.verb === 'delete-cas'
  const type = isDeletion ? 'catalog.deregister' : 'catalog.register'
  const none = { services: [], checks: [] }
  if (operation.kind === 'node')
    return type === 'catalog.register'
      ? { type, node: operation.node, ...none }
      : { type, node: operation.node.name }
  if (operation.kind === 'service') {
    const { node, service } = operation
    return type === 'catalog.register'
      ? { type, node, services: [service], checks: [] }
      : { type, node, serviceId: service.id }
  }
  const { check } = operation
  return type === 'catalog.register'
    ? { type, node: check.node, services: [], checks: [check] }
    : { type, node: check.node, checkId: check.checkId }
}
