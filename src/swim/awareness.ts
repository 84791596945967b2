/**
 * How unwell this member itself seems to be: Lifeguard's local health score. A member that misses answers it should
 * have got, or has to refute, gives others more time before it accuses them.
 */
export class Awareness {
  readonly #highest: number
  #score = 0

  /** Scores go from 0 to `max - 1`. */
  constructor(max: number) {
    this.#highest = Math.max(0, max - 1)
  }

  /** 0: well. */
  get score(): number {
    return this.#score
  }

  change(by: number): void {
    this.#score = Math.min(this.#highest, Math.max(0, this.#score + by))
  }

  /** The time to wait for others, `wellMs` if we are well. */
  scaleMs(wellMs: number): number {
    return wellMs * (this.#score + 1)
  }
}
