/** Tells of names whether something has been so for a given time; when that time is over, whoever asked is called once. */
import type { Clock, Timer } from '../../platform/ports.ts'

export class Patience {
  readonly #clock: Pick<Clock, 'after'>
  readonly #lastsMs: number
  readonly #onOver: (name: string) => void
  readonly #running = new Map<string, Timer>()
  readonly #over = new Set<string>()

  constructor(clock: Pick<Clock, 'after'>, lastsMs: number, onOver: (name: string) => void) {
    this.#clock = clock
    this.#lastsMs = lastsMs
    this.#onOver = onOver
  }

  /** It is so now: whether it has been for long enough. The first such word starts the time. */
  hasLasted(name: string): boolean {
    if (this.#over.has(name)) return true
    if (!this.#running.has(name))
      this.#running.set(
        name,
        this.#clock.after(this.#lastsMs, () => {
          this.#running.delete(name)
          this.#over.add(name)
          this.#onOver(name)
        }),
      )
    return false
  }

  /** The time began and is not over. */
  isRunning(name: string): boolean {
    return this.#running.has(name)
  }

  /** It is not so any more. */
  forget(name: string): void {
    this.#over.delete(name)
    this.#running.get(name)?.cancel()
    this.#running.delete(name)
  }

  clear(): void {
    for (const timer of this.#running.values()) timer.cancel()
    this.#running.clear()
    this.#over.clear()
  }
}
