/**
 * The gossip interval: a packet of news to a few random members. Nothing is sent, and no timer runs, while there is no
 * news.
 */
import type { GossipMessage } from '../model/gossip-message.ts'
import type { LocalView } from './local-view.ts'
import { nextInStep } from './probing.ts'

export function gossip(view: LocalView): void {
  const { duties, nowMs, parameters, roster, self, queue } = view
  const reached = roster.pick(
    parameters.gossipNodes,
    (member) =>
      member !== self &&
      (!member.isGone ||
        (member.status === 'dead' && nowMs - member.changedAtMs < parameters.gossipToTheDeadMs)),
  )
  for (const member of reached) {
    if (queue.size === 0) break
    // Who counts as failed is told so first: if it lives, its refutation starts here.
    const { name: node, incarnation } = member
    const messages: GossipMessage[] = member.isGone
      ? [{ type: 'dead', incarnation, node, from: self.name }]
      : []
    view.sendAll(member.record, messages)
  }
  duties.gossipMs =
    queue.size === 0
      ? Number.POSITIVE_INFINITY
      : nextInStep(duties.gossipMs, parameters.gossipIntervalMs, nowMs)
}
