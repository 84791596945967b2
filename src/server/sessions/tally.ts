/** A count of proxies that enforce, and the first few nodes that are waited for. */
import type { Enforcement } from '../../model/query.ts'

const namesShown = 10

export class Tally {
  #enforced = 0
  #total = 0
  readonly #waitingFor = new Set<string>()

  add(node: string, enforces: boolean): void {
    this.#total++
    if (enforces) this.#enforced++
    else if (this.#waitingFor.size < namesShown) this.#waitingFor.add(node)
  }

  result(): Enforcement {
    return { enforced: this.#enforced, total: this.#total, waitingFor: [...this.#waitingFor] }
  }
}
