/**
 * How long to wait before the next attempt to reach a server: 0.1 s, then 1.6 times more each, up to 120 s, all with
 * 20 % jitter either way. Growth and jitter are gRPC's (its document "connection backoff"); the start is shorter, because
 * a server that restarts is back within a second and several servers are tried in turn.
 */
import type { Random } from '../../platform/ports.ts'

const firstMs = 100
const factor = 1.6
const mostMs = 120_000
const jitter = 0.2

export class Backoff {
  readonly #random: Random
  #attempts = 0

  constructor(random: Random) {
    this.#random = random
  }

  /** The next delay; `atLeastMs` is what the other side asked for. */
  next(atLeastMs = 0): number {
    const delayMs = Math.min(firstMs * factor ** this.#attempts, mostMs)
    this.#attempts += 1
    const spread = 1 - jitter + 2 * jitter * this.#random.fraction()
    // What was asked for is a lower bound, so its jitter only adds.
    return Math.max(delayMs * spread, atLeastMs * (1 + jitter * this.#random.fraction()))
  }

  reset(): void {
    this.#attempts = 0
  }
}
