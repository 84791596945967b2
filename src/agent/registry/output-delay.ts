/**
 * Holds back new outputs of checks whose status is the same: a check that prints the time would otherwise write to the
 * catalog at each run. Consul's rule: a random 50 to 100 % of `check_update_interval`.
 */
import type { Clock, Random, Timer } from '../../platform/ports.ts'

export class OutputDelay {
  readonly #clock: Clock
  readonly #random: Random
  readonly #push: (checkId: string) => void
  readonly #waiting = new Map<string, Timer>()
  /** 0: nothing waits. */
  intervalMs: number

  /** `push` is called when the output of a check may go out. */
  constructor(
    ports: { readonly clock: Clock; readonly random: Random },
    intervalMs: number,
    push: (checkId: string) => void,
  ) {
    this.#clock = ports.clock
    this.#random = ports.random
    this.intervalMs = intervalMs
    this.#push = push
  }

  has(checkId: string): boolean {
    return this.#waiting.has(checkId)
  }

  add(checkId: string): void {
    if (this.#waiting.has(checkId)) return
    const push = (): void => {
      this.#waiting.delete(checkId)
      this.#push(checkId)
    }
    if (this.intervalMs === 0) push()
    else {
      const waitMs = this.intervalMs * (0.5 + this.#random.fraction() / 2)
      this.#waiting.set(checkId, this.#clock.after(waitMs, push))
    }
  }

  /** The output goes out with something else, or the check is gone. */
  drop(checkId: string): void {
    this.#waiting.get(checkId)?.cancel()
    this.#waiting.delete(checkId)
  }

  clear(): void {
    for (const timer of this.#waiting.values()) timer.cancel()
    this.#waiting.clear()
  }
}
