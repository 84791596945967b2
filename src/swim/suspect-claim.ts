/**
 * "This member does not answer": starts its time to refute, or shortens it. Accusations of ourselves are refuted.
 */
import type { Suspect } from '../model/gossip-message.ts'
import { hearDead, recallGoodbye } from './dead-claim.ts'
import type { LocalView } from './local-view.ts'
import { refute } from './refutation.ts'
import type { Member } from './roster.ts'
import { Suspicion, suspicionTerms } from './suspicion.ts'

/** True if we know more than before. */
export function hearSuspect(view: LocalView, claim: Suspect): boolean {
  const member = view.roster.get(claim.node)
  if (member === undefined || claim.incarnation < member.incarnation) return false
  if (member.isGone) {
    recallGoodbye(view, member, claim.incarnation)
    return false
  }
  if (member === view.self) {
    refute(view, claim.incarnation, claim.from)
    return false
  }
  const { suspicion } = member
  if (suspicion === undefined) {
    accuse(view, member, claim)
    return true
  }
  if (!suspicion.confirm(claim.from, view.nowMs)) return false
  view.suspicions.move(suspicion)
  view.tell(claim)
  return true
}

function accuse(view: LocalView, member: Member, claim: Suspect): void {
  const { roster, nowMs } = view
  member.incarnation = claim.incarnation
  roster.setStatus(member, 'suspect', nowMs)
  const terms = suspicionTerms(view.parameters, roster.active)
  member.suspicion = new Suspicion(member.name, terms, claim.from, nowMs)
  view.suspicions.add(member.suspicion)
  view.tell(claim)
  view.effects.notify({ type: 'suspected', member })
}

/** Suspects whose time is over count as failed. */
export function endSuspicions(view: LocalView): void {
  const { suspicions, nowMs, forgivenUntilMs, self, roster } = view
  for (;;) {
    const suspicion = suspicions.takeDue(nowMs)
    if (suspicion === undefined) return
    const { node, startedAtMs, terms } = suspicion
    // We stood still: a refutation may lie unread in front of us. Not for ever, or a slow host would never judge.
    if (forgivenUntilMs > nowMs && nowMs < startedAtMs + 2 * terms.maxMs) {
      suspicion.dueMs = forgivenUntilMs
      suspicions.add(suspicion)
    } else {
      const incarnation = roster.get(node)?.incarnation ?? 0
      hearDead(view, { type: 'dead', incarnation, node, from: self.name })
    }
  }
}
