// A clock that a test moves.
import type { Clock } from '../../../src/platform/ports.ts'

export interface VirtualClock extends Clock {
  advance(ms: number): void
  /** Sets the time of day. */
  setWall(ms: number): void
}

export function virtualClock(wallMs = 0): VirtualClock {
  let nowMs = 0
  let wallOffset = wallMs
  let timers: { readonly dueMs: number; readonly callback: () => void }[] = []
  return {
    monotonicMs: () => nowMs,
    wallMs: () => nowMs + wallOffset,
    after(delayMs, callback) {
      const timer = { dueMs: nowMs + delayMs, callback }
      timers.push(timer)
      return {
        cancel: () => {
          timers = timers.filter((each) => each !== timer)
        },
      }
    },
    advance(ms) {
      const untilMs = nowMs + ms
      for (;;) {
        const [next] = timers.filter((timer) => timer.dueMs <= untilMs).sort((a, b) => a.dueMs - b.dueMs)
        if (next === undefined) break
        timers = timers.filter((timer) => timer !== next)
        nowMs = Math.max(nowMs, next.dueMs)
        next.callback()
      }
      nowMs = untilMs
    },
    setWall: (ms) => {
      wallOffset = ms - nowMs
    },
  }
}
