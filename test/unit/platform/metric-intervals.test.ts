// What happens now, without a timer: counters of the interval that just ended.
import { expect, test } from 'vitest'
import { MetricIntervals } from '../../../src/platform/metric-intervals.ts'

const counter = { name: 'mesh_x_total', labels: { a: '1' } }

test('the newest whole interval is shown; before there is one, the running one', () => {
  let nowMs = 50_000
  const intervals = new MetricIntervals(() => nowMs, 10_000)
  intervals.add('x', counter, 3)
  expect(intervals.recent()).toMatchObject({ beganMs: 50_000, counters: [{ updates: 1, sum: 3 }] })
  nowMs = 59_999
  intervals.add('x', counter, 5)
  nowMs = 60_000
  intervals.add('x', counter, 100)
  expect(intervals.recent()).toEqual({
    beganMs: 50_000,
    counters: [{ ...counter, updates: 2, sum: 8, min: 3, max: 5, sumOfSquares: 34 }],
  })
})

test('after a pause the interval that just ended is empty, and old numbers do not come back', () => {
  let nowMs = 50_000
  const intervals = new MetricIntervals(() => nowMs, 10_000)
  intervals.add('x', counter, 3)
  nowMs = 95_000
  expect(intervals.recent()).toEqual({ beganMs: 80_000, counters: [] })
})
