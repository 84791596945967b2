/**
 * Virtual time: one queue of events ordered by (time, order of arrival), run one by one. Nothing here ever waits, so
 * hours of simulated time take seconds and the same seed gives the same order.
 */
import type { Clock, Timer } from '../../src/platform/ports.ts'

class Event implements Timer {
  readonly timeMs: number
  readonly order: number
  callback: (() => void) | undefined

  constructor(timeMs: number, order: number, callback: () => void) {
    this.timeMs = timeMs
    this.order = order
    this.callback = callback
  }

  /** The slot stays in the queue and is skipped: cheaper than finding it. */
  cancel(): void {
    this.callback = undefined
  }
}

/** No timer is finer. Without a bound, a delay could be too small to move a large time at all, and be set for ever. */
const finestMs = 1 / 1_024

const isBefore = (a: Event, b: Event): boolean =>
  a.timeMs < b.timeMs || (a.timeMs === b.timeMs && a.order < b.order)

export class VirtualClock implements Clock {
  #nowMs = 0
  #order = 0
  /** Binary heap, earliest first. */
  readonly #heap: Event[] = []
  /** Time of day at virtual time 0; tests may let it jump. */
  wallOffsetMs = 1_700_000_000_000

  monotonicMs(): number {
    return this.#nowMs
  }

  wallMs(): number {
    return this.wallOffsetMs + this.#nowMs
  }

  /** Events handled and to be handled; a measure of work, not of time. */
  get eventsScheduled(): number {
    return this.#order
  }

  after(delayMs: number, callback: () => void): Timer {
    const wholeMs = delayMs > 0 ? Math.max(finestMs, delayMs) : 0
    const event = new Event(this.#nowMs + wholeMs, this.#order, callback)
    this.#order += 1
    this.#push(event)
    return event
  }

  /** Runs the next event; false if there is none. */
  step(): boolean {
    for (;;) {
      const event = this.#pop()
      if (event === undefined) return false
      if (event.callback === undefined) continue
      this.#nowMs = event.timeMs
      const { callback } = event
      event.callback = undefined
      callback()
      return true
    }
  }

  /** Runs everything that is due in the next `durationMs`; time then stands at their end. */
  run(durationMs: number): void {
    const untilMs = this.#nowMs + durationMs
    for (let next = this.#next(); next !== undefined && next.timeMs <= untilMs; next = this.#next())
      this.step()
    this.#nowMs = Math.max(this.#nowMs, untilMs)
  }

  /** Runs until `condition` holds; false if it did not within `withinMs` of virtual time. */
  runUntil(condition: () => boolean, withinMs: number): boolean {
    const untilMs = this.#nowMs + withinMs
    while (!condition()) {
      const next = this.#next()
      if (next === undefined || next.timeMs > untilMs) return false
      this.step()
    }
    return true
  }

  /** The event that `step` would run: cancelled ones are dropped on the way, their time means nothing. */
  #next(): Event | undefined {
    while (this.#heap[0] !== undefined && this.#heap[0].callback === undefined) this.#pop()
    return this.#heap[0]
  }

  #push(event: Event): void {
    const heap = this.#heap
    let at = heap.length
    heap.push(event)
    while (at > 0) {
      const parentAt = (at - 1) >>> 1
      const parent = heap[parentAt]
      if (parent === undefined || !isBefore(event, parent)) break
      heap[at] = parent
      at = parentAt
    }
    heap[at] = event
  }

  #pop(): Event | undefined {
    const heap = this.#heap
    const top = heap[0]
    const moved = heap.pop()
    if (top === undefined || moved === undefined || heap.length === 0) return top
    let at = 0
    for (;;) {
      const leftAt = at * 2 + 1
      const left = heap[leftAt]
      if (left === undefined) break
      const right = heap[leftAt + 1]
      const isRight = right !== undefined && isBefore(right, left)
      const child = isRight ? right : left
      if (!isBefore(child, moved)) break
      heap[at] = child
      at = isRight ? leftAt + 1 : leftAt
    }
    heap[at] = moved
    return top
  }
}
