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
  #isTicking: boolean = false

  constructor(
    store: Pick<Store, 'view' | 'onCommit' | 'onReplaced'>,
    clock: Pick<Clock, 'after' | 'monotonicMs'>,
  ) {
    this.#store = store
    this.#clock = clock
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
    this.#waiting.add({ index, done, giveUpAtMs })
    this.#tick()
  }

  #advanced(index: number): void {
    for (const waiting of this.#waiting)
      if (waiting.index <= index) {
        this.#waiting.delete(waiting)
        waiting.done()
      }
  }

  #tick(): void {
    if (this.#isTicking || this.#waiting.size === 0) return
    this.#isTicking = true
    this.#clock.after(limits.appliedWaitMs / 4, () => {
      this.#isTicking = false
      const nowMs = this.#clock.monotonicMs()
      for (const waiting of this.#waiting) {
        if (waiting.giveUpAtMs > nowMs) break
        this.#waiting.delete(waiting)
        waiting.done()
      }
      this.#tick()
    })
  }
}
