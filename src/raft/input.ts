/**
 * Everything that can happen to the core. Time arrives as elapsed milliseconds, randomness through the options, the
 * disk as notices: the same inputs always give the same effects.
 */
import type { ClusterChange, ClusterConfiguration } from '../model/cluster.ts'
import type { LogIndex, NodeId } from '../model/ids.ts'
import type { LogPosition } from '../model/log-entry.ts'
import type { RaftMessage } from '../model/raft-message.ts'

export type Input =
  | { readonly type: 'tick'; readonly elapsedMs: number }
  | { readonly type: 'message'; readonly from: NodeId; readonly message: RaftMessage }
  /** Commands to append; all in one batch, answered in `effects.proposed`. */
  | { readonly type: 'propose'; readonly commands: readonly Uint8Array[] }
  /** First configuration of a new cluster; answered in `effects.changed`. */
  | { readonly type: 'bootstrap'; readonly configuration: ClusterConfiguration }
  /** One membership change; answered in `effects.changed`. */
  | { readonly type: 'change'; readonly change: ClusterChange }
  /** Asks for an index that is safe to read at; answered later in `effects.reads` or `effects.readsFailed`. */
  | { readonly type: 'read'; readonly request: number }
  /** Hand leadership to `to`, or to the voter that is furthest; answered in `effects.transfer`. */
  | { readonly type: 'transfer'; readonly to: NodeId | undefined }
  /** Everything persisted with this ticket or an earlier one is durable. */
  | { readonly type: 'synced'; readonly ticket: number }
  /** The state machine applied all entries up to here. */
  | { readonly type: 'applied'; readonly index: LogIndex }
  /** The log store let go of everything at or before `index`; a durable snapshot covers it. */
  | { readonly type: 'compacted'; readonly index: LogIndex }
  /** A snapshot from the leader is durable and the state machine stands at it. */
  | {
      readonly type: 'snapshot-installed'
      readonly last: LogPosition
      readonly configuration: ClusterConfiguration
    }
  /** While on, this server starts no election: it could not do a leader's work (full disk, shutting down). */
  | { readonly type: 'abstain'; readonly on: boolean }
