/**
 * How a worker ends: no new clients and streams, a while for what is open, then the rest is cut. Knows no processes.
 */
import { limits } from '../../model/limits.ts'
import type { Clock, Timer } from '../../platform/ports.ts'
import type { EndCode } from '../../wire/tunnel/codes.ts'
import type { ConnectionBudget } from './budget.ts'

/** What is ended: all listeners of a worker. */
export interface Drainable {
  /** Takes nothing new. */
  leave(): void
  /** Ends what is open. */
  cut(code: EndCode): void
}

export interface DrainOptions {
  readonly listeners: Drainable
  readonly budget: ConnectionBudget
  readonly clock: Clock
  readonly drainMs: number
}

/** Calls `done` once, when no connection is open any more or those that were cut had time to say so. */
export function drain(options: DrainOptions, done: () => void): void {
  const { listeners, budget, clock, drainMs } = options
  let timer: Timer | undefined
  let over = false
  const finish = (): void => {
    if (over) return
    over = true
    timer?.cancel()
    done()
  }
  listeners.leave()
  timer = clock.after(drainMs, () => {
    listeners.cut('draining')
    timer = clock.after(limits.lingerMs, finish)
  })
  budget.whenIdle(finish)
}
