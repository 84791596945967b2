/**
 * "This member has failed", or, said by itself, "I have left". Believed at once: whoever says it gave the member its
 * time to refute.
 */
import type { Dead } from '../model/gossip-message.ts'
import type { LocalView } from './local-view.ts'
import { refute } from './refutation.ts'
import type { Member } from './roster.ts'

/** True if we know more than before. */
export function hearDead(view: LocalView, claim: Dead): boolean {
  const { roster, self, nowMs } = view
  const member = roster.get(claim.node)
  if (member === undefined || claim.incarnation < member.incarnation) return false
  if (member === self) {
    if (!view.isLeaving) refute(view, claim.incarnation, claim.from)
    return false
  }
  const hasLeft = claim.from === claim.node
  // Its own goodbye outweighs what others concluded from its silence.
  if (member.isGone && !(hasLeft && member.status === 'dead')) {
    if (!hasLeft) recallGoodbye(view, member, claim.incarnation)
    return false
  }
  if (member.suspicion !== undefined) {
    view.suspicions.remove(member.suspicion)
    member.suspicion = undefined
  }
  member.incarnation = claim.incarnation
  roster.setStatus(member, hasLeft ? 'left' : 'dead', nowMs)
  view.tell(claim)
  view.effects.notify({ type: hasLeft ? 'left' : 'failed', member })
  return true
}

/**
 * Somebody accuses a member whose goodbye we heard and they did not: it is told once more. Members that joined later may
 * know it only from one that missed the goodbye, and would all call it a failure.
 */
export function recallGoodbye(view: LocalView, member: Member, incarnation: number): void {
  const { name: node } = member
  if (member.status !== 'left' || incarnation !== member.incarnation || view.queue.isTelling(node)) return
  view.tell({ type: 'dead', incarnation, node, from: node })
}

/** A failed member counts as left from now on, for example because an operator said so. */
export function countAsLeft(view: LocalView, node: string): void {
  const member = view.roster.get(node)
  if (member === undefined || member.status !== 'dead') return
  view.roster.setStatus(member, 'left', view.nowMs)
  view.effects.notify({ type: 'left', member })
}
