/** How many connections a worker carries, both directions together. Counts only; who is refused says why. */
import { assert } from '../../model/errors.ts'

export class ConnectionBudget {
  readonly max: number
  open = 0
  private onIdle: (() => void) | undefined

  constructor(max: number) {
    this.max = max
  }

  /** False where the limit is reached; else one place is taken until `release`. */
  take(): boolean {
    if (this.open >= this.max) return false
    this.open += 1
    return true
  }

  release(): void {
    assert(this.open > 0, 'a place is released once')
    this.open -= 1
    if (this.open === 0) this.onIdle?.()
  }

  /** Calls back when no connection is open: now, or as soon as it is so. */
  whenIdle(callback: () => void): void {
    this.onIdle = callback
    if (this.open === 0) callback()
  }
}
