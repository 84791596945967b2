/**
 * Whose turn it is to be probed: one member per interval, round by round, so that everybody is looked at equally often
 * whatever the size of the pool.
 */
import type { LocalView } from './local-view.ts'
import { startProbe } from './probe.ts'

/** The first time after `nowMs` in steps of `everyMs` from `dueMs`: what was missed is not made up for. */
export function nextInStep(dueMs: number, everyMs: number, nowMs: number): number {
  return dueMs + (Math.floor((nowMs - dueMs) / everyMs) + 1) * everyMs
}

export function probeNext(view: LocalView): void {
  const { duties, nowMs, parameters, roster, self } = view
  duties.probeMs = nextInStep(duties.probeMs, parameters.probeIntervalMs, nowMs)
  // A member that is unwell gives each probe longer, and starts fewer.
  if (view.isLeaving || view.probes.some((probe) => probe.isInTurn)) return
  const member = roster.nextToProbe(self)
  if (member !== undefined) startProbe(view, member, true)
}

/** Those that this step gave a reason to look at. */
export function probeOutOfTurn(view: LocalView): void {
  if (view.toProbe.length === 0) return
  for (const member of view.toProbe.splice(0)) startProbe(view, member, false)
}
