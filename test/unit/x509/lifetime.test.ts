// When a certificate is renewed: early enough, spread, and in time for lives of any length.
import { expect, test } from 'vitest'
import { beginningOf } from '../../../src/wire/x509/certificate.ts'
import { firstRenewalDelayMs, nextAttemptDelayMs } from '../../../src/wire/x509/lifetime.ts'

const fractions = [0, 0.1, 0.5, 0.9, 0.999]
const hour = 3_600_000

test('the first attempt lies between 50 and 66 % of life', () => {
  const validity = { notBeforeMs: 1_000, notAfterMs: 1_000 + 72 * hour }
  for (const fraction of fractions) {
    const delayMs = firstRenewalDelayMs(validity, 1_000, fraction)
    expect(delayMs).toBeGreaterThanOrEqual(36 * hour)
    expect(delayMs).toBeLessThanOrEqual(0.66 * 72 * hour)
  }
})

test('a program that starts late in a short life still renews before its end', () => {
  for (const lifeMs of [20_000, 60_000, hour])
    for (const fraction of fractions) {
      const nowMs = lifeMs * 0.7
      const delayMs = firstRenewalDelayMs({ notBeforeMs: 0, notAfterMs: lifeMs }, nowMs, fraction)
      expect(nowMs + delayMs).toBeLessThan(lifeMs)
    }
})

test('failures leave room for several attempts, however short the life', () => {
  for (const lifeMs of [60_000, 600_000, 72 * hour]) {
    let nowMs = lifeMs * 0.66
    let attempts = 0
    while (nowMs < lifeMs) {
      attempts += 1
      nowMs += nextAttemptDelayMs(attempts, lifeMs - nowMs, 0.999)
    }
    expect(attempts).toBeGreaterThan(4)
  }
})

test('windows grow to 150 s and no further, and an expired certificate is asked for within two seconds', () => {
  expect(nextAttemptDelayMs(1, hour, 0.999)).toBeLessThanOrEqual(30_000)
  expect(nextAttemptDelayMs(100, hour, 0.999)).toBeLessThanOrEqual(150_000)
  expect(nextAttemptDelayMs(100, -5, 0.999)).toBeLessThanOrEqual(2_000)
  expect(firstRenewalDelayMs({ notBeforeMs: 0, notAfterMs: hour }, 2 * hour, 0.999)).toBeLessThanOrEqual(
    2_000,
  )
})

test('a fresh certificate holds for a clock an hour behind a signer that is as much ahead', () => {
  const nowMs = 1_000 * hour
  for (const lifeMs of [20 * hour, 72 * hour, 720 * hour])
    expect(beginningOf(nowMs + hour, lifeMs)).toBeLessThanOrEqual(nowMs - hour)
})

test('however early it begins, a fresh certificate of an hour or more is not due for renewal at once', () => {
  const nowMs = 1_000 * hour
  for (const lifeMs of [hour, 2 * hour, 24 * hour, 72 * hour]) {
    const validity = { notBeforeMs: beginningOf(nowMs, lifeMs), notAfterMs: nowMs + lifeMs }
    expect(firstRenewalDelayMs(validity, nowMs, 0)).toBeGreaterThanOrEqual(0.4 * lifeMs)
  }
})
