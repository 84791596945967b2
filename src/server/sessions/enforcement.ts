/**
 * Which proxies enforce which intentions, as their agents acknowledged it: the answer to "did my deny arrive". Counts
 * hosts of the catalog too, so that one whose agent is away shows as a proxy that does not enforce.
 *
 * Acknowledgements are no log entries, so waiting for them has version numbers of its own, made by this server.
 */
import { wildcard } from '../../model/intention.ts'
import { limits } from '../../model/limits.ts'
import type { Enforcement } from '../../model/query.ts'
import { meshNameOf } from '../../model/service.ts'
import type { Changes } from '../store/transaction.ts'
import type { View } from '../store/view.ts'

const namesShown = 10

interface Followed {
  version: number
  readonly listeners: Set<() => void>
}

export class EnforcementBook {
  /** By destination, then node: the index that each proxy enforces. */
  readonly #acknowledged = new Map<string, Map<string, readonly number[]>>()
  readonly #destinationsOf = new Map<string, Set<string>>()
  readonly #followed = new Map<string, Followed>()
  readonly #intentionsIndex: (destination: string) => number
  #version = 1

  /** `intentionsIndex` tells when the rules of a destination last changed. */
  constructor(intentionsIndex: (destination: string) => number) {
    this.#intentionsIndex = intentionsIndex
  }

  /** Replaces what `node` said about `destination`. False where the node speaks of too many destinations. */
  report(node: string, destination: string, indexes: readonly number[]): boolean {
    if (indexes.length === 0) {
      this.#withdraw(node, destination)
      return true
    }
    const destinations = this.#destinationsOf.get(node) ?? new Set()
    if (!destinations.has(destination) && destinations.size >= limits.subscriptionsPerSession) return false
    this.#destinationsOf.set(node, destinations.add(destination))
    const byNode = this.#acknowledged.get(destination) ?? new Map<string, readonly number[]>()
    this.#acknowledged.set(destination, byNode.set(node, indexes))
    this.#bump(destination)
    return true
  }

  /** The node's session ended: nobody knows any more what its proxies do. */
  forget(node: string): void {
    for (const destination of [...(this.#destinationsOf.get(node) ?? [])]) this.#withdraw(node, destination)
  }

  /** Instances or rules changed, so counts may have. */
  committed(changes: Changes): void {
    if (changes.settings || changes.destinations.has(wildcard)) {
      for (const destination of this.#followed.keys()) this.#bump(destination)
      return
    }
    const concerned = new Set(changes.destinations)
    for (const { topic, key } of changes.instances) if (topic === 'mesh-health') concerned.add(key)
    for (const destination of concerned) this.#bump(destination)
  }

  /** Everything may be different. */
  replaced(): void {
    for (const destination of this.#followed.keys()) this.#bump(destination)
  }

  get newest(): number {
    return this.#version
  }

  /** Grows when a count of `destination` may have changed; for one that nobody follows, with every change. */
  versionOf(destination: string): number {
    return this.#followed.get(destination)?.version ?? this.#version
  }

  /** Calls `listener` at each change of `destination` until stopped. */
  follow(destination: string, listener: () => void): () => void {
    const followed = this.#followed.get(destination) ?? { version: this.#version, listeners: new Set() }
    this.#followed.set(destination, followed)
    followed.listeners.add(listener)
    return () => {
      followed.listeners.delete(listener)
      if (followed.listeners.size === 0 && this.#followed.get(destination) === followed)
        this.#followed.delete(destination)
    }
  }

  /**
   * Counts proxies that enforce the rules of `destination` as of log index `index`; `*` counts those of all
   * destinations. Yields after each row read.
   */
  *count(view: View, destination: string, index: number): Generator<undefined, Enforcement> {
    const tally = new Tally()
    const books =
      destination === wildcard ? [...this.#acknowledged] : this.#bookOf(destination, this.#acknowledged)
    for (const [name, byNode] of books) {
      const wanted = this.#wanted(view, name, index)
      for (const [node, indexes] of byNode) {
        for (const acknowledged of indexes) tally.add(node, acknowledged >= wanted)
        yield
      }
    }
    let last = ''
    for (const { node, service } of view.meshPlaces(destination)) {
      yield
      const name = meshNameOf(service)
      // Places come by name and node, so several instances of one host follow each other.
      const place = `${name}\u0000${node}`
      if (place === last) continue
      last = place
      if (this.#acknowledged.get(name)?.has(node) !== true) tally.add(node, false)
    }
    return tally.result()
  }

  #bookOf<Book>(destination: string, books: ReadonlyMap<string, Book>): readonly [string, Book][] {
    const book = books.get(destination)
    return book === undefined ? [] : [[destination, book]]
  }

  /** A write that changed nothing has an index that no proxy will ever name: then the last change counts. */
  #wanted(view: View, destination: string, index: number): number {
    return view.index < index ? index : Math.min(index, this.#intentionsIndex(destination))
  }

  #withdraw(node: string, destination: string): void {
    const byNode = this.#acknowledged.get(destination)
    if (byNode?.delete(node) !== true) return
    if (byNode.size === 0) this.#acknowledged.delete(destination)
    const destinations = this.#destinationsOf.get(node)
    destinations?.delete(destination)
    if (destinations?.size === 0) this.#destinationsOf.delete(node)
    this.#bump(destination)
  }

  #bump(destination: string): void {
    this.#version++
    for (const name of destination === wildcard ? [wildcard] : [destination, wildcard]) {
      const followed = this.#followed.get(name)
      if (followed === undefined) continue
      followed.version = this.#version
      for (const listener of [...followed.listeners]) listener()
    }
  }
}

class Tally {
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
