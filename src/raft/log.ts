/**
 * The core's view of the log: terms of all entries, the newest entries themselves, and how far it is durable,
 * committed and handed to the state machine. Older entries come from the log store, the one thing the core reads.
 * Writing is an effect (effects.ts); nothing here touches a disk.
 */
import { assert } from '../model/errors.ts'
import { type LogIndex, logIndex, type Term } from '../model/ids.ts'
import { type Entry, entryBytes, type LogPosition } from '../model/log-entry.ts'
import { RecentEntries } from './recent.ts'
import type { TermRuns } from './terms.ts'

/** Durable entries on demand. Deterministic: what was persisted, and synchronous. */
export interface LogStore {
  /**
   * Entries from `from` to `to` inclusive, at least one, stopping once `bytesMax` is reached. Asked only for entries
   * that are durable and not compacted; an entry that cannot be read is a broken disk and must throw.
   */
  entries(from: LogIndex, to: LogIndex, bytesMax: number): readonly Entry[]
}

export class RaftLog {
  readonly #terms: TermRuns
  readonly #recent: RecentEntries
  readonly #store: LogStore
  #committed: LogIndex
  #durable: LogIndex
  #applied: LogIndex
  #handedOut: LogIndex

  /** `applied`: the index of the snapshot that the state machine stands at; everything in `terms` is durable. */
  constructor(terms: TermRuns, applied: LogIndex, store: LogStore, recentBytesMax: number) {
    this.#terms = terms
    this.#store = store
    this.#recent = new RecentEntries(logIndex(terms.last.index + 1), recentBytesMax)
    assert(applied >= terms.base.index && applied <= terms.last.index, 'the snapshot touches the log')
    this.#durable = terms.last.index
    this.#committed = applied
    this.#applied = applied
    this.#handedOut = applied
  }

  /** The position right before the first entry that can still be read. */
  get base(): LogPosition {
    return this.#terms.base
  }

  get last(): LogPosition {
    return this.#terms.last
  }

  get committed(): LogIndex {
    return this.#committed
  }

  get durable(): LogIndex {
    return this.#durable
  }

  get applied(): LogIndex {
    return this.#applied
  }

  termAt(index: LogIndex): Term | undefined {
    return this.#terms.at(index)
  }

  matches(position: LogPosition): boolean {
    return this.#terms.at(position.index) === position.term
  }

  /** Whether a log that ends at `position` holds everything committed that this one may hold (Raft paper 5.4.1). */
  isUpToDate(position: LogPosition): boolean {
    const own = this.last
    return position.term > own.term || (position.term === own.term && position.index >= own.index)
  }

  lastAtMost(index: LogIndex, limit: Term): LogPosition {
    return this.#terms.lastAtMost(index, limit)
  }

  append(entry: Entry): void {
    this.#recent.push(entry)
    this.#terms.append(entry.term)
    assert(this.#terms.last.index === entry.index, 'terms and entries stand at the same index')
  }

  /** Removes a suffix that conflicts with the leader's log; never anything committed. */
  truncateAfter(index: LogIndex): void {
    assert(index >= this.#committed, `entry ${index + 1} is committed and would be removed`)
    this.#terms.truncateAfter(index)
    this.#recent.truncateAfter(index)
    this.#durable = logIndex(Math.min(this.#durable, index))
  }

  /** Entries from `from` to `to`, at least one, in one message of about `bytesMax`. */
  slice(from: LogIndex, to: LogIndex, bytesMax: number): readonly Entry[] {
    assert(from > this.base.index && from <= to && to <= this.last.index, `log has no range ${from} to ${to}`)
    const first = this.#recent.first
    if (from < first) return this.#fromStore(from, logIndex(Math.min(to, first - 1)), bytesMax)
    const entries: Entry[] = []
    let bytes = 0
    for (let index = from; index <= to && bytes < bytesMax; index = logIndex(index + 1)) {
      const entry = this.#recent.at(index)
      bytes += entryBytes(entry)
      if (entries.length > 0 && bytes > bytesMax) break
      entries.push(entry)
    }
    return entries
  }

  #fromStore(from: LogIndex, to: LogIndex, bytesMax: number): readonly Entry[] {
    const entries = this.#store.entries(from, to, bytesMax)
    const first = entries[0]
    assert(first !== undefined && first.index === from, `the store gave no entry ${from}`)
    assert(first.term === this.termAt(from), `entry ${from} on disk has another term`)
    return entries
  }

  /** True if it moved. An index beyond the log is cut to the log's end. */
  commitTo(index: LogIndex): boolean {
    const reached = logIndex(Math.min(index, this.last.index))
    if (reached <= this.#committed) return false
    this.#committed = reached
    return true
  }

  durableTo(index: LogIndex): void {
    assert(index <= this.last.index, `entry ${index} is durable but not in the log`)
    if (index > this.#durable) this.#durable = index
    this.#recent.trim(logIndex(Math.min(this.#durable, this.#handedOut)))
  }

  /**
   * The next committed entries for the state machine; empty while the previous ones are not applied. Only entries that
   * are durable here too: what a server applied it never has to forget at a restart.
   */
  takeCommitted(bytesMax: number, entriesMax: number): readonly Entry[] {
    const to = Math.min(this.#committed, this.#durable, this.#applied + entriesMax)
    if (this.#handedOut > this.#applied || to <= this.#applied) return []
    const entries = this.slice(logIndex(this.#applied + 1), logIndex(to), bytesMax)
    this.#handedOut = logIndex(this.#applied + entries.length)
    return entries
  }

  appliedTo(index: LogIndex): void {
    assert(index >= this.#applied && index <= this.#committed, `applied ${index} is not committed`)
    this.#applied = index
    this.#handedOut = logIndex(Math.max(this.#handedOut, index))
    this.#recent.trim(logIndex(Math.min(this.#durable, index)))
  }

  /** The state machine was put at a snapshot inside this log; what was handed out to it is void. */
  skipTo(index: LogIndex): void {
    this.commitTo(index)
    this.appliedTo(index)
    this.#handedOut = index
  }

  /** Forgets entries at or before `index`, which a snapshot covers. */
  compact(index: LogIndex): void {
    assert(index <= this.#applied, `entry ${index} is not applied and would be forgotten`)
    if (index <= this.base.index) return
    this.#terms.compact(index)
    this.#recent.compact(index)
  }

  /** Replaces the whole log by a snapshot at `base`. */
  reset(base: LogPosition): void {
    assert(base.index > this.#committed, 'a snapshot never takes committed entries back')
    this.#terms.reset(base)
    this.#recent.reset(logIndex(base.index + 1))
    this.#committed = base.index
    this.#durable = base.index
    this.#applied = base.index
    this.#handedOut = base.index
  }
}
