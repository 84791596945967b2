/**
 * When a certificate is renewed: the rule for leaves, hosts and servers alike. First attempt uniformly in 50 to 66 % of
 * life, so that hosts booted together spread out and at least a third of life is left when servers are away; after a
 * failure one attempt at a random moment of successive windows, which finds a free signer sooner under a rate limit
 * than exponential waits do (Consul's finding).
 */
import type { Validity } from './certificate.ts'

const firstRenewal = { from: 0.5, to: 0.66 } as const
const windowMs = 30_000
const longestWindowMs = 150_000

/** A certificate that has expired is wanted at once; still spread, because hosts are switched on together. */
const expiredWindowMs = 2_000

/**
 * Wait until the first attempt; where its time has passed, a moment of the next window. `fraction` is uniform in [0,
 * 1).
 */
export function firstRenewalDelayMs(validity: Validity, nowMs: number, fraction: number): number {
  const lifeMs = validity.notAfterMs - validity.notBeforeMs
  const share = firstRenewal.from + (firstRenewal.to - firstRenewal.from) * fraction
  const delayMs = validity.notBeforeMs + lifeMs * share - nowMs
  if (delayMs > 0) return delayMs
  return fraction * (nowMs > validity.notAfterMs ? expiredWindowMs : windowMs)
}

/** Wait until the next attempt after `failures` (at least 1) in a row: 30 s windows that grow to 150 s. */
export function nextAttemptDelayMs(failures: number, fraction: number): number {
  const window = Math.min(windowMs * failures, longestWindowMs)
  return window * (0.1 + 0.9 * fraction)
}
