/**
 * This process stood still: what we did not hear meanwhile is no evidence against others. Their answers and refutations
 * may lie unread in front of us, and timers run before packets are read. memberlist has nothing like it.
 */
import type { LocalView } from './local-view.ts'

export function forgive(view: LocalView, lateMs: number): void {
  const { nowMs, parameters, probes } = view
  view.awareness.change(1 + Math.floor(lateMs / parameters.probeIntervalMs))
  view.forgivenUntilMs = nowMs + parameters.probeIntervalMs
  for (const probe of probes) {
    probe.isTimed = false
    if (probe.helpAtMs !== Number.POSITIVE_INFINITY)
      probe.helpAtMs = Math.max(probe.helpAtMs, nowMs + parameters.probeTimeoutMs)
    probe.deadlineMs = Math.max(probe.deadlineMs, nowMs + parameters.probeIntervalMs)
  }
  view.effects.notify({ type: 'stalled', lateMs })
}
