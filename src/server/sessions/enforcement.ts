/**
 * Which proxies enforce which intentions, as their agents acknowledged it to this server or to another: the answer to "did
 * my deny arrive". Counts hosts of the catalog too, so that one whose agent is away shows as a proxy that does not enforce.
 *
 * Acknowledgements are no log entries, so waiting for them has version numbers of its own, made by this server.
 */
import { isDestinationName, trustName } from '../../model/acknowledged.ts'
import { wildcard } from '../../model/intention.ts'
import type { Enforcement } from '../../model/query.ts'
import { meshNameOf } from '../../model/service.ts'
import type { Changes } from '../store/transaction.ts'
import type { View } from '../store/view.ts'
import { type Acknowledged, Acknowledgements } from './acknowledgements.ts'
import { RuleChanges } from './rule-changes.ts'
import { Tally } from './tally.ts'
import { here } from './whereabouts.ts'

interface Followed {
  version: number
  readonly listeners: Set<() => void>
}

export interface EnforcementPorts {
  /** When the rules of a destination last changed; may name a later index where it is not sure. */
  readonly intentionsIndex: (destination: string) => number
  /** The server whose word on a node counts. */
  readonly serverOf: (node: string) => string | undefined
  /**
   * Where version numbers begin: another place in each process, so that one from another server, or from a life before, is
   * never taken for one of ours. A reader who brings it is answered at once.
   */
  readonly firstVersion: number
}

type Listener = (node: string, destination: string) => void

export class EnforcementBook {
  readonly #ports: EnforcementPorts
  /** By server: this one's agents under `here`. */
  readonly #books = new Map<string, Acknowledgements>([[here, new Acknowledgements()]])
  readonly #followed = new Map<string, Followed>()
  readonly #changes = new RuleChanges()
  readonly #listeners: Listener[] = []
  #version: number

  constructor(ports: EnforcementPorts) {
    this.#ports = ports
    this.#version = ports.firstVersion
  }

  /** Called for each row of this server's own agents that changed. */
  onReport(listener: Listener): void {
    this.#listeners.push(listener)
  }

  /** Rows of this server's own agents. */
  get own(): Acknowledgements {
    return this.#bookAt(here)
  }

  /** Replaces what an agent of this server said. False where it speaks of too many destinations. */
  report(node: string, destination: string, indexes: readonly number[]): boolean {
    if (!this.own.put(node, destination, { indexes, known: undefined })) return false
    this.#reported(node, destination)
    return true
  }

  /** The node's session here ended: this server does not know any more what its proxies do. */
  forget(node: string): void {
    for (const destination of [...this.own.destinationsOf(node)]) {
      this.own.remove(node, destination)
      this.#reported(node, destination)
    }
  }

  /** What another server told of one of its agents. */
  told(server: string, node: string, destination: string, acknowledged: Acknowledged): void {
    if (this.#bookAt(server).put(node, destination, acknowledged)) this.#bump(destination)
  }

  /** Another server said that the node left it. */
  left(server: string, node: string): void {
    const book = this.#bookAt(server)
    for (const destination of [...book.destinationsOf(node)]) {
      book.remove(node, destination)
      this.#bump(destination)
    }
  }

  /** Nothing is known any more about the agents of another server. */
  lost(server: string): void {
    const book = this.#books.get(server)
    this.#books.delete(server)
    for (const destination of book?.destinations() ?? []) this.#bump(destination)
  }

  /** The node's agent is at another server now: whose word counts changed. */
  moved(node: string): void {
    for (const book of this.#books.values())
      for (const destination of book.destinationsOf(node)) this.#bump(destination)
  }

  /** Instances or rules changed, so counts may have. */
  committed(changes: Changes): void {
    if (changes.settings || changes.destinations.has(wildcard)) {
      this.#changes.all(changes.index)
      for (const destination of this.#followed.keys()) this.#bump(destination)
      return
    }
    for (const destination of changes.destinations) this.#changes.one(destination, changes.index)
    const concerned = new Set(changes.destinations)
    for (const { topic, key } of changes.instances)
      if (topic === 'mesh-health') concerned.add(key).add(trustName)
    for (const destination of concerned) this.#bump(destination)
  }

  /** Everything may be different. */
  replaced(index: number): void {
    this.#changes.all(index)
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
   * destinations; a `balancedName` those that know of that maintenance, `trustName` those that trust these roots. Yields after each row read.
   */
  *count(view: View, destination: string, index: number): Generator<undefined, Enforcement> {
    const tally = new Tally()
    for (const [server, book] of [...this.#books])
      for (const name of destination === wildcard ? [...book.destinations()] : [destination])
        for (const [node, acknowledged] of book.of(name)) {
          yield
          if (this.#ports.serverOf(node) !== server) continue
          if (destination === wildcard && !isDestinationName(name)) continue
          // A maintenance and roots are acknowledged by their own index, whatever the rules are.
          const wanted = isDestinationName(name) ? this.#wanted(view, name, index, acknowledged) : index
          for (const enforced of acknowledged.indexes) tally.add(node, enforced >= wanted)
        }
    let last = ''
    // Roots are everybody's business.
    for (const { node, service } of view.meshPlaces(destination === trustName ? wildcard : destination)) {
      yield
      const name = destination === trustName ? trustName : meshNameOf(service)
      // Places come by name and node, so several instances of one host follow each other.
      const place = `${name}\u0000${node}`
      if (place === last) continue
      last = place
      if (!this.#isAcknowledged(node, name)) tally.add(node, false)
    }
    return tally.result()
  }

  #isAcknowledged(node: string, destination: string): boolean {
    const server = this.#ports.serverOf(node)
    return server !== undefined && this.#books.get(server)?.get(node, destination) !== undefined
  }

  /** A write that changed nothing has an index that no proxy will ever name: then the last change counts. */
  #wanted(view: View, destination: string, index: number, { known }: Acknowledged): number {
    if (view.index < index) return index
    if (known === undefined) return Math.min(index, this.#ports.intentionsIndex(destination))
    const changed = this.#changes.lastOf(destination)
    return Math.min(index, changed > known.applied ? changed : known.rulesIndex)
  }

  #bookAt(server: string): Acknowledgements {
    const book = this.#books.get(server) ?? new Acknowledgements()
    this.#books.set(server, book)
    return book
  }

  #reported(node: string, destination: string): void {
    this.#bump(destination)
    for (const listener of this.#listeners) listener(node, destination)
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
