/**
 * Meeting failed members again (Serf's reconnect), and forgetting those that stayed away.
 */
import type { LocalView } from './local-view.ts'
import type { Member } from './roster.ts'

/** Who is alone tries several at once. */
const triesAlone = 3

/** Tries one failed member; seldom where few failed, so that the pool as a whole tries at a steady rate. */
export function reconnect(view: LocalView): void {
  const { duties, nowMs, parameters, roster } = view
  duties.reconnectMs = nowMs + parameters.reconnectIntervalMs
  const failed = roster.count('dead')
  if (failed === 0 || view.isLeaving) return
  const living = roster.count('alive') + roster.count('suspect')
  if (view.random() > failed / living) return
  for (const member of someFailed(view, living === 1 ? triesAlone : 1))
    view.effects.exchange(member.record, member.name, true)
}

/** Up to `count` different ones, the more likely the later they failed: what broke last is what will heal next. */
function someFailed(view: LocalView, count: number): readonly Member[] {
  const failed = [...view.roster.all()].filter((member) => member.status === 'dead')
  failed.sort((a, b) => b.changedAtMs - a.changedAtMs)
  const picked: Member[] = []
  for (let tries = 0; tries < count && failed.length > 0; tries += 1) {
    const at = Math.floor(view.random() ** 2 * failed.length)
    picked.push(...failed.splice(at, 1))
  }
  return picked
}

export function reap(view: LocalView): void {
  const { duties, nowMs, parameters, roster } = view
  duties.reapMs = nowMs + parameters.reapIntervalMs
  if (roster.count('dead') + roster.count('left') === 0) return
  const over: Member[] = []
  for (const member of roster.all()) {
    if (!member.isGone || member === view.self) continue
    const goneMs = nowMs - member.changedAtMs
    const keptMs = member.status === 'left' ? parameters.leftKeptMs : parameters.failedKeptMs
    if (goneMs > keptMs) over.push(member)
    else if (goneMs > parameters.gossipToTheDeadMs) roster.retire(member)
  }
  for (const member of over) remove(view, member)
}

/** One that is gone, before its time. */
export function forget(view: LocalView, node: string): void {
  const member = view.roster.get(node)
  if (member?.isGone && member !== view.self) remove(view, member)
}

function remove(view: LocalView, member: Member): void {
  view.roster.remove(member)
  view.effects.notify({ type: 'reaped', member })
}
