/**
 * What is to become of one host in the catalog: pure, from what gossip claims of it and whether its agent has a control
 * stream. Gossip decides where it knows the host, because it notices a lost one sooner; the stream decides where it does not.
 */
import type { CheckStatus } from '../../model/check.ts'

/** `forgotten`: gossip told that it reaped the host. */
export type Claimed = 'alive' | 'failed' | 'left' | 'forgotten'

export interface MemberFacts {
  /** Of an enrolled host, told by a member with that host's id; undefined: gossip says nothing of it. */
  readonly claimed: Claimed | undefined
  /** Nobody updates the claim, because the agent that told it is away. */
  readonly isFrozen: boolean
  /** The agent of the host connected while the claim was frozen. */
  readonly cameBack: boolean
  readonly isPresent: boolean
  /** The absence of a control stream says something: it has been away for long enough, and there was time to connect. */
  readonly isAbsenceProven: boolean
  readonly isRegistered: boolean
  readonly isEnrolled: boolean
  readonly runsServer: boolean
  /** What the membership check says; undefined: there is none. */
  readonly status: CheckStatus | undefined
}

export type MemberVerdict =
  /** As it should be, or not known yet. */
  | 'as-it-is'
  | 'passing'
  | 'critical'
  /** Alive, and the catalog does not know it: to be registered if that lasts. */
  | 'unregistered'
  | 'deregister'
  /** Neither gossip nor a stream has anything of it: to be deregistered if that lasts. */
  | 'absent'

export function judgeMember(facts: MemberFacts): MemberVerdict {
  const { claimed, isFrozen, cameBack } = facts
  if (claimed === undefined) return judgeByStream(facts)
  if (isFrozen) return cameBack ? check(facts, 'passing') : 'as-it-is'
  return judgeByClaim(claimed, facts)
}

function judgeByClaim(claimed: Claimed, facts: MemberFacts): MemberVerdict {
  switch (claimed) {
    case 'alive':
      return facts.isRegistered ? check(facts, 'passing') : 'unregistered'
    case 'failed':
      return check(facts, 'critical')
    case 'left':
      return judgeGone(facts)
    case 'forgotten':
      // It may live without gossip, and its agent only be restarted.
      if (facts.isPresent) return check(facts, 'passing')
      return facts.isAbsenceProven ? judgeGone(facts) : 'as-it-is'
  }
}

function judgeGone(facts: MemberFacts): MemberVerdict {
  // With a stream it is about to go, or is back and not yet in the pool.
  if (facts.isPresent || !facts.isRegistered) return 'as-it-is'
  // Its server is in the cluster until Raft's own configuration says otherwise.
  return facts.runsServer ? check(facts, 'critical') : 'deregister'
}

/** A node that never had an agent gets no check. */
function judgeByStream(facts: MemberFacts): MemberVerdict {
  const { isPresent, status, isEnrolled, isAbsenceProven, runsServer } = facts
  if (isPresent) return check(facts, 'passing')
  const isMember = status !== undefined || isEnrolled
  if (!isMember || !isAbsenceProven || !facts.isRegistered) return 'as-it-is'
  return status === 'critical' && !runsServer ? 'absent' : check(facts, 'critical')
}

function check({ isRegistered, status }: MemberFacts, wanted: 'passing' | 'critical'): MemberVerdict {
  return !isRegistered || status === wanted ? 'as-it-is' : wanted
}
