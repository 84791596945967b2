/**
 * Randomness of this machine behind the `Random` port: kernel bytes for secrets and ids, a cheap fraction for jitter.
 * Tests and the simulator use seeded sources instead.
 */
import { randomBytes } from 'node:crypto'
import type { Random } from './ports.ts'

export const systemRandom: Random = {
  bytes: (length) => new Uint8Array(randomBytes(length)),
  fraction: () => Math.random(),
}
