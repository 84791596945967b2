// How sure a ratio of two medians is: both samples are drawn anew with replacement many times, and the ratio that so and so
// many of the draws stay below is its upper bound (Efron's percentile bootstrap). The same samples give the same bound.
import { SeededRandom } from '../../simulation/random.ts'
import { median } from '../result.ts'

/** `confidence`: 0.95 for the bound that 95 % of the draws do not exceed. */
export function upperBoundOfRatio(
  ours: readonly number[],
  theirs: readonly number[],
  confidence: number,
  draws = 10_000,
): number {
  const random = new SeededRandom(1)
  const drawn = (values: readonly number[]): number =>
    median(values.map(() => values[Math.floor(random.fraction() * values.length)] ?? Number.NaN))
  const ratios = Array.from({ length: draws }, () => drawn(ours) / drawn(theirs)).sort((a, b) => a - b)
  return ratios[Math.ceil(confidence * draws) - 1] ?? Number.NaN
}
