/**
 * Commitment: an entry is committed when a majority of the voters holds it durably and it is of the leader's own term;
 * older entries are committed with it and never by counting (Raft paper 5.4.2 and figure 8).
 */
import { logIndex } from '../model/ids.ts'
import { reachedByMajority } from './quorum.ts'
import type { Leadership, Replica } from './replica.ts'

/** True if the commit index rose. The leader's own part counts only as far as its disk has it. */
export function advanceCommit(replica: Replica, leadership: Leadership): boolean {
  const { log } = replica
  const matches = replica.voters.map((voter) =>
    voter === replica.id ? log.durable : (leadership.progress.get(voter)?.match ?? 0),
  )
  const reached = logIndex(reachedByMajority(matches))
  if (reached <= log.committed || log.termAt(reached) !== replica.term) return false
  const isFirst = log.committed < leadership.barrier
  log.commitTo(reached)
  leadership.uncommitted.committedTo(log.committed)
  if (isFirst) leadership.reads.unpark(log.committed, leadership.round)
  return true
}

/** Whether an entry of the leader's own term is committed: before, it does not know what else is. */
export function hasCommittedOwnTerm(replica: Replica, leadership: Leadership): boolean {
  return replica.log.committed >= leadership.barrier
}

/** Whether the newest configuration can no longer be rolled back. */
export function hasCommittedConfiguration(replica: Replica): boolean {
  return replica.configurations.current.index <= replica.log.committed
}
