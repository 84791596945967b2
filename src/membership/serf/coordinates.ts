/**
 * Where members are in the space of round trips: our own place, learned from probes, and the last that each member told.
 * Answers `rtt` and orders servers by nearness.
 */
import { distance } from '../../model/coordinate.ts'
import type { NetworkCoordinate } from '../../model/serf-message.ts'
import { isUsable } from '../../swim/serf/coordinate.ts'
import { Vivaldi } from '../../swim/serf/vivaldi.ts'
import { decodeCoordinate, encodeCoordinate } from '../../wire/gossip/serf-coordinate.ts'

export class Coordinates {
  readonly #self: string
  readonly #vivaldi: Vivaldi
  /** Bounded by the members of the pool. */
  readonly #known = new Map<string, NetworkCoordinate>()

  constructor(self: string, random: () => number) {
    this.#self = self
    this.#vivaldi = new Vivaldi(random)
  }

  /** What answers to pings carry. */
  payload(): Uint8Array {
    return encodeCoordinate(this.#vivaldi.coordinate)
  }

  /** One round trip with what came back. False: nothing was learned. */
  observe(node: string, roundTripMs: number, payload: Uint8Array): boolean {
    const other = decodeCoordinate(payload)
    if (other === undefined || !isUsable(other)) return false
    this.#known.set(node, other)
    return this.#vivaldi.observe(node, other, roundTripMs / 1_000)
  }

  of(node: string): NetworkCoordinate | undefined {
    return node === this.#self ? this.#vivaldi.coordinate : this.#known.get(node)
  }

  /** Expected round trip between two members; undefined where one of them has told nothing yet. */
  roundTripMs(a: string, b: string): number | undefined {
    const from = this.of(a)
    const to = this.of(b)
    if (from === undefined || to === undefined) return undefined
    return distance(from, to) * 1_000
  }

  forget(node: string): void {
    this.#known.delete(node)
    this.#vivaldi.forget(node)
  }
}
