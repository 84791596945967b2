/**
 * What servers of one cluster say to each other. The transport authenticates and names the sender, so no message
 * carries one; src/wire/raft-message.ts is the byte form, src/raft gives the meaning.
 *
 * `heartbeat` and its answer are separate from `append` so that they never wait behind log data or a disk.
 */
import type { LogIndex, Term } from './ids.ts'
import type { Entry, LogPosition } from './log-entry.ts'

export type RaftMessage =
  /** "Would you vote for me in `term`?", asked before the own term is raised (Raft dissertation 9.6). */
  | { readonly type: 'pre-vote'; readonly term: Term; readonly last: LogPosition }
  /** Granted: `term` is the one asked for. Refused: `term` is the voter's own. */
  | { readonly type: 'pre-vote-response'; readonly term: Term; readonly granted: boolean }
  /** `transfer`: the leader asked for this election, so voters do not defend that leader. */
  | { readonly type: 'vote'; readonly term: Term; readonly last: LogPosition; readonly transfer: boolean }
  | { readonly type: 'vote-response'; readonly term: Term; readonly granted: boolean }
  /** Entries right after `previous`, possibly none. */
  | {
      readonly type: 'append'
      readonly term: Term
      readonly previous: LogPosition
      readonly commit: LogIndex
      readonly entries: readonly Entry[]
    }
  /** The log of the sender is durable and equal to the leader's up to `match`. */
  | { readonly type: 'append-accepted'; readonly term: Term; readonly match: LogIndex }
  /** The sender has no entry `previous`; `hint` is its last position that can still be equal. */
  | {
      readonly type: 'append-rejected'
      readonly term: Term
      readonly previous: LogIndex
      readonly hint: LogPosition
    }
  /** `round` counts broadcasts of one leader: an answer proves leadership at the time that round was sent. */
  | { readonly type: 'heartbeat'; readonly term: Term; readonly commit: LogIndex; readonly round: number }
  | { readonly type: 'heartbeat-response'; readonly term: Term; readonly round: number }
  /** Answer to a leader of an older term: it must step down. */
  | { readonly type: 'newer-term'; readonly term: Term }
  /** A follower asks its leader for an index that is safe to read at (Raft dissertation 6.4). */
  | { readonly type: 'read'; readonly term: Term; readonly request: number }
  | {
      readonly type: 'read-response'
      readonly term: Term
      readonly request: number
      readonly index: LogIndex
    }
  /** The leader hands over: start an election at once. */
  | { readonly type: 'timeout-now'; readonly term: Term }
  /** Bytes of the snapshot file at `last`, from `offset`; `checksum` is CRC-32C of `data`. */
  | {
      readonly type: 'snapshot-chunk'
      readonly term: Term
      readonly last: LogPosition
      readonly fileBytes: number
      readonly offset: number
      readonly checksum: number
      readonly data: Uint8Array
    }
  /** The receiver holds the first `offset` bytes of the snapshot at `index` and wants what follows. */
  | {
      readonly type: 'snapshot-received'
      readonly term: Term
      readonly index: LogIndex
      readonly offset: number
    }

export type RaftMessageType = RaftMessage['type']
