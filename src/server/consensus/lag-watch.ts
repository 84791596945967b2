/**
 * Tells when this process is too slow to lead: its timers come late again and again, so its heartbeats do too. Handing
 * leadership over then costs a moment; being deposed later costs an election timeout, for all clients.
 */
import type { Timing } from './timing.ts'

/** One late tick is a garbage collection or a busy machine; so many in a row are a state. */
const lateTicks = 3
/** Where the others are as slow there is nothing to win, so it is not tried all the time. */
const pauseMs = 60_000

export class LagWatch {
  readonly #timing: Timing
  #late = 0
  #steppedAsideMs: number | undefined

  constructor(timing: Timing) {
    this.#timing = timing
  }

  /** True if leadership should be handed over now. `lagMs`: by how much this tick came late. */
  tick(nowMs: number, lagMs: number): boolean {
    this.#late = lagMs > this.#timing.electionTimeoutMs / 2 ? this.#late + 1 : 0
    if (this.#late < lateTicks) return false
    if (this.#steppedAsideMs !== undefined && nowMs - this.#steppedAsideMs < pauseMs) return false
    this.#late = 0
    this.#steppedAsideMs = nowMs
    return true
  }
}
