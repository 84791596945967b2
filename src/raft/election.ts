/**
 * Elections: a pre-vote that disturbs nobody, then the vote itself (Raft paper 5.2 and 5.4.1, dissertation 9.6).
 * Both count voters of the newest configuration; the own vote counts when the disk has it.
 */
import { serverOf } from '../model/cluster.ts'
import type { NodeId } from '../model/ids.ts'
import { term } from '../model/ids.ts'
import type { RaftMessage } from '../model/raft-message.ts'
import { becomeLeader } from './leading.ts'
import { electionOutcome } from './quorum.ts'
import type { Replica } from './replica.ts'
import { becomeFollower, hearsLeader } from './standing.ts'

/**
 * A voter whose removal may not be committed yet still campaigns: its log may be the only one that can win, and the
 * majority it needs is counted without it (Raft dissertation 4.2.2). After a restart nothing is known to be committed.
 */
export function mayCampaign(replica: Replica): boolean {
  if (replica.abstaining) return false
  if (replica.isVoter) return true
  const { current, previous } = replica.configurations
  if (current.index <= replica.log.committed || previous === undefined) return false
  return serverOf(previous, replica.id)?.suffrage === 'voter'
}

/** Asks whether an election could be won, without raising the term. */
export function startPreVote(replica: Replica): void {
  replica.setStanding({ role: 'pre-candidate', votes: new Map([[replica.id, true]]) }, undefined)
  replica.drawElectionTimeout()
  const next = term(replica.term + 1)
  for (const voter of replica.voters)
    if (voter !== replica.id) replica.send(voter, { type: 'pre-vote', term: next, last: replica.log.last })
  settleElection(replica)
}

/** Starts the election itself. `transfer`: the leader asked for it. */
export function campaign(replica: Replica, transfer: boolean): void {
  // The term first: a candidate is one of its own term.
  replica.setHardState(term(replica.term + 1), replica.id)
  replica.setStanding({ role: 'candidate', votes: new Map(), ticket: replica.nextTicket }, undefined)
  replica.drawElectionTimeout()
  const message: RaftMessage = { type: 'vote', term: replica.term, last: replica.log.last, transfer }
  for (const voter of replica.voters) if (voter !== replica.id) replica.sendAfterSync(voter, message)
}

/** The disk has everything up to `ticket`, perhaps the own vote. */
export function countOwnVote(replica: Replica, ticket: number): void {
  const { standing } = replica
  if (standing.role !== 'candidate' || ticket < standing.ticket) return
  standing.votes.set(replica.id, true)
  settleElection(replica)
}

export function answerPreVote(
  replica: Replica,
  from: NodeId,
  message: Extract<RaftMessage, { readonly type: 'pre-vote' }>,
): void {
  const granted = message.term > replica.term && !hearsLeader(replica) && replica.log.isUpToDate(message.last)
  replica.send(from, { type: 'pre-vote-response', term: granted ? message.term : replica.term, granted })
}

/** `message.term` is this server's term by now. */
export function answerVote(
  replica: Replica,
  from: NodeId,
  message: Extract<RaftMessage, { readonly type: 'vote' }>,
): void {
  const isFree = replica.vote === undefined && replica.leader === undefined
  const granted = (isFree || replica.vote === from) && replica.log.isUpToDate(message.last)
  if (!granted) {
    replica.send(from, { type: 'vote-response', term: replica.term, granted })
    return
  }
  if (replica.vote === undefined) replica.setHardState(replica.term, from)
  replica.drawElectionTimeout()
  replica.sendAfterSync(from, { type: 'vote-response', term: replica.term, granted })
}

/** An answer to the election that runs now; each server's first answer counts. */
export function onVoteAnswer(
  replica: Replica,
  from: NodeId,
  message: Extract<RaftMessage, { readonly type: 'vote-response' | 'pre-vote-response' }>,
): void {
  const { standing } = replica
  const wanted = message.type === 'vote-response' ? 'candidate' : 'pre-candidate'
  if (standing.role === 'follower' || standing.role === 'leader' || standing.role !== wanted) return
  // A late yes to an earlier question says nothing about this one.
  const isStale = message.type === 'pre-vote-response' && message.granted && message.term !== replica.term + 1
  if (isStale) return
  if (!standing.votes.has(from)) standing.votes.set(from, message.granted)
  settleElection(replica)
}

function settleElection(replica: Replica): void {
  const { standing } = replica
  if (standing.role === 'follower' || standing.role === 'leader') return
  const outcome = electionOutcome(replica.voters, standing.votes)
  if (outcome === 'lost') becomeFollower(replica, replica.term, undefined)
  if (outcome !== 'won') return
  if (standing.role === 'pre-candidate') campaign(replica, false)
  else becomeLeader(replica)
}
