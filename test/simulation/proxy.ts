/**
 * The little of a host's proxy that enforcement needs: a table of rules per destination, which follows the views after a
 * while, and the report of which index it enforces, sent only once the table is in force.
 */
import type { Views } from '../../src/agent/contract.ts'
import { decide, type IntentionAction } from '../../src/model/intention.ts'
import type { EventBody } from '../../src/model/topic.ts'
import type { SimulatedProcess } from './process.ts'
import type { SeededRandom } from './random.ts'

type Rules = Extract<EventBody, { readonly topic: 'intentions' }>

export interface Table {
  readonly index: number
  readonly rules: Rules
}

const applyMaxMs = 50

export interface ProxyOptions {
  readonly process: SimulatedProcess
  readonly random: SeededRandom
  readonly views: Views
  readonly nowMs: () => number
  readonly onEnforced: (byDestination: ReadonlyMap<string, readonly number[]>) => void
}

export class SimulatedProxy {
  readonly #options: ProxyOptions
  readonly #tables = new Map<string, Table>()
  readonly #droppedMs = new Map<string, number>()
  #destinations: ReadonlySet<string> = new Set()
  #isPlanned: boolean = false

  constructor(options: ProxyOptions) {
    this.#options = options
    options.views.onChange(({ topic }) => {
      if (topic === 'intentions') this.#plan()
    })
  }

  /** Services that this host serves in the mesh. */
  serve(destinations: ReadonlySet<string>): void {
    for (const destination of this.#destinations)
      if (!destinations.has(destination)) this.#droppedMs.set(destination, this.#options.nowMs())
    this.#destinations = destinations
    this.#plan()
  }

  /** When this host last gave the service up, in the world's time. */
  droppedMs(destination: string): number | undefined {
    return this.#droppedMs.get(destination)
  }

  table(destination: string): Table | undefined {
    return this.#tables.get(destination)
  }

  /** What the proxy would do with a call now; without a table it lets nobody in. */
  decision(source: string, destination: string): IntentionAction {
    const table = this.#tables.get(destination)
    if (table === undefined) return 'deny'
    const { rules, defaultAction } = table.rules
    return decide(rules, source, destination, defaultAction).allowed ? 'allow' : 'deny'
  }

  #plan(): void {
    if (this.#isPlanned) return
    this.#isPlanned = true
    const { process, random } = this.#options
    process.after(random.fraction() * applyMaxMs, () => {
      this.#isPlanned = false
      this.#apply()
    })
  }

  #apply(): void {
    for (const destination of [...this.#tables.keys()])
      if (!this.#destinations.has(destination)) this.#tables.delete(destination)
    for (const destination of this.#destinations) {
      const view = this.#options.views.view({ topic: 'intentions', key: destination })
      const [rules] = view?.bodies ?? []
      if (view !== undefined && rules?.topic === 'intentions')
        this.#tables.set(destination, { index: view.index, rules })
    }
    const enforced = Array.from(this.#destinations, (destination): [string, readonly number[]] => [
      destination,
      [this.#tables.get(destination)?.index ?? 0],
    ])
    this.#options.onEnforced(new Map(enforced))
  }
}
