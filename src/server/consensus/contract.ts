/**
 * The seams of consensus: what the driver asks of the state machine below it, and what the rest of the server asks of
 * the driver. Both sides are synchronous or call back; see platform/ports.ts for why.
 */
import type { Applied, Envelope } from '../../model/command.ts'
import type { Result } from '../../model/errors.ts'
import type { LogIndex, NodeId, Term } from '../../model/ids.ts'

/** Replicated state: fed with committed entries in order, each exactly once. */
export interface StateMachine {
  /** Applies one committed entry; must depend on nothing but its arguments and what was applied before. */
  apply(index: LogIndex, entry: Uint8Array): Applied
  /** An immutable picture at the last applied index, read in bounded pieces while later entries are applied. */
  snapshot(): SnapshotReader
  /** Replaces the state; the picture was made by `snapshot` on some server. */
  restore(index: LogIndex): SnapshotWriter
  /** Hash of the whole state, equal on all servers at equal index. For the verifier and tests; walks everything. */
  hash(): string
}

export interface SnapshotReader {
  readonly index: LogIndex
  /** The next piece, at most about 256 KiB, or undefined at the end. */
  next(): Uint8Array | undefined
}

export interface SnapshotWriter {
  write(piece: Uint8Array): void
  /** Makes the new state visible, all at once; a failure means the old state stands. */
  finish(): Result<true>
}

export type Role = 'follower' | 'pre-candidate' | 'candidate' | 'leader' | 'learner'

export interface ConsensusStatus {
  readonly id: NodeId
  readonly role: Role
  readonly term: Term
  readonly leader: NodeId | undefined
  readonly commitIndex: LogIndex
  readonly appliedIndex: LogIndex
  /** Since the leader was last heard; 0 on the leader itself. */
  readonly lastContactMs: number
}

/** What the server uses. */
export interface Consensus {
  /**
   * Calls back once: with what applying gave (after the entry is durable on a quorum and applied here), or with
   * `no-leader` (surely not logged), `overloaded` (likewise) or `write-outcome-unknown` (leadership was lost midway).
   */
  propose(envelope: Envelope, done: (result: Result<Applied>) => void): void
  /** Calls back when a read that starts now sees every write acknowledged before the call (ReadIndex). */
  readBarrier(done: (result: Result<LogIndex>) => void): void
  status(): ConsensusStatus
  /** Leadership of this server as known here; called on each change and once with the current value. */
  onLeadership(listener: (leading: boolean, term: Term) => void): void
  stop(done: () => void): void
}
