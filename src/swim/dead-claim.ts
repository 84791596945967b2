/**
 * "This member has failed", or, said by itself, "I have left". Believed at once: whoever says it gave the member its
 * time to refute.
 */
import type { Dead } from '../model/gossip-message.ts'
import type { LocalView } from './local-view.ts'
import { refute } from './refutation.ts'

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
  if (member.isGone && !(hasLeft && member.status === 'dead')) return false
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

/** A failed member counts as left from now on, for example because an operator said so. */
export function countAsLeft(view: LocalView, node: string): void {
  const member = view.roster.get(node)
  if (member === undefined || member.status !== 'dead') return
  view.roster.setStatus(member, 'left', view.nowMs)
  view.effects.notify({ type: 'left', member })
}
