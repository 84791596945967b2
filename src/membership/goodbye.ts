/**
 * Leaving so that nobody takes it for a failure: the intent first, then gossip's own word, each with time to be told,
 * then a pause in which the news spreads while we still answer (Serf's order).
 */
import type { Clock } from '../platform/ports.ts'
import { retransmitLimit } from '../swim/broadcast-queue.ts'
import type { SwimInput } from '../swim/input.ts'
import type { PoolTiming } from './timing.ts'

export interface GoodbyeOptions {
  readonly timing: PoolTiming
  readonly clock: Clock
  readonly livingMembers: () => number
  readonly tellIntent: () => void
  readonly step: (input: SwimInput) => void
}

export class Goodbye {
  readonly #options: GoodbyeOptions
  readonly #waiting: (() => void)[] = []
  #isBegun = false
  #isTold = false
  #isDone = false

  constructor(options: GoodbyeOptions) {
    this.#options = options
  }

  /** `done` once it was said; at once if it was said before. */
  say(done: () => void): void {
    if (this.#isDone) {
      done()
      return
    }
    this.#waiting.push(done)
    if (this.#isBegun) return
    this.#isBegun = true
    const { clock, tellIntent, livingMembers } = this.#options
    tellIntent()
    if (livingMembers() <= 1) this.#leave()
    else clock.after(this.#intentMs(livingMembers()), () => this.#leave())
  }

  /** The core says that our leave was told often enough. */
  told(): void {
    if (!this.#isBegun || this.#isTold) return
    this.#isTold = true
    const { clock, timing, livingMembers } = this.#options
    if (livingMembers() === 0) this.#finish()
    else clock.after(timing.leaveSpreadMs, () => this.#finish())
  }

  #leave(): void {
    const { clock, timing, step } = this.#options
    step({ type: 'leave' })
    clock.after(timing.leaveToldMs, () => this.told())
  }

  #finish(): void {
    if (this.#isDone) return
    this.#isDone = true
    for (const done of this.#waiting.splice(0)) done()
  }

  /** As long as it takes to tell the intent to as many as one message is told to. */
  #intentMs(members: number): number {
    const { swim, leaveToldMs } = this.#options.timing
    const tellings = retransmitLimit(swim.retransmitMultiplier, members)
    const rounds = Math.ceil(tellings / Math.min(swim.gossipNodes, Math.max(1, members - 1)))
    return Math.min(leaveToldMs, rounds * swim.gossipIntervalMs)
  }
}
