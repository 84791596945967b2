/**
 * What changed lately on one health topic: a bounded list of (index, subject, instance), by which a stream takes up
 * where it left off. It holds no content: an instance is read from the newest state when it is sent, so a slow reader
 * costs nothing and never gets what is outdated already.
 */
import type { InstanceChange } from '../store/transaction.ts'
import { Queue } from './queue.ts'

export interface JournalEntry {
  readonly index: number
  readonly change: InstanceChange
}

export class Journal {
  readonly #order = new Queue<string>()
  readonly #bySubject = new Map<string, Queue<JournalEntry>>()
  /**
   * For subjects that somebody follows: the last of their own changes that is not here any more. Without it one busy
   * service would push everybody else's cursors out of the journal.
   */
  readonly #forgotten = new Map<string, number>()
  readonly #capacity: number
  #complete = 0

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  /** From now on the subject is kept track of; `lastChange` is an upper bound of when it last changed. */
  follow(key: string, lastChange: number): void {
    const isRecent = this.#bySubject.has(key)
    this.#forgotten.set(key, isRecent ? this.#complete : Math.min(lastChange, this.#complete))
  }

  unfollow(key: string): void {
    this.#forgotten.delete(key)
  }

  append(index: number, change: InstanceChange): void {
    let entries = this.#bySubject.get(change.key)
    if (entries === undefined) {
      entries = new Queue()
      this.#bySubject.set(change.key, entries)
    }
    entries.push({ index, change })
    this.#order.push(change.key)
    if (this.#order.length > this.#capacity) this.#dropOldest()
  }

  /** Changes of one subject after `cursor`, oldest first; undefined where some may be gone. */
  after(key: string, cursor: number): readonly JournalEntry[] | undefined {
    if (cursor < (this.#forgotten.get(key) ?? this.#complete)) return undefined
    const entries = this.#bySubject.get(key)
    if (entries === undefined) return []
    let first = entries.length
    while (first > 0 && (entries.at(first - 1)?.index ?? 0) > cursor) first--
    return entries.from(first)
  }

  /** Forgets everything: changes up to `index` cannot be told one by one. */
  reset(index: number): void {
    this.#order.clear()
    this.#bySubject.clear()
    this.#complete = index
    for (const key of this.#forgotten.keys()) this.#forgotten.set(key, index)
  }

  #dropOldest(): void {
    const key = this.#order.shift()
    const entries = key === undefined ? undefined : this.#bySubject.get(key)
    const oldest = entries?.shift()
    if (key === undefined || entries === undefined || oldest === undefined) return
    this.#complete = oldest.index
    if (this.#forgotten.has(key)) this.#forgotten.set(key, oldest.index)
    if (entries.length === 0) this.#bySubject.delete(key)
  }
}
