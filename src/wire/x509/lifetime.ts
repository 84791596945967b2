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

/** No window is longer than this share of what is left of the life: short lives get several attempts too. */
const shareOfRest = 0.25

/**
 * Wait until the first attempt; where its time has passed, a moment of the next window. `fraction` is uniform in [0,
 * 1).
 */
export function firstRenewalDelayMs(validity: Validity, nowMs: number, fraction: number): number {
  const lifeMs = validity.notAfterMs - validity.notBeforeMs
  const share = firstRenewal.from + (firstRenewal.to - firstRenewal.from) * fraction
  const delayMs = validity.notBeforeMs + lifeMs * share - nowMs
  if (delayMs > 0) return delayMs
  return fraction * boundedWindowMs(windowMs, validity.notAfterMs - nowMs)
}

/**
 * Wait until the next attempt after `failures` (at least 1) in a row: 30 s windows that grow to 150 s, shorter where only
 * `restMs` of the certificate's life is left.
 */
export function nextAttemptDelayMs(failures: number, restMs: number, fraction: number): number {
  const window = boundedWindowMs(Math.min(windowMs * failures, longestWindowMs), restMs)
  return window * (0.1 + 0.9 * fraction)
}

function boundedWindowMs(window: number, restMs: number): number {
  return Math.min(window, Math.max(expiredWindowMs, restMs * shareOfRest))
}
