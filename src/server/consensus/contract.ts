/**
 * The seams of consensus: what the driver asks of the state machine below it, and what the rest of the server asks of
 * the driver. Both sides are synchronous or call back; see platform/ports.ts for why.
 */
import type { ClusterChange, ClusterConfiguration, ClusterServer } from '../../model/cluster.ts'
import type { Applied, Envelope } from '../../model/command.ts'
import type { Result } from '../../model/errors.ts'
import type { LogIndex, NodeId, Term } from '../../model/ids.ts'
import type { RaftMessage } from '../../model/raft-message.ts'
import type { FollowerStatus } from '../../raft/raft.ts'

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
   * `no-leader` (surely never applied), `overloaded`, `too-large` or `disk-full` (surely not logged), or
   * `write-outcome-unknown` (leadership was lost midway).
   */
  propose(envelope: Envelope, done: (result: Result<Applied>) => void): void
  /**
   * Calls back when a read that starts now sees every write acknowledged before the call (ReadIndex), on the leader and
   * on followers. The index may be one that is no command, so the state's own may stay below it.
   */
  readBarrier(done: (result: Result<LogIndex>) => void): void
  status(): ConsensusStatus
  /**
   * Leadership of this server as known here; called on each change and once with the current value. True only once
   * everything that earlier leaders committed is applied here.
   */
  onLeadership(listener: (leading: boolean, term: Term) => void): void
  /** Hands leadership over where it can, finishes what is being written, and lets go of the files. */
  stop(done: () => void): void
}

/** How servers of one cluster reach each other. The core repeats what is lost and ignores what comes twice. */
export interface RaftTransport {
  /**
   * May drop, delay and reorder; never delivers in the same turn. Heartbeats must not wait behind appends, nor appends
   * behind snapshot chunks: one channel for each (DESIGN D5).
   */
  send(to: NodeId, message: RaftMessage): void
  /** The one listener; `from` is who the transport has authenticated. */
  onMessage(listener: (from: NodeId, message: RaftMessage) => void): void
  /** The servers by the newest configuration, this one included; called at the start and at each change. */
  setServers(servers: readonly ClusterServer[]): void
}

/** What an operator and autopilot do with the cluster itself. */
export interface ClusterOperations {
  /** No entry was ever logged here: the server must bootstrap a cluster or wait to be added to one. */
  isNew(): boolean
  /** First configuration of a new cluster; servers that start together must be given the same. Done when durable. */
  bootstrap(configuration: ClusterConfiguration, done: (result: Result<LogIndex>) => void): void
  /** One change, on the leader; done when it is committed. `conflict` while an earlier one is not. */
  change(change: ClusterChange, done: (result: Result<LogIndex>) => void): void
  /** To `to`, or to the voter that is furthest; done when another leader is known. */
  transferLeadership(to: NodeId | undefined, done: (result: Result<NodeId>) => void): void
  configuration(): ClusterConfiguration
  /** Empty unless this server leads. */
  followers(): readonly FollowerStatus[]
}
