/**
 * Probes that are under way: our own, and those on behalf of others. What is done with them stands in probe.ts and
 * relay.ts.
 */
import type { GossipEndpoint } from '../model/gossip-message.ts'
import type { Member } from './roster.ts'

export interface Probe {
  readonly sequence: number
  readonly member: Member
  /** What is accused if it does not answer: a refutation meanwhile makes the accusation void. */
  readonly incarnation: number
  readonly sentAtMs: number
  /** False: the time until the answer says nothing, because we stood still meanwhile. */
  isTimed: boolean
  /** When others are asked; infinity after they were. */
  helpAtMs: number
  deadlineMs: number
  nacksExpected: number
  nacks: number
  isStreamAnswered: boolean
  /** One of these at a time; looks out of turn come on top. */
  readonly isInTurn: boolean
}

export interface Relay {
  /** Of our ping. */
  readonly sequence: number
  /** Of the probe that we help with. */
  readonly askedSequence: number
  readonly asker: GossipEndpoint
  readonly wantsNack: boolean
  readonly dueMs: number
}
