/**
 * Counters within intervals of fixed length, for readers that want to see what happens now and keep no history of their own.
 * Costs one map entry per counter that moves; nothing runs when an interval ends. Totals are in metrics.ts.
 */
import type { MetricLabels, RecentCounter } from './ports.ts'

interface Sums {
  readonly name: string
  readonly labels: MetricLabels
  updates: number
  sum: number
  min: number
  max: number
  sumOfSquares: number
}

interface Interval {
  readonly number: number
  readonly counters: Map<string, Sums>
}

export class MetricIntervals {
  private readonly nowMs: () => number
  private readonly intervalMs: number
  private running: Interval
  private last: Interval | undefined

  /** `nowMs`: time of day. */
  constructor(nowMs: () => number, intervalMs: number) {
    this.nowMs = nowMs
    this.intervalMs = intervalMs
    this.running = { number: this.number(), counters: new Map() }
  }

  /** `key` is the same for the same name and labels. */
  add(key: string, counter: { readonly name: string; readonly labels: MetricLabels }, by: number): void {
    this.turn()
    const sums = this.running.counters.get(key)
    if (sums === undefined) {
      const first = { ...counter, updates: 1, sum: by, min: by, max: by, sumOfSquares: by * by }
      this.running.counters.set(key, first)
      return
    }
    sums.updates += 1
    sums.sum += by
    sums.min = Math.min(sums.min, by)
    sums.max = Math.max(sums.max, by)
    sums.sumOfSquares += by * by
  }

  /** The newest interval that is over; the running one where there is none yet. */
  recent(): { readonly beganMs: number; readonly counters: readonly RecentCounter[] } {
    this.turn()
    const shown = this.last ?? this.running
    return { beganMs: shown.number * this.intervalMs, counters: [...shown.counters.values()] }
  }

  private turn(): void {
    const number = this.number()
    if (number === this.running.number) return
    // Where nothing was counted in between, the interval that just ended is an empty one.
    const isNext = number === this.running.number + 1
    this.last = isNext ? this.running : { number: number - 1, counters: new Map() }
    this.running = { number, counters: new Map() }
  }

  private number(): number {
    return Math.floor(this.nowMs() / this.intervalMs)
  }
}
