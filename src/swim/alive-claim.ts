/**
 * "This member is alive, here, with this description": when it is believed, and what follows. A newer incarnation is
 * believed; a name belongs to one address while its member lives.
 */
import { type Alive, sameEndpoint } from '../model/gossip-message.ts'
import { limits } from '../model/limits.ts'
import type { LocalView } from './local-view.ts'
import { lookAgain } from './out-of-turn.ts'
import { refute } from './refutation.ts'
import { Member } from './roster.ts'

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a === b || (a.length === b.length && a.every((byte, at) => byte === b[at]))

/** True if we know more than before. */
export function hearAlive(view: LocalView, claim: Alive): boolean {
  const { roster, self } = view
  if (claim.node === self.name) {
    hearAboutSelf(view, claim)
    return false
  }
  const member = roster.get(claim.node)
  if (member === undefined) return meet(view, claim)
  if (sameEndpoint(member.record, claim)) {
    if (claim.incarnation <= member.incarnation) {
      if (member.isGone) lookAgain(view, member, claim)
      return false
    }
  } else if (!mayMove(view, member)) {
    view.effects.notify({ type: 'conflict', member, claim })
    return false
  }
  if (!view.admits(claim)) return false
  believe(view, member, claim)
  return true
}

function meet(view: LocalView, claim: Alive): boolean {
  const { roster } = view
  if (roster.size >= limits.gossipMembers || !view.admits(claim)) return false
  const member = new Member(claim, 'alive', view.nowMs)
  roster.add(member)
  view.countArrivals(1)
  view.tell(claim)
  view.effects.notify({ type: 'joined', member })
  return true
}

function believe(view: LocalView, member: Member, claim: Alive): void {
  const { roster, effects } = view
  const { isGone, record } = member
  if (member.suspicion !== undefined) {
    view.suspicions.remove(member.suspicion)
    member.suspicion = undefined
  }
  member.record = claim
  member.incarnation = claim.incarnation
  if (member.status !== 'alive') roster.setStatus(member, 'alive', view.nowMs)
  roster.activate(member)
  view.tell(claim)
  if (isGone) {
    view.countArrivals(1)
    effects.notify({ type: 'joined', member })
  } else if (!sameBytes(record.meta, claim.meta)) effects.notify({ type: 'updated', member })
}

/** A host that left may come back elsewhere at once, one that failed after a while. */
function mayMove(view: LocalView, member: Member): boolean {
  const goneMs = view.nowMs - member.changedAtMs
  return member.status === 'left' || (member.status === 'dead' && goneMs > view.parameters.reclaimAfterMs)
}

/** Others may still tell what we were before a restart; a different description must not stand. */
function hearAboutSelf(view: LocalView, claim: Alive): void {
  const { self } = view
  if (view.isLeaving) return
  if (!sameEndpoint(self.record, claim)) {
    view.effects.notify({ type: 'conflict', member: self, claim })
    return
  }
  if (claim.incarnation < self.incarnation) return
  const isSame =
    sameBytes(claim.meta, self.record.meta) &&
    claim.versions.every((version, at) => version === self.record.versions[at])
  if (claim.incarnation > self.incarnation || !isSame) refute(view, claim.incarnation, claim.node)
}
