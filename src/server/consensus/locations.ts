/**
 * Where each entry of the log stands on disk: segment, offset, size. Three numbers per entry in plain arrays, dropped
 * from the front as segments go away and from the back as suffixes are replaced.
 */
import { assert } from '../../model/errors.ts'
import { type LogIndex, logIndex } from '../../model/ids.ts'

export interface Location {
  /** Sequence number of the segment. */
  readonly segment: number
  /** Of the frame. */
  readonly offset: number
  readonly payloadBytes: number
}

export class Locations {
  /** Index of the first entry held. */
  #first: LogIndex
  #segments: number[] = []
  #offsets: number[] = []
  #sizes: number[] = []

  constructor(base: LogIndex) {
    this.#first = logIndex(base + 1)
  }

  get first(): LogIndex {
    return this.#first
  }

  get last(): LogIndex {
    return logIndex(this.#first + this.#segments.length - 1)
  }

  push(index: LogIndex, location: Location): void {
    assert(index === this.last + 1, `entry ${index} does not follow ${this.last} on disk`)
    this.#segments.push(location.segment)
    this.#offsets.push(location.offset)
    this.#sizes.push(location.payloadBytes)
  }

  at(index: LogIndex): Location {
    const at = index - this.#first
    const segment = this.#segments[at]
    const offset = this.#offsets[at]
    const payloadBytes = this.#sizes[at]
    assert(
      segment !== undefined && offset !== undefined && payloadBytes !== undefined,
      `entry ${index} is not on disk`,
    )
    return { segment, offset, payloadBytes }
  }

  truncateAfter(index: LogIndex): void {
    if (index < this.#first - 1) {
      this.reset(index)
      return
    }
    const kept = index - this.#first + 1
    this.#segments.length = kept
    this.#offsets.length = kept
    this.#sizes.length = kept
  }

  reset(base: LogIndex): void {
    this.#first = logIndex(base + 1)
    this.#segments = []
    this.#offsets = []
    this.#sizes = []
  }

  /** Index of the first entry that stands in `segment` or a later one; one past the last where none does. */
  firstFrom(segment: number): LogIndex {
    let low = 0
    let high = this.#segments.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#segments[middle] ?? 0) < segment) low = middle + 1
      else high = middle
    }
    return logIndex(this.#first + low)
  }

  dropBefore(index: LogIndex): void {
    const dropped = index - this.#first
    if (dropped <= 0) return
    this.#segments.splice(0, dropped)
    this.#offsets.splice(0, dropped)
    this.#sizes.splice(0, dropped)
    this.#first = index
  }
}
