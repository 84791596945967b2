/**
 * The newest entries of the log in memory: all that are not durable yet, and as many durable ones as the byte bound
 * allows, because followers nearly always want those. Older entries are read through the log store (log.ts).
 */
import { assert } from '../model/errors.ts'
import { type LogIndex, logIndex } from '../model/ids.ts'
import { type Entry, entryBytes } from '../model/log-entry.ts'

/** Dropped slots at the front of the array before it is moved: amortizes the move to O(1) per entry. */
const slackSlots = 1_024

export class RecentEntries {
  readonly #bytesMax: number
  #entries: (Entry | undefined)[] = []
  /** Slots at the front that are dropped already. */
  #head = 0
  /** Index of the entry in slot `#head`. */
  #first: LogIndex
  #bytes = 0

  constructor(first: LogIndex, bytesMax: number) {
    this.#first = first
    this.#bytesMax = bytesMax
  }

  /** Index of the oldest entry held; one past the last where there is none. */
  get first(): LogIndex {
    return this.#first
  }

  get #end(): number {
    return this.#first + this.#entries.length - this.#head
  }

  push(entry: Entry): void {
    assert(entry.index === this.#end, `entry ${entry.index} does not follow ${this.#end - 1}`)
    this.#entries.push(entry)
    this.#bytes += entryBytes(entry)
  }

  at(index: LogIndex): Entry {
    const entry = this.#entries[this.#head + index - this.#first]
    assert(index >= this.#first && entry !== undefined, `entry ${index} is not in memory`)
    return entry
  }

  truncateAfter(index: LogIndex): void {
    if (index < this.#first) {
      this.reset(logIndex(index + 1))
      return
    }
    while (this.#end - 1 > index) {
      const entry = this.#entries.pop()
      if (entry !== undefined) this.#bytes -= entryBytes(entry)
    }
  }

  /** Empties the window; the next entry has index `first`. */
  reset(first: LogIndex): void {
    this.#entries = []
    this.#head = 0
    this.#first = first
    this.#bytes = 0
  }

  /** Drops the oldest entries at or below `durable` while the bound is exceeded. */
  trim(durable: LogIndex): void {
    while (this.#bytes > this.#bytesMax && this.#first <= durable) this.#dropFirst()
    if (this.#head > slackSlots && this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head)
      this.#head = 0
    }
  }

  /** Drops everything at or below `index`. */
  compact(index: LogIndex): void {
    while (this.#first <= index && this.#head < this.#entries.length) this.#dropFirst()
  }

  #dropFirst(): void {
    this.#bytes -= entryBytes(this.at(this.#first))
    this.#entries[this.#head] = undefined
    this.#head += 1
    this.#first = logIndex(this.#first + 1)
  }
}
