/**
 * Lets an answer wait until this server has applied what the leader logged: whoever writes at a server and reads there at
 * once, or asks it for a certificate, finds what was written. The commit is under way here when the leader answers, so this
 * takes no time to speak of; a server that is far behind does not hold its callers up for long.
 */
import { limits } from '../../model/limits.ts'
import type { Clock } from '../../platform/ports.ts'
import type { Store } from '../store/store.ts'

interface Waiting {
  readonly index: number
  readonly done: () => void
  readonly giveUpAtMs: number
}

export class AppliedWaiting {
  readonly #store: Pick<Store, 'view' | 'onCommit' | 'onReplaced'>
  readonly #clock: Pick<Clock, 'after' | 'monotonicMs'>
  /** In order of arrival, so also of giving up. */
  readonly #waiting = new Set<Waiting>()
  /** The same by index: each commit must find its own without a look at all others. */
  readonly #at = new Map<number, Set<Waiting>>()
  #reached: number
  #isTicking: boolean = false

  constructor(
    store: Pick<Store, 'view' | 'onCommit' | 'onReplaced'>,
    clock: Pick<Clock, 'after' | 'monotonicMs'>,
  ) {
    this.#store = store
    this.#clock = clock
    this.#reached = store.view().index
    store.onCommit((view) => this.#advanced(view.index))
    store.onReplaced((view) => this.#advanced(view.index))
  }

  /** Calls `done` once: at once where `index` is applied already, and after a moment in any case. */
  whenApplied(index: number, done: () => void): void {
    if (this.#store.view().index >= index) {
      done()
      return
    }
    const giveUpAtMs = this.#clock.monotonicMs() + limits.appliedWaitMs
    const waiting = { index, done, giveUpAtMs }
    this.#waiting.add(waiting)
    const beside = this.#at.get(index) ?? new Set()
    this.#at.set(index, beside.add(waiting))
    this.#tick()
  }

  /** Entries come one by one, but for those that are no commands and for a snapshot. */
  #advanced(index: number): void {
    const isNext = index === this.#reached + 1
    this.#reached = index
    const reached = isNext ? [index] : [...this.#at.keys()].filter((at) => at <= index)
    for (const at of reached) for (const waiting of [...(this.#at.get(at) ?? [])]) this.#end(waiting)
  }

  #end(waiting: Waiting): void {
    this.#waiting.delete(waiting)
    const beside = this.#at.get(waiting.index)
    beside?.delete(waiting)
    if (beside?.size === 0) this.#at.delete(waiting.index)
    waiting.done()
  }

  #tick(): void {
    if (this.#isTicking || this.#waiting.size === 0) return
    this.#isTicking = true
    this.#clock.after(limits.appliedWaitMs / 4, () => {
      this.#isTicking = false
      const nowMs = this.#clock.monotonicMs()
      for (const waiting of this.#waiting) {
        if (waiting.giveUpAtMs > nowMs) break
        this.#end(waiting)
      }
      this.#tick()
    })
  }
}
