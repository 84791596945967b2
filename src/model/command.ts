/**
 * Commands: the only way to change replicated state. A command is proposed, admitted, logged, then applied by every
 * server with the same result, so applying one may use nothing but the command, its envelope and the state.
 *
 * Rules of change: types and fields are only ever added; a server that meets a type or version it does not know stops
 * with `version-mismatch` instead of skipping it, because skipping would let states drift apart.
 */
import type { Principal } from './access.ts'
import type { CaRoot, Enrollment, GossipKeyring, Operator } from './authority.ts'
import type { AutopilotConfig, ServerInfo } from './autopilot.ts'
import type { Check } from './check.ts'
import type { ClusterSettings, ConfigEntry, ConfigEntryKind } from './config-entry.ts'
import type { Datacenter } from './datacenter.ts'
import type { Failure } from './errors.ts'
import type { IntentionAction } from './intention.ts'
import type { KvContent } from './kv.ts'
import type { Node } from './node.ts'
import type { RowIndexes, Service } from './service.ts'
import type { Session } from './session.ts'
import type { TxnError, TxnOperation, TxnResult } from './txn.ts'

export interface Envelope {
  /** Of the store's form (feature.ts): what the cluster had agreed on when the command was proposed. */
  readonly version: number
  readonly principal: Principal
  /** Wall clock of the proposing leader, milliseconds since the epoch: the only time that applying may see. */
  readonly atMs: number
  readonly command: Command
}

export type Command =
  /** First entry of a cluster; refused when the state already has settings. */
  | {
      readonly type: 'genesis'
      readonly settings: ClusterSettings
      readonly roots: readonly CaRoot[]
      readonly operator: Omit<Operator, 'createdAtMs'>
    }
  | { readonly type: 'settings.set'; readonly settings: Pick<ClusterSettings, 'defaultIntentionAction'> }
  /**
   * Upserts a node with any number of its services and checks, all or nothing. With `node` given as a name only, the
   * node row must exist and stays as it is.
   */
  | {
      readonly type: 'catalog.register'
      readonly node: Node | string
      readonly services: readonly Service[]
      readonly checks: readonly Check[]
    }
  /** Removes one service with its checks, one check, or (with neither) the node with everything on it. */
  | {
      readonly type: 'catalog.deregister'
      readonly node: string
      readonly serviceId?: string
      readonly checkId?: string
    }
  | { readonly type: 'config-entry.upsert'; readonly entry: ConfigEntry; readonly casIndex?: number }
  | {
      readonly type: 'config-entry.delete'
      readonly kind: ConfigEntryKind
      readonly name: string
      readonly casIndex?: number
    }
  /** Sets one source of one destination, keeping the destination's other sources. `id` is for a row not there yet. */
  | {
      readonly type: 'intention.upsert'
      readonly id: string
      readonly sourceName: string
      readonly destinationName: string
      readonly action: IntentionAction
      readonly description: string
      readonly meta: Readonly<Record<string, string>>
    }
  | { readonly type: 'intention.delete'; readonly sourceName: string; readonly destinationName: string }
  | { readonly type: 'enrollment.create'; readonly enrollment: NewEnrollment }
  /** `casIndex` 0: only where the key is not there; another: only where the entry was last changed at it. */
  | ({ readonly type: 'kv.set'; readonly casIndex?: number } & KvContent)
  /** `recurse`: everything that begins with `key`, and no `casIndex`. With `casIndex` a missing key is as wanted. */
  | {
      readonly type: 'kv.delete'
      readonly key: string
      readonly recurse: boolean
      readonly casIndex?: number
    }
  /** Writes a key and takes its lock for a session; again for the session that has it. Changes nothing where it cannot. */
  | ({ readonly type: 'kv.lock'; readonly session: string } & KvContent)
  /** Writes a key and gives its lock back. Changes nothing where the session does not hold it. */
  | ({ readonly type: 'kv.unlock'; readonly session: string } & KvContent)
  | { readonly type: 'session.create'; readonly session: Session }
  | { readonly type: 'session.destroy'; readonly id: string }
  /** Starts the session's time to live anew. Answered by the leader's timers; where it is logged, it changes nothing. */
  | { readonly type: 'session.renew'; readonly id: string }
  /** All operations in order or none: the first that cannot be done takes the others with it. */
  | { readonly type: 'txn'; readonly operations: readonly TxnOperation[] }
  /**
   * Puts another state in the place of this one, in steps so that no server is held up: `begin` forgets an earlier
   * attempt, pieces of state text come in order and are made into rows beside the live ones, `commit` swaps them.
   */
  | { readonly type: 'restore.begin'; readonly id: string }
  | { readonly type: 'restore.piece'; readonly id: string; readonly sequence: number; readonly text: string }
  /** `pieces` is how many there were. */
  | { readonly type: 'restore.commit'; readonly id: string; readonly pieces: number }
  | { readonly type: 'restore.abort'; readonly id: string }
  /** Raises what the servers may write into the log (feature.ts); never lowers it. Proposed by the leader. */
  | { readonly type: 'feature.raise'; readonly level: number }
  /** A server says about itself what the others have to know; proposed by that server. */
  | { readonly type: 'server.announce'; readonly server: ServerInfo }
  | { readonly type: 'autopilot.set'; readonly config: AutopilotConfig; readonly casIndex?: number }
  /** Every server works out a hash of its state at this entry, and of its log from `logFrom` on; changes nothing. */
  | { readonly type: 'verify.mark'; readonly logFrom: number }
  /** What the leader found for the mark at `index`; every server compares. `logHash` '': its log does not reach back. */
  | {
      readonly type: 'verify.result'
      readonly index: number
      readonly hash: string
      readonly logHash: string
    }
  /** Forgets the tombstones of deletions up to this log index; proposed by the leader when they are old. */
  | { readonly type: 'kv.reap'; readonly upToIndex: number }
  | {
      readonly type: 'enrollment.redeem'
      readonly tokenHash: string
      readonly node: string
      readonly nodeId: string
      readonly publicKey: string
    }
  /** Uses up the token by which another datacenter comes, and records it. Again with the same content: nothing. */
  | { readonly type: 'datacenter.federate'; readonly tokenHash: string; readonly datacenter: Datacenter }
  /** Records what another datacenter is now; one with another cluster id than the recorded one is refused. */
  | { readonly type: 'datacenter.set'; readonly datacenter: Datacenter }
  | { readonly type: 'datacenter.remove'; readonly name: string }
  /** Uses up a server's token. The server itself is recorded in the log's configuration, by a change of its own. */
  | {
      readonly type: 'enrollment.redeem-server'
      readonly tokenHash: string
      readonly node: string
      readonly serverId: string
      readonly publicKey: string
    }

  /** Adds a root of the service plane that is trusted and signs nothing yet. */
  | { readonly type: 'root.add'; readonly root: CaRoot }
  /** This root of the service plane signs from now on; the one before stays trusted. */
  | { readonly type: 'root.activate'; readonly id: string }
  /** What it signed is not trusted any more. Refused where it signed later than that. Proposed by a server, which knows how long leaves live. */
  | { readonly type: 'root.remove'; readonly id: string; readonly retiredBeforeMs: number }
  /** Shuts a host out for good: its key, its leaves and what it registered. A new token lets it back in with a new key. */
  | { readonly type: 'host.evict'; readonly node: string }
  /** The next step of the gossip keys; proposed by the leader. `casIndex` 0: there are none yet. */
  | { readonly type: 'gossip-keys.set'; readonly keyring: GossipKeyring; readonly casIndex: number }

/** A token as it is made: nobody has used it. */
export type NewEnrollment = Omit<Enrollment, 'createdAtMs' | 'usedBy' | 'usedByKey'>

export type CommandType = Command['type']

const commandTypes: Readonly<Record<CommandType, true>> = {
  genesis: true,
  'settings.set': true,
  'catalog.register': true,
  'catalog.deregister': true,
  'config-entry.upsert': true,
  'config-entry.delete': true,
  'intention.upsert': true,
  'intention.delete': true,
  'enrollment.create': true,
  'enrollment.redeem': true,
  'enrollment.redeem-server': true,
  'root.add': true,
  'root.activate': true,
  'root.remove': true,
  'host.evict': true,
  'gossip-keys.set': true,
  'datacenter.federate': true,
  'datacenter.set': true,
  'datacenter.remove': true,
  'kv.set': true,
  'kv.delete': true,
  'kv.reap': true,
  'kv.lock': true,
  'kv.unlock': true,
  'session.create': true,
  'session.destroy': true,
  'session.renew': true,
  txn: true,
  'restore.begin': true,
  'restore.piece': true,
  'restore.commit': true,
  'restore.abort': true,
  'feature.raise': true,
  'server.announce': true,
  'autopilot.set': true,
  'verify.mark': true,
  'verify.result': true,
}

/** Whether this version knows the command: one that it does not know it must neither log nor apply. */
export const isCommandType = (type: string): type is CommandType => Object.hasOwn(commandTypes, type)

/** What applying one command gave: the same on every server. */
export type Applied =
  | { readonly ok: true; readonly index: number; readonly value: AppliedValue }
  | { readonly ok: false; readonly index: number; readonly failure: Failure }

export type AppliedValue =
  | { readonly kind: 'done' }
  /** A conditional write that found another index than it wanted, or a delete of what is not there. */
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'intention'; readonly id: string }
  | { readonly kind: 'enrolled'; readonly services: readonly string[] }
  | { readonly kind: 'session'; readonly session: Session & RowIndexes }
  | { readonly kind: 'txn'; readonly results: readonly TxnResult[] }
  /** Nothing of the transaction was done. */
  | { readonly kind: 'rolled-back'; readonly errors: readonly TxnError[] }
