/**
 * Meeting failed members again (Serf's reconnect), and forgetting those that stayed away.
 */
import type { LocalView } from './local-view.ts'
import type { Member } from './roster.ts'

/** Tries one failed member; seldom where few failed, so that the pool as a whole tries at a steady rate. */
export function reconnect(view: LocalView): void {
  const { duties, nowMs, parameters, roster } = view
  duties.reconnectMs = nowMs + parameters.reconnectIntervalMs
  const failed = roster.count('dead')
  if (failed === 0 || view.isLeaving) return
  const living = roster.count('alive') + roster.count('suspect')
  if (view.random() > failed / Math.max(1, living)) return
  let left = Math.floor(view.random() * failed)
  for (const member of roster.all()) {
    if (member.status !== 'dead') continue
    if (left === 0) {
      view.effects.exchange(member.record, member.name, true)
      return
    }
    left -= 1
  }
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
  for (const member of over) {
    roster.remove(member)
    view.effects.notify({ type: 'reaped', member })
  }
}
