/**
 * A follower's work: believe the leader of the term, make the own log equal to its log, and promise only what the disk
 * will have (Raft paper 5.3).
 */
import { assert } from '../model/errors.ts'
import { logIndex, type NodeId } from '../model/ids.ts'
import type { RaftMessage } from '../model/raft-message.ts'
import type { RaftLog } from './log.ts'
import type { Replica } from './replica.ts'
import { becomeFollower } from './standing.ts'

type FromLeader = Extract<RaftMessage, { readonly type: 'append' | 'heartbeat' | 'snapshot-chunk' }>

/** A message that only the leader of the present term sends. */
export function onLeaderMessage(replica: Replica, from: NodeId, message: FromLeader): void {
  assert(replica.standing.role !== 'leader', `two leaders in term ${replica.term}`)
  assert(replica.leader === undefined || replica.leader === from, `two leaders in term ${replica.term}`)
  if (replica.standing.role !== 'follower' || replica.leader === undefined)
    becomeFollower(replica, replica.term, from)
  replica.quietMs = 0
  switch (message.type) {
    case 'append':
      onAppend(replica, from, message)
      return
    case 'heartbeat':
      assert(message.commit <= replica.log.last.index, 'the leader counts on entries that are not here')
      replica.log.commitTo(message.commit)
      replica.send(from, { type: 'heartbeat-response', term: replica.term, round: message.round })
      return
    case 'snapshot-chunk':
      onSnapshotChunk(replica, from, message)
      return
  }
}

type Append = Extract<RaftMessage, { readonly type: 'append' }>

function onAppend(replica: Replica, from: NodeId, message: Append): void {
  const { log } = replica
  const { previous, entries } = message
  if (!isWellFormed(message)) return
  if (previous.index < log.committed) {
    // What is committed here is equal to the leader's log already. Confirmed is what was looked at.
    mustAgree(log, entries)
    const match = logIndex(Math.min(log.committed, previous.index + entries.length))
    replica.sendAfterSync(from, { type: 'append-accepted', term: replica.term, match })
    return
  }
  if (!log.matches(previous)) {
    const hint = log.lastAtMost(previous.index, previous.term)
    replica.send(from, {
      type: 'append-rejected',
      term: replica.term,
      previous: previous.index,
      hint,
    })
    return
  }
  appendMissing(replica, message)
  const match = logIndex(previous.index + entries.length)
  log.commitTo(logIndex(Math.min(message.commit, match)))
  replica.sendAfterSync(from, { type: 'append-accepted', term: replica.term, match })
}

/**
 * Only a recovery by an operator, who declared two logs that ended differently to be committed, can make this fail. Going on
 * would acknowledge entries that are not here.
 */
function mustAgree(log: RaftLog, entries: Append['entries']): void {
  for (const { index, term } of entries) {
    if (index > log.committed) return
    const own = log.termAt(index)
    assert(
      own === undefined || own === term,
      `the leader's log contradicts entry ${index}, which is committed here; take this server out: mesh operator raft rejoin`,
    )
  }
}

/**
 * Skips what is here already and removes only a suffix that really differs: an old or repeated message must not cut
 * away what a newer one brought and this server has promised.
 */
function appendMissing(replica: Replica, message: Append): void {
  const { log } = replica
  const { entries } = message
  let known = 0
  while (
    entries[known] !== undefined &&
    log.termAt(entries[known]?.index ?? logIndex(0)) === entries[known]?.term
  )
    known += 1
  const first = entries[known]
  if (first === undefined) return
  if (first.index <= log.last.index) {
    const index = logIndex(first.index - 1)
    const term = log.termAt(index)
    assert(term !== undefined, 'the entry before a conflict is here')
    replica.truncateAfter({ index, term })
  }
  for (const entry of entries.slice(known)) replica.append(entry)
}

function isWellFormed(message: Append): boolean {
  let { term } = message.previous
  return message.entries.every((entry, at) => {
    const fits = entry.index === message.previous.index + 1 + at && entry.term >= term
    term = entry.term
    return fits && term <= message.term
  })
}

function onSnapshotChunk(
  replica: Replica,
  from: NodeId,
  message: Extract<RaftMessage, { readonly type: 'snapshot-chunk' }>,
): void {
  const { log } = replica
  if (log.matches(message.last)) log.commitTo(message.last.index)
  if (message.last.index <= log.committed) {
    replica.sendAfterSync(from, { type: 'append-accepted', term: replica.term, match: log.committed })
    return
  }
  replica.effects.snapshotTraffic = { from, message }
}
