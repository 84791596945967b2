/**
 * A leader's work: take proposals, keep followers fed, prove that it still leads, and resign when it cannot.
 * What one follower is sent stands in replication.ts, when an entry is committed in commit.ts.
 */
import { logIndex, type NodeId } from '../model/ids.ts'
import type { EntryKind } from '../model/log-entry.ts'
import type { RaftMessage } from '../model/raft-message.ts'
import { advanceCommit, hasCommittedConfiguration, hasCommittedOwnTerm } from './commit.ts'
import type { ProposalRefusal } from './effects.ts'
import { majorityOf, reachedByMajority } from './quorum.ts'
import { ReadIndex } from './read-index.ts'
import type { Leadership, Replica } from './replica.ts'
import {
  askAgain,
  broadcastAppends,
  noteAccepted,
  noteRejected,
  sendAppends,
  trackServers,
} from './replication.ts'
import { becomeFollower } from './standing.ts'
import { sendTimeoutNow } from './transfer.ts'
import { Uncommitted } from './uncommitted.ts'

export function becomeLeader(replica: Replica): void {
  const leadership: Leadership = {
    progress: new Map(),
    reads: new ReadIndex(),
    barrier: logIndex(replica.log.last.index + 1),
    uncommitted: new Uncommitted(replica.options.uncommittedBytes),
    round: 0,
    beat: 0,
    sinceBeatMs: 0,
    transfer: undefined,
  }
  replica.setStanding({ role: 'leader', leadership }, replica.id)
  trackServers(replica, leadership)
  appendOwn(replica, 'barrier', new Uint8Array(0))
  beat(replica, leadership)
  broadcastAppends(replica, leadership)
}

export function appendOwn(replica: Replica, kind: EntryKind, data: Uint8Array): void {
  replica.append({ term: replica.term, index: logIndex(replica.log.last.index + 1), kind, data })
}

export function propose(replica: Replica, commands: readonly Uint8Array[]): void {
  const first = logIndex(replica.log.last.index + 1)
  const { leadership } = replica
  const refuse = (accepted: number, refusal: ProposalRefusal | undefined): void => {
    replica.effects.proposed = { first, accepted, refusal }
  }
  if (leadership === undefined) {
    refuse(0, 'not-leader')
    return
  }
  if (leadership.transfer !== undefined) {
    refuse(0, 'transferring')
    return
  }
  let accepted = 0
  for (const command of commands) {
    if (!leadership.uncommitted.hasRoom(command.length)) break
    appendOwn(replica, 'command', command)
    leadership.uncommitted.add(replica.log.last.index, command.length)
    accepted += 1
  }
  refuse(accepted, accepted < commands.length ? 'too-much-uncommitted' : undefined)
  broadcastAppends(replica, leadership)
}

/** The own log became durable, or the configuration changed: either can commit entries. */
export function settleCommit(replica: Replica, leadership: Leadership): void {
  if (advanceCommit(replica, leadership)) broadcastAppends(replica, leadership)
  // A leader that was removed or demoted manages its own removal and goes when that is committed.
  if (!replica.isVoter && hasCommittedConfiguration(replica)) becomeFollower(replica, replica.term, undefined)
}

type Answer = Extract<
  RaftMessage,
  { readonly type: 'append-accepted' | 'append-rejected' | 'heartbeat-response' | 'snapshot-received' }
>

/** An answer of a follower in this leader's term. */
export function onAnswer(replica: Replica, leadership: Leadership, from: NodeId, message: Answer): void {
  const progress = leadership.progress.get(from)
  if (progress === undefined) return
  progress.silentMs = 0
  switch (message.type) {
    case 'append-accepted':
      if (noteAccepted(replica, progress, message)) {
        if (progress.match > replica.log.committed) settleCommit(replica, leadership)
        if (replica.leadership === undefined) return
        if (leadership.transfer?.to === from) sendTimeoutNow(replica, leadership)
      }
      sendAppends(replica, from, progress)
      return
    case 'append-rejected':
      noteRejected(replica, progress, message)
      sendAppends(replica, from, progress)
      return
    case 'heartbeat-response':
      if (progress.answered(message.round, leadership.beat, replica.log.last.index))
        askAgain(replica, from, progress)
      return
    case 'snapshot-received':
      replica.effects.snapshotTraffic = { from, message }
  }
}

/** The round that is due by time. */
function beat(replica: Replica, leadership: Leadership): void {
  leadership.sinceBeatMs = 0
  leadership.beat = leadership.round + 1
  broadcastHeartbeat(replica, leadership)
}

function broadcastHeartbeat(replica: Replica, leadership: Leadership): void {
  leadership.round += 1
  for (const [peer, progress] of leadership.progress) {
    const commit = logIndex(Math.min(progress.match, replica.log.committed))
    replica.send(peer, { type: 'heartbeat', term: replica.term, commit, round: leadership.round })
  }
}

export function tickLeader(replica: Replica, leadership: Leadership, elapsedMs: number): void {
  for (const progress of leadership.progress.values()) progress.silentMs += elapsedMs
  if (!hearsMajority(replica, leadership)) {
    becomeFollower(replica, replica.term, undefined)
    return
  }
  const { transfer } = leadership
  if (transfer !== undefined) {
    transfer.elapsedMs += elapsedMs
    if (transfer.elapsedMs >= replica.options.electionTimeoutMs) leadership.transfer = undefined
  }
  leadership.sinceBeatMs += elapsedMs
  if (leadership.sinceBeatMs < replica.options.heartbeatMs) return
  beat(replica, leadership)
  if (leadership.transfer !== undefined) sendTimeoutNow(replica, leadership)
}

/** Check-quorum: a leader that a majority has not answered for one election timeout serves nobody. */
function hearsMajority(replica: Replica, leadership: Leadership): boolean {
  const { voters } = replica
  const heard = voters.filter((voter) => {
    const silentMs = leadership.progress.get(voter)?.silentMs
    return voter === replica.id || (silentMs !== undefined && silentMs < replica.options.electionTimeoutMs)
  })
  return heard.length >= majorityOf(voters.length)
}

/** Takes a read request of this server or of a follower. */
export function takeRead(replica: Replica, leadership: Leadership, from: NodeId, request: number): void {
  const { reads, round } = leadership
  const taken = hasCommittedOwnTerm(replica, leadership)
    ? reads.add(from, request, { committed: replica.log.committed, lastRound: round })
    : reads.park(from, request)
  if (!taken && from === replica.id) replica.effects.readsFailed.push(request)
}

/** Ends each step of a leader: starts the round that reads wait for, and answers those that are proven. */
export function settleReads(replica: Replica, leadership: Leadership): void {
  if (!leadership.reads.hasWaiting) return
  if (leadership.reads.wantsRound(leadership.round)) broadcastHeartbeat(replica, leadership)
  const rounds = replica.voters.map((voter) =>
    voter === replica.id ? leadership.round : (leadership.progress.get(voter)?.ackedRound ?? 0),
  )
  for (const { from, request, index } of leadership.reads.proven(reachedByMajority(rounds))) {
    if (from === replica.id) replica.effects.reads.push({ request, index })
    else replica.send(from, { type: 'read-response', term: replica.term, request, index })
  }
}
