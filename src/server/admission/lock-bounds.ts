/** Size and form of sessions and transactions, checked before they are proposed. What depends on state is for apply/. */
import type { Command } from '../../model/command.ts'
import { parseDurationMs } from '../../model/duration.ts'
import { failed, ok, type Result } from '../../model/errors.ts'
import { isUuid } from '../../model/ids.ts'
import { isKvPrefix } from '../../model/kv.ts'
import { limits } from '../../model/limits.ts'
import { checksOfSession, type Session } from '../../model/session.ts'
import { isReadOperation, type KvOperation, type TxnOperation } from '../../model/txn.ts'
import type { CommandOf } from '../apply/outcome.ts'
import { commandOf } from '../apply/txn.ts'
import { checkKvDelete, checkKvSet } from './kv-bounds.ts'

const hasControls = (text: string): boolean => /\p{Cc}/u.test(text)

type LockingCommand = CommandOf<
  `kv.${'lock' | 'unlock'}` | `session.${'create' | 'destroy' | 'renew'}` | 'txn'
>

/** `checkAlone` judges the commands that operations of a transaction stand for. */
export function checkLocking(
  command: LockingCommand,
  checkAlone: (command: Command) => Result<true>,
): Result<true> {
  switch (command.type) {
    case 'kv.lock':
    case 'kv.unlock':
      return isUuid(command.session) ? checkKvSet(command) : noSession(command.session)
    case 'session.create':
      return checkSession(command.session)
    case 'session.destroy':
    case 'session.renew':
      return isUuid(command.id) ? ok(true) : noSession(command.id)
    case 'txn':
      return checkTxn(command, checkAlone)
  }
}

const noSession = (id: string): Result<true> =>
  failed('unknown-session', `invalid session "${id.slice(0, 64)}": its id is no UUID`)

function checkSession(session: Session): Result<true> {
  const { id, name, node, ttl, lockDelayMs } = session
  const invalid = (message: string): Result<true> => failed('invalid-session', message)
  if (!isUuid(id)) return invalid(`the id of a session is a UUID, not "${id.slice(0, 64)}"`)
  if (name.length > limits.sessionNameChars || hasControls(name))
    return invalid(`the name of a session has up to ${limits.sessionNameChars} characters, none of control`)
  if (node === '' || node.length > limits.catalogNameChars || hasControls(node))
    return invalid('Missing node name')
  const checks = checksOfSession(session)
  if (checks.size > limits.checksPerSession)
    return invalid(`a session hangs on ${limits.checksPerSession} checks at most`)
  for (const check of checks)
    if (check === '' || check.length > limits.catalogIdChars || hasControls(check))
      return invalid(`a check id has 1 to ${limits.catalogIdChars} characters, none of control`)
  if (lockDelayMs < 0 || lockDelayMs > limits.lockDelayMaxMs)
    return invalid(`LockDelay must be between 0s and ${limits.lockDelayMaxMs / 1_000}s`)
  return checkTtl(ttl)
}

function checkTtl(ttl: string): Result<true> {
  const ttlMs = ttl === '' ? 0 : parseDurationMs(ttl)
  const { sessionTtlMinMs: min, sessionTtlMaxMs: max } = limits
  if (ttlMs === undefined || ttl.length > 64)
    return failed('invalid-session', `Request decode failed: invalid TTL "${ttl.slice(0, 64)}"`)
  if (ttlMs === 0 || (ttlMs >= min && ttlMs <= max)) return ok(true)
  return failed('invalid-session', `Invalid Session TTL '${ttl}', must be between [10s=24h0m0s]`)
}

function checkTxn(
  { operations }: CommandOf<'txn'>,
  checkAlone: (command: Command) => Result<true>,
): Result<true> {
  if (operations.length > limits.txnOperations)
    return failed(
      'too-large',
      `Transaction contains too many operations (${operations.length} > ${limits.txnOperations})`,
    )
  for (const operation of operations) {
    const sound = checkOperation(operation, checkAlone)
    if (!sound.ok) return sound
  }
  return ok(true)
}

function checkOperation(
  operation: TxnOperation,
  checkAlone: (command: Command) => Result<true>,
): Result<true> {
  if (operation.kind === 'kv') return checkKvOperation(operation)
  // What is only looked for needs no content.
  return isReadOperation(operation) ? ok(true) : checkAlone(commandOf(operation))
}

function checkKvOperation(operation: KvOperation): Result<true> {
  const { verb, key, value, flags } = operation
  if (verb === 'get-tree' || verb === 'delete-tree')
    return isKvPrefix(key) ? ok(true) : checkKvDelete({ type: 'kv.delete', key, recurse: true })
  if (isReadOperation(operation) || verb === 'delete' || verb === 'delete-cas')
    return checkKvDelete({ type: 'kv.delete', key, recurse: false })
  return checkKvSet({ key, value, flags })
}
