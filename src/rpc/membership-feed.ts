/**
 * What the agent on a server's host tells that server of its gossip pool, and what it gets back: the operation
 * `membership.feed` (operator.ts). One side is agent/membership/feed.ts, the other server/leader/gossip-view.ts.
 */

/** A change of what was told before, in frames of an epoch: one life of the agent's pool and its connection. */
export interface MembershipFrame {
  /** Random; another one at each beginning. */
  readonly epoch: string
  /** Frames of this epoch before this one. Frame 0 begins anew: what is not told again is soon forgotten. */
  readonly position: number
  readonly members: readonly MemberClaim[]
  /** Names of members that the pool forgot: failed or gone for too long, or given up by an operator. */
  readonly reaped: readonly string[]
  /** Everybody who was known when the epoch began has been told. */
  readonly isComplete: boolean
}

/** What gossip says of one host; nobody has proved it, as whoever has the pool's key may say anything. */
export interface MemberClaim {
  readonly node: string
  /** Its tag `id`; '' where it has none. */
  readonly nodeId: string
  readonly address: string
  readonly presence: 'alive' | 'failed' | 'left'
}

export interface MembershipHeard {
  /** False: the server does not know the frames before this one, so the agent begins a new epoch. */
  readonly isContinued: boolean
  /** By which agents find this server: the agent adds them to its own. */
  readonly tags: Readonly<Record<string, string>>
}
