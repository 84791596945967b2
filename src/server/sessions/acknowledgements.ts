/**
 * What the agents of one server acknowledged: by destination and node, the index that each proxy enforces. Whose rows count
 * and for what, enforcement.ts decides.
 */
import { limits } from '../../model/limits.ts'

export interface Acknowledged {
  /** One element per proxy. */
  readonly indexes: readonly number[]
  /** What the server of the agent knew when it told this; undefined for agents of this server, which knows itself. */
  readonly known: Known | undefined
}

export interface Known {
  /** Log index at which the rules of the destination had last changed. */
  readonly rulesIndex: number
  /** Log index up to which it knew the state. */
  readonly applied: number
}

export class Acknowledgements {
  readonly #byDestination = new Map<string, Map<string, Acknowledged>>()
  readonly #destinationsOf = new Map<string, Set<string>>()

  /** Replaces what `node` said about `destination`. False where the node speaks of too many destinations. */
  put(node: string, destination: string, acknowledged: Acknowledged): boolean {
    if (acknowledged.indexes.length === 0) {
      this.remove(node, destination)
      return true
    }
    const destinations = this.#destinationsOf.get(node) ?? new Set()
    if (!destinations.has(destination) && destinations.size >= limits.subscriptionsPerSession) return false
    this.#destinationsOf.set(node, destinations.add(destination))
    const byNode = this.#byDestination.get(destination) ?? new Map<string, Acknowledged>()
    this.#byDestination.set(destination, byNode.set(node, acknowledged))
    return true
  }

  /** False where there was nothing. */
  remove(node: string, destination: string): boolean {
    const byNode = this.#byDestination.get(destination)
    if (byNode?.delete(node) !== true) return false
    if (byNode.size === 0) this.#byDestination.delete(destination)
    const destinations = this.#destinationsOf.get(node)
    destinations?.delete(destination)
    if (destinations?.size === 0) this.#destinationsOf.delete(node)
    return true
  }

  get(node: string, destination: string): Acknowledged | undefined {
    return this.#byDestination.get(destination)?.get(node)
  }

  of(destination: string): ReadonlyMap<string, Acknowledged> {
    return this.#byDestination.get(destination) ?? nothing
  }

  destinations(): Iterable<string> {
    return this.#byDestination.keys()
  }

  destinationsOf(node: string): ReadonlySet<string> {
    return this.#destinationsOf.get(node) ?? none
  }
}

const nothing: ReadonlyMap<string, Acknowledged> = new Map()
const none: ReadonlySet<string> = new Set()
