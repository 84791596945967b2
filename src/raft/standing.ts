/**
 * Becoming a follower: the one change of standing that can come from anywhere. Becoming a candidate is in election.ts,
 * becoming the leader in leading.ts.
 */
import { assert } from '../model/errors.ts'
import type { NodeId, Term } from '../model/ids.ts'
import type { Replica } from './replica.ts'

/** Follows in `term`, which is the present one or a later one; `leader` is known or not. */
export function becomeFollower(replica: Replica, term: Term, leader: NodeId | undefined): void {
  assert(term >= replica.term, 'terms only rise')
  const openReads = replica.leadership?.reads.abandon() ?? []
  for (const { from, request } of openReads)
    if (from === replica.id) replica.effects.readsFailed.push(request)
  if (term > replica.term) replica.setHardState(term, undefined)
  replica.setStanding({ role: 'follower' }, leader)
  replica.drawElectionTimeout()
}

/**
 * Whether this server has reason to believe in a working leader: then it helps nobody to depose it (Raft dissertation
 * 4.2.3). A leader believes in itself because it resigns by check-quorum otherwise.
 */
export function hearsLeader(replica: Replica): boolean {
  if (replica.standing.role === 'leader') return true
  return replica.leader !== undefined && replica.quietMs < replica.options.electionTimeoutMs
}
