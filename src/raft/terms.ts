/**
 * The term of every entry of the log, kept as runs: terms only grow along a log, so a whole history is a few numbers
 * and neither a conflict search nor an election ever reads the disk.
 * Knows no entries and no storage; log.ts keeps both in step.
 */
import { assert } from '../model/errors.ts'
import { type LogIndex, logIndex, type Term, term } from '../model/ids.ts'
import type { LogPosition } from '../model/log-entry.ts'

/** Entries from `index` on have `term`, up to the start of the next run. */
type Run = { readonly index: LogIndex; readonly term: Term }

export class TermRuns {
  /** First run: the base, the position right before the first entry that is still there. */
  #runs: Run[]
  #last: LogIndex

  constructor(base: LogPosition) {
    this.#runs = [base]
    this.#last = base.index
  }

  get base(): LogPosition {
    return this.#run(0)
  }

  get last(): LogPosition {
    return { index: this.#last, term: this.#run(this.#runs.length - 1).term }
  }

  /** undefined below the base and above the last entry. */
  at(index: LogIndex): Term | undefined {
    if (index < this.base.index || index > this.#last) return undefined
    return this.#run(this.#runAt(index)).term
  }

  append(entryTerm: Term): void {
    const newest = this.#run(this.#runs.length - 1).term
    assert(entryTerm >= newest, `log terms never fall: ${entryTerm} after ${newest}`)
    this.#last = logIndex(this.#last + 1)
    if (entryTerm > newest) this.#runs.push({ index: this.#last, term: entryTerm })
  }

  truncateAfter(index: LogIndex): void {
    assert(index >= this.base.index && index <= this.#last, `cannot cut the log at ${index}`)
    this.#runs.length = this.#runAt(index) + 1
    this.#last = index
  }

  /** Forgets what lies before `index`, which becomes the base. */
  compact(index: LogIndex): void {
    assert(index >= this.base.index && index <= this.#last, `cannot compact the log to ${index}`)
    const at = this.#runAt(index)
    this.#runs.splice(0, at + 1, { index, term: this.#run(at).term })
  }

  /** The last position at or before `index` whose term is at most `limit`; the base where there is none. */
  lastAtMost(index: LogIndex, limit: Term): LogPosition {
    const from = Math.min(index, this.#last)
    if (from <= this.base.index) return this.base
    let at = this.#runAt(logIndex(from))
    if (this.#run(at).term <= limit) return { index: logIndex(from), term: this.#run(at).term }
    while (at > 0 && this.#run(at).term > limit) at -= 1
    const run = this.#run(at)
    // At the base only the base itself is left, whatever its term.
    return run.term > limit ? run : { index: logIndex(this.#run(at + 1).index - 1), term: run.term }
  }

  reset(base: LogPosition): void {
    this.#runs = [base]
    this.#last = base.index
  }

  #run(at: number): Run {
    const run = this.#runs[at]
    assert(run !== undefined, `log has no term run ${at}`)
    return run
  }

  /** Binary search: the run that holds `index`, which must not be below the base. */
  #runAt(index: LogIndex): number {
    let low = 0
    let high = this.#runs.length - 1
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      if (this.#run(middle).index <= index) low = middle
      else high = middle - 1
    }
    return low
  }
}

/** Position before the first entry of a new log. */
export const emptyLog: LogPosition = { index: logIndex(0), term: term(0) }
