// The bound by which `npm run bench -- detect` judges: it must know how little a few wide samples say.
import { expect, test } from 'vitest'
import { upperBoundOfRatio } from '../../bench/detect/bootstrap.ts'
import { SeededRandom } from '../../simulation/random.ts'

const draws = 1_000
const boundOf = (ours: readonly number[], theirs: readonly number[]): number =>
  upperBoundOfRatio(ours, theirs, 0.95, draws)

const spread = (seed: number, low: number, high: number, count: number): readonly number[] => {
  const random = new SeededRandom(seed)
  return Array.from({ length: count }, () => random.between(low, high))
}

test('samples without any spread have the ratio itself as their bound', () => {
  expect(boundOf([600, 600, 600], [500, 500, 500])).toBeCloseTo(1.2)
})

test('the bound is above the ratio, and comes nearer with more samples', () => {
  const bound = (count: number): number =>
    boundOf(spread(1, 5_000, 7_000, count), spread(2, 5_000, 7_000, count))
  expect(bound(10)).toBeGreaterThan(bound(60))
  expect(bound(60)).toBeGreaterThan(1)
  expect(bound(60)).toBeLessThan(1.15)
})

test('what is truly slower is seen, and the same samples give the same bound', () => {
  const [slow, fast] = [spread(3, 6_500, 7_500, 20), spread(4, 5_000, 6_000, 20)]
  expect(boundOf(slow, fast)).toBeGreaterThan(1.2)
  expect(boundOf(slow, fast)).toBe(boundOf(slow, fast))
  expect(boundOf(fast, slow)).toBeLessThan(0.9)
})

test('about nineteen of twenty bounds hold', () => {
  let held = 0
  // Both sides have the same true median, so the true ratio is 1.
  for (let seed = 1; seed <= 40; seed += 1)
    if (boundOf(spread(seed, 0, 1_000, 15), spread(seed + 1_000, 0, 1_000, 15)) >= 1) held += 1
  expect(held).toBeGreaterThanOrEqual(34)
})
