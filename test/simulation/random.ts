/**
 * Seeded randomness for tests and the simulator: the same seed gives the same run on every machine.
 * xoshiro128** (Blackman and Vigna, public domain), seeded through splitmix32 so that neighbouring seeds differ at once.
 */
import type { Random } from '../../src/platform/ports.ts'

export class SeededRandom implements Random {
  readonly #state = new Int32Array(4)

  constructor(seed: number) {
    let mixed = seed | 0
    for (let i = 0; i < 4; i += 1) {
      mixed = (mixed + 0x9e3779b9) | 0
      let z = mixed ^ (mixed >>> 16)
      z = Math.imul(z, 0x21f0aaad)
      z ^= z >>> 15
      z = Math.imul(z, 0x735a2d97)
      this.#state[i] = z ^ (z >>> 15)
    }
  }

  /** Uniform 32 bits, unsigned. */
  next(): number {
    const s = this.#state
    const s1 = s[1] ?? 0
    const scrambled = Math.imul(rotate(Math.imul(s1, 5), 7), 9)
    const shifted = s1 << 9
    s[2] = (s[2] ?? 0) ^ (s[0] ?? 0)
    s[3] = (s[3] ?? 0) ^ s1
    s[1] = s1 ^ (s[2] ?? 0)
    s[0] = (s[0] ?? 0) ^ (s[3] ?? 0)
    s[2] = (s[2] ?? 0) ^ shifted
    s[3] = rotate(s[3] ?? 0, 11)
    return scrambled >>> 0
  }

  fraction(): number {
    return this.next() / 0x1_0000_0000
  }

  /** Uniform in [0, below). */
  below(below: number): number {
    return Math.floor(this.fraction() * below)
  }

  /** Uniform in [low, high], both inclusive. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1)
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return probability > 0 && this.fraction() < probability
  }

  pick<Item>(items: readonly Item[]): Item {
    const item = items[this.below(items.length)]
    if (item === undefined) throw new Error('nothing to pick from')
    return item
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.next() & 0xff)
  }

  /** An independent source whose values do not depend on how often this one is used later. */
  fork(): SeededRandom {
    return new SeededRandom(this.next())
  }
}

const rotate = (value: number, by: number): number => (value << by) | (value >>> (32 - by))
