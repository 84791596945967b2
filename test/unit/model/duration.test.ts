import { expect, test } from 'vitest'
import { formatDuration, parseDurationMs } from '../../../src/model/duration.ts'

test.each([
  ['120000ms', 120_000],
  ['1m30s', 90_000],
  ['1h', 3_600_000],
  ['1.5h', 5_400_000],
  ['100us', 0.1],
  ['100µs', 0.1],
  ['-5s', -5_000],
  ['.5s', 500],
  ['0', 0],
])('reads %s as Go does', (text, ms) => {
  expect(parseDurationMs(text)).toBeCloseTo(ms, 9)
})

test.each(['', '5', '10', 's', '5 s', '5x', '1m30', 'ms', '1..5s', '--5s', '5s!', 'Infinity', '1e3s'])(
  'refuses %j',
  (text) => {
    expect(parseDurationMs(text)).toBeUndefined()
  },
)

test.each([
  [0, '0s'],
  [1_500, '1.5s'],
  [90_000, '1m30s'],
  [3_600_000, '1h0m0s'],
  [100, '100ms'],
  [0.1, '100µs'],
  [-90_000, '-1m30s'],
  [120_000, '2m0s'],
])('writes %d ms as %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text)
})
