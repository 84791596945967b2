/**
 * The replicated state machine: takes committed log entries in order and changes the store. Applying may use nothing
 * but the entry and the state, so that every server comes to the same. One file per family of commands beside this one;
 * what may be proposed at all is decided in admission/.
 */
import type { Applied, AppliedValue, Command, Envelope } from '../../model/command.ts'
import { assert, failed, MeshError, type Result } from '../../model/errors.ts'
import type { LogIndex } from '../../model/ids.ts'
import { decodeEnvelope } from '../../wire/command.ts'
import type { SnapshotReader, SnapshotWriter, StateMachine } from '../consensus/contract.ts'
import { hashOf, readSnapshot, StateLoader } from '../store/snapshot.ts'
import type { Store } from '../store/store.ts'
import type { Transaction } from '../store/transaction.ts'
import type { View } from '../store/view.ts'
import { applyDeregister, applyRegister } from './catalog.ts'
import { applyEntryDelete, applyEntryUpsert } from './config-entry.ts'
import { applyDatacenter, applyDatacenterRemove, applyFederate } from './datacenter.ts'
import { applyEnrollmentCreate, applyEnrollmentRedeem, applyServerRedeem } from './enrollment.ts'
import { applyGossipKeys, applyHostEvict, mayRegister } from './eviction.ts'
import { applyIntentionDelete, applyIntentionUpsert } from './intention.ts'
import { applyKvDelete, applyKvLock, applyKvReap, applyKvSet, applyKvUnlock } from './kv.ts'
import { type CommandOf, done } from './outcome.ts'
import { applyRestore, isRestore, type RestoreCommand } from './restore.ts'
import { applyRootActivate, applyRootAdd, applyRootRemove } from './roots.ts'
import { applyAnnounce, applyAutopilot, applyFeatureRaise } from './servers.ts'
import { applySessionCreate, applySessionDestroy, applySessionRenew } from './session.ts'
import { applyGenesis, applySettings } from './settings.ts'
import { applyTxn } from './txn.ts'

export type VerifyListener = (command: CommandOf<`verify.${'mark' | 'result'}`>, view: View) => void

export class Machine implements StateMachine {
  readonly #store: Store
  readonly #verifyListeners: VerifyListener[] = []

  constructor(store: Store) {
    this.#store = store
  }

  /** Throws `version-mismatch` for an entry that only a newer program understands: the server must stop there. */
  apply(index: LogIndex, entry: Uint8Array): Applied {
    const envelope = readEnvelope(index, entry)
    const { command, atMs } = envelope
    if (isRestore(command)) return applied(index, applyRestore(this.#store, command, { index, atMs }))
    const tx = this.#store.begin(index, atMs)
    const result = applyEnvelope(tx, envelope, command)
    if (result.ok && result.value.kind !== 'rolled-back') this.#store.commit(tx)
    else this.#store.advance(index)
    if (command.type === 'verify.mark' || command.type === 'verify.result')
      for (const listener of this.#verifyListeners) listener(command, this.#store.view())
    return applied(index, result)
  }

  /** Hears of the entries that ask for a comparison, with the state that they were applied to. */
  onVerify(listener: VerifyListener): void {
    this.#verifyListeners.push(listener)
  }

  snapshot(): SnapshotReader {
    return readSnapshot(this.#store.view())
  }

  restore(index: LogIndex): SnapshotWriter {
    return new StateLoader(index, (tables, staged) => this.#store.replace(index, tables, staged))
  }

  hash(): string {
    return hashOf(this.#store.view())
  }
}

function applied(index: LogIndex, result: Result<AppliedValue>): Applied {
  return result.ok ? { ok: true, index, value: result.value } : { ok: false, index, failure: result.failure }
}

function readEnvelope(index: LogIndex, entry: Uint8Array): Envelope {
  let decoded: Result<Envelope> | undefined
  try {
    decoded = decodeEnvelope(entry)
  } catch {
    // The log's checksums were right, so this was written wrongly: no server may guess what it meant.
  }
  assert(decoded !== undefined, `log entry ${index} is not a command`)
  if (!decoded.ok)
    throw new MeshError(decoded.failure.code, `${decoded.failure.message} (log index ${index})`)
  return decoded.value
}

function applyEnvelope(
  tx: Transaction,
  { principal, atMs }: Envelope,
  command: Exclude<Command, RestoreCommand>,
): Result<AppliedValue> {
  if (principal.kind === 'host' && tx.host(principal.node)?.evicted === true)
    return failed('host-evicted', `host "${principal.node}" was evicted`)
  if (!mayRegister(tx, principal, command))
    return failed('host-evicted', 'a host that was evicted is not put into the catalog')
  switch (command.type) {
    case 'genesis':
      return applyGenesis(tx, command, atMs)
    case 'settings.set':
      return applySettings(tx, command)
    case 'catalog.register':
      return applyRegister(tx, command)
    case 'catalog.deregister':
      return applyDeregister(tx, command)
    case 'config-entry.upsert':
      return applyEntryUpsert(tx, command, atMs)
    case 'config-entry.delete':
      return applyEntryDelete(tx, command)
    case 'intention.upsert':
      return applyIntentionUpsert(tx, command, atMs)
    case 'intention.delete':
      return applyIntentionDelete(tx, command)
    case 'kv.set':
      return applyKvSet(tx, command)
    case 'kv.delete':
      return applyKvDelete(tx, command)
    case 'kv.lock':
      return applyKvLock(tx, command)
    case 'kv.unlock':
      return applyKvUnlock(tx, command)
    case 'session.create':
      return applySessionCreate(tx, command)
    case 'session.destroy':
      return applySessionDestroy(tx, command)
    case 'session.renew':
      return applySessionRenew(tx, command)
    case 'txn':
      return applyTxn(tx, command)
    case 'kv.reap':
      return applyKvReap(tx, command)
    case 'feature.raise':
      return applyFeatureRaise(tx, command)
    case 'server.announce':
      return applyAnnounce(tx, command)
    case 'autopilot.set':
      return applyAutopilot(tx, command)
    case 'verify.mark':
    case 'verify.result':
      return done
    default:
      return applyTrustCommand(tx, command, atMs)
  }
}

/** Who belongs to the cluster, and what proves it. */
function applyTrustCommand(tx: Transaction, command: TrustCommand, atMs: number): Result<AppliedValue> {
  switch (command.type) {
    case 'enrollment.create':
      return applyEnrollmentCreate(tx, command, atMs)
    case 'enrollment.redeem':
      return applyEnrollmentRedeem(tx, command, atMs)
    case 'enrollment.redeem-server':
      return applyServerRedeem(tx, command, atMs)
    case 'datacenter.federate':
      return applyFederate(tx, command, atMs)
    case 'datacenter.set':
      return applyDatacenter(tx, command)
    case 'datacenter.remove':
      return applyDatacenterRemove(tx, command)
    case 'root.add':
      return applyRootAdd(tx, command)
    case 'root.activate':
      return applyRootActivate(tx, command, atMs)
    case 'root.remove':
      return applyRootRemove(tx, command)
    case 'host.evict':
      return applyHostEvict(tx, command, atMs)
    case 'gossip-keys.set':
      return applyGossipKeys(tx, command)
    default:
      return unknownCommand(command)
  }
}

type TrustCommand = Extract<
  Command,
  { readonly type: `${'enrollment' | 'datacenter' | 'root' | 'host' | 'gossip-keys'}.${string}` }
>

/** Skipping what a newer server wrote would let states drift apart. */
function unknownCommand(command: never): never {
  const { type } = command as { readonly type: unknown }
  throw new MeshError('version-mismatch', `the log has a command "${String(type)}" of a newer version`)
}
