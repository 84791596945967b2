/**
 * What one step of the core asks of its driver. The order that matters: everything in `persist` durable, then the
 * messages in `afterSync`; `free` messages promise nothing and never wait.
 */
import type { Result } from '../model/errors.ts'
import type { LogIndex, NodeId } from '../model/ids.ts'
import type { Entry, HardState, LogPosition } from '../model/log-entry.ts'
import type { RaftMessage } from '../model/raft-message.ts'

export interface Outgoing {
  readonly to: NodeId
  readonly message: RaftMessage
}

/** Done in this order: hard state, reset, truncation, entries. Tickets rise by one; the driver keeps their order. */
export interface Persist {
  readonly ticket: number
  readonly hardState: HardState | undefined
  /** The log is replaced by a snapshot at this position. */
  readonly reset: LogPosition | undefined
  /** Entries after this position are removed. */
  readonly truncateAfter: LogPosition | undefined
  readonly entries: readonly Entry[]
}

export interface Proposed {
  /** Index of the first accepted command; the others follow. */
  readonly first: LogIndex
  readonly accepted: number
  /** Why the rest was not appended; surely not logged. */
  readonly refusal: ProposalRefusal | undefined
}

export type ProposalRefusal = 'not-leader' | 'transferring' | 'too-much-uncommitted'

export interface ReadReady {
  readonly request: number
  /** A state that has applied this index holds everything acknowledged before the request. */
  readonly index: LogIndex
}

/** A snapshot chunk or its answer, which passed the term check; the driver moves the bytes. */
export type SnapshotTraffic = Extract<RaftMessage, { readonly type: 'snapshot-chunk' | 'snapshot-received' }>

export interface Effects {
  readonly free: readonly Outgoing[]
  readonly afterSync: readonly Outgoing[]
  readonly persist: Persist | undefined
  /** Next entries for the state machine; further ones come after the `applied` input. */
  readonly apply: readonly Entry[]
  readonly reads: readonly ReadReady[]
  /** Requests whose leadership was lost; nothing is known about them. */
  readonly readsFailed: readonly number[]
  /** Followers that need a snapshot. */
  readonly snapshotsNeeded: readonly NodeId[]
  readonly snapshotTraffic: { readonly from: NodeId; readonly message: SnapshotTraffic } | undefined
  /** Role, term or known leader may be another one now. */
  readonly standingChanged: boolean
  readonly configurationChanged: boolean
  readonly proposed: Proposed | undefined
  readonly changed: Result<LogIndex> | undefined
  readonly transfer: Result<NodeId> | undefined
}

/** Effects while a step is being worked out. */
export class Gathering implements Effects {
  readonly free: Outgoing[] = []
  readonly afterSync: Outgoing[] = []
  persist: Persist | undefined
  apply: readonly Entry[] = []
  reads: ReadReady[] = []
  readsFailed: number[] = []
  snapshotsNeeded: NodeId[] = []
  snapshotTraffic: Effects['snapshotTraffic']
  standingChanged = false
  configurationChanged = false
  proposed: Proposed | undefined
  changed: Result<LogIndex> | undefined
  transfer: Result<NodeId> | undefined

  hardState: HardState | undefined
  reset: LogPosition | undefined
  truncateAfter: LogPosition | undefined
  entries: Entry[] = []

  get persists(): boolean {
    return (
      this.hardState !== undefined ||
      this.reset !== undefined ||
      this.truncateAfter !== undefined ||
      this.entries.length > 0
    )
  }
}
