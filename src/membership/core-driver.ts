/**
 * Steps the membership core: one input after the other, and a tick when its next deadline comes. Inputs that arise while
 * it is being stepped wait their turn, because the core must not be called from within its own calls.
 */
import type { Clock, Timer } from '../platform/ports.ts'
import type { SwimInput } from '../swim/input.ts'
import type { Swim } from '../swim/swim.ts'

export class CoreDriver {
  readonly #swim: Swim
  readonly #clock: Clock
  /** Bounded by what one packet can cause: a few inputs per message. */
  readonly #waiting: SwimInput[] = []
  #isStepping = false
  #timer: Timer | undefined
  #armedMs = Number.POSITIVE_INFINITY
  #isClosed = false

  constructor(swim: Swim, clock: Clock) {
    this.#swim = swim
    this.#clock = clock
  }

  start(): void {
    this.#arm()
  }

  step(input: SwimInput): void {
    if (this.#isClosed) return
    this.#waiting.push(input)
    if (this.#isStepping) return
    this.#isStepping = true
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift())
      this.#swim.step(this.#clock.monotonicMs(), next)
    this.#isStepping = false
    this.#arm()
  }

  close(): void {
    this.#isClosed = true
    this.#waiting.length = 0
    this.#timer?.cancel()
  }

  /** A timer that fires too early only looks again: cheaper than a new one for every packet. */
  #arm(): void {
    const dueMs = this.#swim.nextDeadlineMs
    if (this.#isClosed || dueMs >= this.#armedMs) return
    this.#timer?.cancel()
    this.#armedMs = dueMs
    this.#timer = this.#clock.after(dueMs - this.#clock.monotonicMs(), () => {
      this.#armedMs = Number.POSITIVE_INFINITY
      if (this.#swim.nextDeadlineMs <= this.#clock.monotonicMs()) this.step({ type: 'tick' })
      else this.#arm()
    })
  }
}
