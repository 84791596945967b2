/**
 * Full exchanges of state: what repairs whatever gossip missed. Seldom while all is well; again and again, member to
 * member, while much is new, because news of a whole pool spread that way in a few rounds and fill no gossip queue.
 */
import { unreachable } from '../model/errors.ts'
import { type MemberState, type PushPull, sameEndpoint } from '../model/gossip-message.ts'
import { hearAlive } from './alive-claim.ts'
import { hearDead } from './dead-claim.ts'
import type { LocalView } from './local-view.ts'
import { lookAgain } from './out-of-turn.ts'
import { refute } from './refutation.ts'
import type { Member } from './roster.ts'

const scaleFrom = 32

/** `interval * (ceil(log2 members - log2 32) + 1)` above 32 members (memberlist). */
export function pushPullIntervalMs(intervalMs: number, members: number): number {
  if (members <= scaleFrom) return intervalMs
  return intervalMs * (Math.ceil(Math.log2(members) - Math.log2(scaleFrom)) + 1)
}

export function exchangeWithAnother(view: LocalView): void {
  const { duties, nowMs, parameters, roster, self } = view
  const calmMs = pushPullIntervalMs(parameters.pushPullIntervalMs, roster.active)
  duties.exchangeMs = nowMs + Math.min(calmMs, view.exchangePauseMs)
  view.exchangePauseMs *= 2
  if (view.isLeaving) return
  const [member] = roster.pick(1, (other) => other !== self && other.status === 'alive')
  if (member !== undefined) view.effects.exchange(member.record, member.name, false)
}

/** Our side of an exchange: everybody that gossip still deals with. */
export function ownStates(view: LocalView): readonly MemberState[] {
  return view.roster.ring().map(({ record, incarnation, status }) => ({ record, incarnation, status }))
}

export function hearState(view: LocalView, state: PushPull): void {
  const disputed: MemberState[] = []
  for (const one of state.members) hearOne(view, one, disputed)
  settleSome(view, disputed)
}

/** After each step: much that is new at once calls for exchanges, first at short and then at growing intervals. */
export function hastenExchange(view: LocalView): void {
  const { parameters, duties, nowMs, roster } = view
  const { eagerExchangeMs, eagerExchangeArrivals } = parameters
  // Some coming and going is normal, and more of it in a larger pool.
  const normal = Math.max(eagerExchangeArrivals, roster.active / 100)
  if (view.arrivals <= normal || view.isLeaving) return
  view.arrivals = 0
  duties.exchangeMs = Math.min(duties.exchangeMs, nowMs + (0.5 + view.random()) * eagerExchangeMs)
  view.exchangePauseMs = eagerExchangeMs
}

function hearOne(view: LocalView, one: MemberState, disputed: MemberState[]): void {
  const { record, incarnation, status } = one
  const member = view.roster.get(record.node)
  if (member !== undefined && member !== view.self && agrees(member, one)) return
  switch (status) {
    case 'alive':
      if (member?.isGone && incarnation <= member.incarnation && sameEndpoint(member.record, record))
        returnOf(view, one, disputed)
      else hearAlive(view, record)
      return
    case 'left':
      hearDead(view, { type: 'dead', incarnation, node: record.node, from: record.node })
      return
    case 'suspect':
    case 'dead':
      if (member === undefined || member.isGone || incarnation < member.incarnation) return
      if (member !== view.self) disputed.push(one)
      else if (!view.isLeaving) refute(view, incarnation, record.node)
      return
    default:
      unreachable(status)
  }
}

/** Another member sees one alive that we saw fail: likely a split that has healed, and there will be more of them. */
function returnOf(view: LocalView, one: MemberState, disputed: MemberState[]): void {
  view.countArrivals(1)
  disputed.push(one)
}

/** Almost always true, in thousands of members per exchange: the cheap way out. */
function agrees(member: Member, one: MemberState): boolean {
  return (
    member.incarnation === one.incarnation &&
    member.status === one.status &&
    (member.record === one.record || sameEndpoint(member.record, one.record))
  )
}

/** Looks at random ones of those about whom we disagree; others will look at the rest. */
function settleSome(view: LocalView, disputed: MemberState[]): void {
  const looks = Math.min(disputed.length, view.parameters.looksOutOfTurn)
  for (let looked = 0; looked < looks; looked += 1) {
    const at = looked + Math.floor(view.random() * (disputed.length - looked))
    const one = disputed[at]
    const first = disputed[looked]
    if (one === undefined || first === undefined) return
    disputed[at] = first
    const member = view.roster.get(one.record.node)
    if (member !== undefined) lookAgain(view, member, one.record)
  }
}
