/**
 * Which server to try next and how long to wait before it. One server is kept as long as it works; after a failure
 * the next one in this client's own random order, quickly until each was tried once, then with growing pauses (gRPC's
 * connection backoff: 1 s, times 1.6, at most 120 s, 20 % jitter), so that a fleet does not come back as one.
 */
import type { Random } from '../platform/ports.ts'

const quickMs = 100
const firstMs = 1_000
const longestMs = 120_000
const factor = 1.6
const jitter = 0.2

export class ServerList {
  readonly #random: Random
  #order: readonly string[] = []
  #position = 0
  #failures = 0

  constructor(random: Random) {
    this.#random = random
  }

  /** Takes over a changed list; the server in use keeps its turn if it is still there. */
  update(addresses: readonly string[]): void {
    const known = new Set(this.#order)
    if (addresses.length === known.size && addresses.every((address) => known.has(address))) return
    const current = this.current()
    this.#order = shuffle([...new Set(addresses)], this.#random)
    this.#position = Math.max(0, current === undefined ? 0 : this.#order.indexOf(current))
  }

  get size(): number {
    return this.#order.length
  }

  current(): string | undefined {
    return this.#order[this.#position]
  }

  /** Moves on after a failure; milliseconds to wait before trying `current()`. */
  failed(): number {
    this.#failures += 1
    this.#position = this.#order.length === 0 ? 0 : (this.#position + 1) % this.#order.length
    return this.#pauseMs()
  }

  /** Leaves a server that works for the next one. */
  skip(): void {
    this.#position = this.#order.length === 0 ? 0 : (this.#position + 1) % this.#order.length
  }

  /** The connection works: the next failure is a first one again. */
  reset(): void {
    this.#failures = 0
  }

  #pauseMs(): number {
    const round = Math.max(1, this.#order.length)
    const spread = 1 + jitter * (2 * this.#random.fraction() - 1)
    if (this.#failures <= round) return quickMs * spread
    return Math.min(firstMs * factor ** (this.#failures - round - 1), longestMs) * spread
  }
}

/** Fisher and Yates's shuffle. */
function shuffle(items: string[], random: Random): readonly string[] {
  for (let last = items.length - 1; last > 0; last -= 1) {
    const pick = Math.floor(random.fraction() * (last + 1))
    const [a = '', b = ''] = [items[last], items[pick]]
    items[last] = b
    items[pick] = a
  }
  return items
}
