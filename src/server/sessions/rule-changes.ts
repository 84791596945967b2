/**
 * When the rules of each destination last changed, as this server saw it. What another server said of its agents is judged by
 * it: an acknowledgement of the rules that it knew as the newest is one of the newest still, unless they changed since.
 */
import { limits } from '../../model/limits.ts'

export class RuleChanges {
  readonly #byDestination = new Map<string, number>()
  #ofAll = 0

  one(destination: string, index: number): void {
    // Forgetting makes answers careful, never wrong: everything counts as changed then.
    if (this.#byDestination.size >= limits.ruleChangesKept) this.all(index)
    else this.#byDestination.set(destination, index)
  }

  all(index: number): void {
    this.#byDestination.clear()
    this.#ofAll = index
  }

  /** Log index of the last change that was seen; 0 for none. */
  lastOf(destination: string): number {
    return Math.max(this.#byDestination.get(destination) ?? 0, this.#ofAll)
  }
}
