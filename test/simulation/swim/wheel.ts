/**
 * Virtual time for pools of thousands: a ring of quarter milliseconds instead of the heap of `../clock.ts`, because a
 * simulated day of gossip is a hundred million events and each must cost nanoseconds. Same seed, same order.
 */

export interface Happening {
  happen(): void
}

const stepsPerMs = 4
const slots = 16_384

export class Wheel {
  /** Present step; each is a quarter of a millisecond. */
  #step = 0
  readonly #ring: Happening[][] = Array.from({ length: slots }, () => [])
  /** Beyond the ring's horizon, by step. */
  readonly #later = new Map<number, Happening[]>()
  /** First step of each block of the ring's size whose later events were not yet moved. */
  #movedUntil = slots
  happened = 0

  get nowMs(): number {
    return this.#step / stepsPerMs
  }

  /** Rounds up to the next step; what is due now happens in the next step. */
  at(timeMs: number, happening: Happening): void {
    const step = Math.max(this.#step + 1, Math.ceil(timeMs * stepsPerMs))
    if (step < this.#movedUntil) {
      this.#ring[step % slots]?.push(happening)
      return
    }
    const others = this.#later.get(step)
    if (others === undefined) this.#later.set(step, [happening])
    else others.push(happening)
  }

  call(timeMs: number, callback: () => void): void {
    this.at(timeMs, { happen: callback })
  }

  run(durationMs: number): void {
    const until = this.#step + Math.round(durationMs * stepsPerMs)
    while (this.#step < until) {
      this.#step += 1
      if (this.#step + slots / 2 >= this.#movedUntil) this.#moveLater()
      const slot = this.#ring[this.#step % slots]
      if (slot === undefined || slot.length === 0) continue
      for (const happening of slot) happening.happen()
      this.happened += slot.length
      slot.length = 0
    }
  }

  /** Half a ring at a time, so that the ring always holds the nearest future. */
  #moveLater(): void {
    const from = this.#movedUntil
    this.#movedUntil = from + slots / 2
    if (this.#later.size === 0) return
    for (const [step, happenings] of this.#later)
      if (step < this.#movedUntil) {
        this.#later.delete(step)
        this.#ring[step % slots]?.push(...happenings)
      }
  }
}
