/** A token bucket: so many acts per second on average, so many at once. Time comes from the caller. */
export class TokenBucket {
  readonly #perSecond: number
  readonly #burst: number
  #tokens: number
  #atMs = Number.NEGATIVE_INFINITY

  constructor(perSecond: number, burst: number) {
    this.#perSecond = perSecond
    this.#burst = burst
    this.#tokens = burst
  }

  /** Takes one token if there is one: 0. Otherwise the milliseconds until there will be. `nowMs` is monotonic. */
  take(nowMs: number): number {
    const gained = ((nowMs - this.#atMs) * this.#perSecond) / 1_000
    this.#tokens = Math.min(this.#burst, this.#tokens + Math.max(0, gained))
    this.#atMs = nowMs
    if (this.#tokens >= 1) {
      this.#tokens -= 1
      return 0
    }
    return Math.ceil(((1 - this.#tokens) * 1_000) / this.#perSecond)
  }
}
