/**
 * Sorts incoming messages by term (Raft paper 5.1) and hands each to the file that knows the rule. The first question
 * is always whether a later term is a reason to give up the present one: pre-votes and votes against a leader that is
 * heard are not.
 */
import { unreachable } from '../model/errors.ts'
import type { NodeId } from '../model/ids.ts'
import type { RaftMessage } from '../model/raft-message.ts'
import { answerPreVote, answerVote, campaign, mayCampaign, onVoteAnswer } from './election.ts'
import { onLeaderMessage } from './following.ts'
import { onAnswer, takeRead } from './leading.ts'
import type { Replica } from './replica.ts'
import { becomeFollower, hearsLeader } from './standing.ts'

export function onMessage(replica: Replica, from: NodeId, message: RaftMessage): void {
  if (message.term < replica.term) {
    onOldTerm(replica, from, message)
    return
  }
  if (message.term > replica.term && !meetNewerTerm(replica, from, message)) return
  switch (message.type) {
    case 'pre-vote':
      answerPreVote(replica, from, message)
      return
    case 'vote':
      answerVote(replica, from, message)
      return
    case 'pre-vote-response':
    case 'vote-response':
      onVoteAnswer(replica, from, message)
      return
    case 'append':
    case 'heartbeat':
    case 'snapshot-chunk':
      onLeaderMessage(replica, from, message)
      return
    case 'append-accepted':
    case 'append-rejected':
    case 'heartbeat-response':
    case 'snapshot-received': {
      const { leadership } = replica
      if (leadership !== undefined) onAnswer(replica, leadership, from, message)
      return
    }
    case 'newer-term':
      return
    case 'read': {
      const { leadership } = replica
      if (leadership !== undefined) takeRead(replica, leadership, from, message.request)
      return
    }
    case 'read-response':
      replica.effects.reads.push({ request: message.request, index: message.index })
      return
    case 'timeout-now':
      if (from === replica.leader && mayCampaign(replica)) campaign(replica, true)
      return
    default:
      unreachable(message)
      return
  }
}

/** Takes over a later term where the message is a reason to; false if the message is to be ignored. */
function meetNewerTerm(replica: Replica, from: NodeId, message: RaftMessage): boolean {
  switch (message.type) {
    case 'pre-vote':
      return true
    case 'pre-vote-response':
      // Granted answers name the term that was asked about; a refusal names the voter's own.
      if (!message.granted) becomeFollower(replica, message.term, undefined)
      return message.granted
    case 'vote':
      if (!message.transfer && hearsLeader(replica)) return false
      becomeFollower(replica, message.term, undefined)
      return true
    case 'append':
    case 'heartbeat':
    case 'snapshot-chunk':
      becomeFollower(replica, message.term, from)
      return true
    default:
      becomeFollower(replica, message.term, undefined)
      return true
  }
}

/**
 * A leader or candidate that fell behind must learn the newer term, or it would go on for ever: followers defend a
 * leader that they hear and pre-votes raise no term.
 */
function onOldTerm(replica: Replica, from: NodeId, message: RaftMessage): void {
  const { term } = replica
  switch (message.type) {
    case 'append':
    case 'heartbeat':
    case 'snapshot-chunk':
      replica.send(from, { type: 'newer-term', term })
      return
    case 'pre-vote':
      replica.send(from, { type: 'pre-vote-response', term, granted: false })
      return
    case 'vote':
      replica.send(from, { type: 'vote-response', term, granted: false })
      return
    default:
  }
}
