/**
 * Gathers events that come in bursts, so that handlers run once for many: until it was quiet for a moment, and at most
 * for a longer one (Serf's quiescent and coalesce periods). Per key only what is newest counts.
 */

export interface CoalescingPeriods {
  readonly mostMs: number
  readonly quietMs: number
}

export const serfCoalescing: CoalescingPeriods = { mostMs: 3_000, quietMs: 1_000 }

export class Coalescing<Value> {
  readonly #periods: CoalescingPeriods
  /** What becomes of the value that waits when another one comes for the same key. */
  readonly #merge: (waiting: Value, next: Value) => Value
  readonly #waiting = new Map<string, Value>()
  #firstMs = 0
  #lastMs = 0

  constructor(periods: CoalescingPeriods, merge: (waiting: Value, next: Value) => Value) {
    this.#periods = periods
    this.#merge = merge
  }

  /** When to `take`; infinity while nothing waits. */
  get dueMs(): number {
    if (this.#waiting.size === 0) return Number.POSITIVE_INFINITY
    return Math.min(this.#firstMs + this.#periods.mostMs, this.#lastMs + this.#periods.quietMs)
  }

  add(key: string, value: Value, nowMs: number): void {
    if (this.#waiting.size === 0) this.#firstMs = nowMs
    this.#lastMs = nowMs
    const waiting = this.#waiting.get(key)
    this.#waiting.set(key, waiting === undefined ? value : this.#merge(waiting, value))
  }

  /** What has waited long enough; [] before `dueMs`. */
  take(nowMs: number): readonly Value[] {
    if (nowMs < this.dueMs) return []
    const taken = [...this.#waiting.values()]
    this.#waiting.clear()
    return taken
  }
}
