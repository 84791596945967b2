/**
 * The contract between servers of one cluster, beside Raft's own messages: writes on their way to the leader, and who is
 * connected where. gRPC carries it in production, memory in tests and the simulator; see contract.ts for agents.
 */
import type { AppliedValue } from '../model/command.ts'
import type { Failure } from '../model/errors.ts'
import type { NodeId } from '../model/ids.ts'
import type { FrameStream, Peer } from './contract.ts'

/** To the leader: one write for somebody whom the sender has identified. `id` counts per stream. */
export interface ForwardFrame {
  readonly id: number
  /** Principal and command as wire/command.ts encodes them; the time in it is not used. */
  readonly envelope: Uint8Array
}

/** Back from it. The first frame is `ready`: before it nothing may be sent, so what waits then was surely not made. */
export type ForwardAnswer =
  | { readonly kind: 'ready' }
  | { readonly kind: 'written'; readonly id: number; readonly index: number; readonly value: AppliedValue }
  | { readonly kind: 'refused'; readonly id: number; readonly failure: Failure }

/** What one server knows of the agents connected to it, told to another; each frame is a change of what was told before. */
export interface PresenceFrame {
  /** Log index up to which the sender had applied commands when it made the frame. */
  readonly applied: number
  readonly gone: readonly string[]
  readonly present: readonly string[]
  readonly enforced: readonly EnforcedThere[]
  /** Everything that there was when the stream began has been told. */
  readonly isComplete: boolean
}

export interface EnforcedThere {
  readonly destination: string
  readonly node: string
  /** As in the agents' `enforced` frame: one per proxy; empty for none any more. */
  readonly indexes: readonly number[]
  /** Log index at which the rules of the destination last changed, as far as the sender knew. */
  readonly rulesIndex: number
}

/** What a server serves to other servers of its cluster. */
export interface ServerPeerApi {
  forward(peer: Peer, stream: FrameStream<ForwardAnswer, ForwardFrame>): void
  presence(peer: Peer, stream: FrameStream<never, PresenceFrame>): void
}

/**
 * How a server reaches the others. A stream is there at once and keeps what is sent until the connection is; where the
 * server cannot be reached, or is not known to the cluster's configuration, it ends with `no-server`.
 */
export interface ServerLinks {
  forward(to: NodeId): FrameStream<ForwardFrame, ForwardAnswer>
  presence(to: NodeId): FrameStream<PresenceFrame, never>
}
