/** One number for a range of the log, equal on servers whose entries are: SHA-256 over position, kind and bytes of each. */
import { createHash } from 'node:crypto'
import { type LogIndex, logIndex } from '../../model/ids.ts'
import type { Entry } from '../../model/log-entry.ts'

export class LogHash {
  readonly to: LogIndex
  readonly #hash = createHash('sha256')
  #next: LogIndex

  constructor(from: LogIndex, to: LogIndex) {
    this.#next = from
    this.to = to
  }

  /** The first entry that is still missing. */
  get next(): LogIndex {
    return this.#next
  }

  /** The digest once the last entry is in. */
  take(entries: readonly Entry[]): string | undefined {
    for (const { index, term, kind, data } of entries) {
      this.#hash.update(`${index} ${term} ${kind} ${data.length}\n`)
      this.#hash.update(data)
      this.#next = logIndex(index + 1)
    }
    return this.#next > this.to ? this.#hash.digest('hex') : undefined
  }
}
