/**
 * Leadership transfer (Raft dissertation 3.10): stop taking proposals, let one voter catch up, tell it to start an
 * election at once. Given up after one election timeout; the leader then goes on.
 */
import { failed, ok } from '../model/errors.ts'
import type { NodeId } from '../model/ids.ts'
import type { Leadership, Replica } from './replica.ts'
import { sendAppends } from './replication.ts'

export function startTransfer(replica: Replica, to: NodeId | undefined): void {
  const { leadership } = replica
  if (leadership === undefined) {
    replica.effects.transfer = failed('no-leader', 'only the leader can hand over leadership')
    return
  }
  const target = to ?? furthestVoter(replica, leadership)
  const progress = target === undefined ? undefined : leadership.progress.get(target)
  if (target === undefined || progress === undefined || !replica.voters.includes(target)) {
    replica.effects.transfer = failed('not-found', 'there is no such voter to hand leadership to')
    return
  }
  leadership.transfer = { to: target, elapsedMs: 0 }
  replica.effects.transfer = ok(target)
  sendAppends(replica, target, progress)
  sendTimeoutNow(replica, leadership)
}

/** Tells the chosen server to start, as soon as its log is complete; again with every heartbeat, in case it is lost. */
export function sendTimeoutNow(replica: Replica, leadership: Leadership): void {
  const { transfer } = leadership
  if (transfer === undefined) return
  if (leadership.progress.get(transfer.to)?.match === replica.log.last.index)
    replica.send(transfer.to, { type: 'timeout-now', term: replica.term })
}

function furthestVoter(replica: Replica, leadership: Leadership): NodeId | undefined {
  let furthest: NodeId | undefined
  let match = -1
  for (const voter of replica.voters) {
    const progress = leadership.progress.get(voter)
    if (progress === undefined || progress.match <= match) continue
    furthest = voter
    match = progress.match
  }
  return furthest
}
