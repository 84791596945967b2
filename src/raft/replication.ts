/**
 * Bringing followers up to the leader's log: what to send next, and what their answers mean for it.
 * Decides nothing about commitment; that is commit.ts.
 */
import { logIndex, type NodeId } from '../model/ids.ts'
import { limits } from '../model/limits.ts'
import type { RaftMessage } from '../model/raft-message.ts'
import { Progress } from './progress.ts'
import type { Leadership, Replica } from './replica.ts'

/** Gives every other server of the configuration a progress and forgets those that left. */
export function trackServers(replica: Replica, leadership: Leadership): void {
  const { servers } = replica.configuration
  const others = servers.map((server) => server.id).filter((id) => id !== replica.id)
  for (const known of leadership.progress.keys())
    if (!others.includes(known)) leadership.progress.delete(known)
  for (const id of others)
    if (!leadership.progress.has(id))
      leadership.progress.set(id, new Progress(logIndex(0), logIndex(replica.log.last.index + 1)))
}

/** Sends every follower what it lacks and may be sent now. */
export function broadcastAppends(replica: Replica, leadership: Leadership): void {
  for (const [peer, progress] of leadership.progress) sendAppends(replica, peer, progress)
}

/** Appends until the log or the follower's window is exhausted; an empty one only to tell a new commit index. */
export function sendAppends(replica: Replica, peer: NodeId, progress: Progress): void {
  const { log } = replica
  while (!progress.paused) {
    const isNews = progress.next <= log.last.index || progress.sentCommit < log.committed
    if (progress.state === 'replicate' && !isNews) return
    if (!sendAppend(replica, peer, progress)) return
  }
}

/** One append even if there is nothing to send and the window is full: its answer shows what the follower has. */
export function askAgain(replica: Replica, peer: NodeId, progress: Progress): void {
  if (progress.state === 'snapshot') return
  if (progress.state === 'probe') {
    progress.probing = false
    sendAppend(replica, peer, progress)
    return
  }
  const index = logIndex(progress.next - 1)
  const term = replica.log.termAt(index)
  if (term === undefined) {
    startSnapshot(replica, peer, progress)
    return
  }
  const { committed } = replica.log
  replica.send(peer, {
    type: 'append',
    term: replica.term,
    previous: { index, term },
    commit: committed,
    entries: [],
  })
}

/** False if the entries are gone and the follower needs a snapshot instead. */
function sendAppend(replica: Replica, peer: NodeId, progress: Progress): boolean {
  const { log } = replica
  const index = logIndex(progress.next - 1)
  const term = log.termAt(index)
  if (term === undefined) {
    startSnapshot(replica, peer, progress)
    return false
  }
  const last = log.last.index
  const entries = progress.next <= last ? log.slice(progress.next, last, limits.appendBytes) : []
  replica.send(peer, {
    type: 'append',
    term: replica.term,
    previous: { index, term },
    commit: log.committed,
    entries,
  })
  progress.sentCommit = log.committed
  progress.sent(entries)
  return true
}

function startSnapshot(replica: Replica, peer: NodeId, progress: Progress): void {
  progress.toSnapshot()
  replica.effects.snapshotsNeeded.push(peer)
}

/** The follower's log is equal to ours up to `match`. True if that is news. */
export function noteAccepted(
  replica: Replica,
  progress: Progress,
  message: Extract<RaftMessage, { readonly type: 'append-accepted' }>,
): boolean {
  if (message.match > replica.log.last.index) return false
  const isNews = progress.accepted(message.match)
  const reachesLog = progress.match >= replica.log.base.index
  if (progress.state === 'probe' && message.match === progress.match) progress.toReplicate()
  if (progress.state === 'snapshot' && isNews && reachesLog) progress.toReplicate()
  return isNews
}

/**
 * The logs part before `previous`. The follower's hint is its last position that can still be equal; ours may end
 * earlier with that term, so whole terms are skipped per answer instead of single entries.
 */
export function noteRejected(
  replica: Replica,
  progress: Progress,
  message: Extract<RaftMessage, { readonly type: 'append-rejected' }>,
): void {
  if (progress.state === 'snapshot' || message.previous <= progress.match) return
  if (progress.state === 'replicate') {
    progress.toProbe(logIndex(progress.match + 1))
    return
  }
  if (message.previous !== progress.next - 1) return
  const { log } = replica
  const shared = log.lastAtMost(message.hint.index, message.hint.term)
  const isBelowLog = message.hint.index < log.base.index || shared.term > message.hint.term
  const next = Math.min(isBelowLog ? log.base.index : shared.index + 1, message.previous)
  progress.toProbe(logIndex(Math.max(next, progress.match + 1)))
}
