/**
 * Members that we look at out of turn, because another member believes otherwise than we do: memberlist believes or
 * suspects on hearsay, we ask the member itself. The accusation travels with the ping, so a member that lives refutes
 * it at once. After a network split that heals this replaces thousands of suspicions. Bounded per probe interval.
 */
import type { Alive } from '../model/gossip-message.ts'
import type { LocalView } from './local-view.ts'
import type { Member } from './roster.ts'

/** `claim`: what the other says, with the address where the member is said to be. */
export function lookAgain(view: LocalView, member: Member, claim: Alive): void {
  if (!mayLook(view, member)) return
  if (!member.isGone) {
    view.toProbe.push(member)
    return
  }
  const { incarnation, name: node } = member
  const from = member.status === 'left' ? node : view.self.name
  view.sendAll(claim, [
    { type: 'dead', incarnation, node, from },
    { type: 'ping', sequence: view.nextSequence(), node, source: view.source },
  ])
}

function mayLook(view: LocalView, member: Member): boolean {
  const { nowMs, parameters, lookedAt } = view
  if (nowMs - view.lookedFromMs >= parameters.probeIntervalMs) {
    view.lookedFromMs = nowMs
    lookedAt.clear()
  }
  if (lookedAt.size >= parameters.looksOutOfTurn || lookedAt.has(member.name)) return false
  lookedAt.add(member.name)
  return true
}
