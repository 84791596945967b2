/**
 * Bounds how many probes run at once; the others wait in order. The line is bounded by its callers: a check stands in
 * it at most once.
 */
export class Slots {
  readonly #capacity: number
  readonly #line = new Set<() => void>()
  #busy = 0

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  /** Runs `work` when there is a place for it; `work` must call `release` once when it is done. */
  acquire(work: () => void): { cancel(): void } {
    if (this.#busy < this.#capacity) {
      this.#busy += 1
      work()
    } else this.#line.add(work)
    return { cancel: () => this.#line.delete(work) }
  }

  release(): void {
    const [next] = this.#line
    if (next === undefined) this.#busy -= 1
    else {
      this.#line.delete(next)
      next()
    }
  }
}
