/**
 * What the replicated log is made of, and the two facts of an election that a server must never forget.
 * Knows nothing of files or messages; src/raft decides what is appended, src/server/consensus keeps it on disk.
 */
import type { LogIndex, NodeId, Term } from './ids.ts'

/**
 * `command`: an encoded envelope for the state machine. `configuration`: the servers of the cluster (cluster.ts).
 * `barrier`: empty; a new leader appends one because only an entry of its own term proves what is committed.
 */
export type EntryKind = 'command' | 'configuration' | 'barrier'

export interface Entry {
  readonly term: Term
  readonly index: LogIndex
  readonly kind: EntryKind
  readonly data: Uint8Array
}

/** Names one entry: two logs that hold the same position are equal up to it (log matching, Raft paper 5.3). */
export interface LogPosition {
  readonly index: LogIndex
  readonly term: Term
}

/** Durable before any message that follows from it (Raft paper, figure 2). */
export interface HardState {
  readonly term: Term
  readonly vote: NodeId | undefined
}

/** What an entry costs beside its data; bounds count it so that empty entries are not free. */
const entryOverheadBytes = 64

export function entryBytes(entry: Entry): number {
  return entry.data.length + entryOverheadBytes
}
