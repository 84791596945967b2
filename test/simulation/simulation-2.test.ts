// The second half of the simulator's seeds; see simulation.test.ts.
import { test } from 'vitest'
import { batches, batchTimeoutMs, runSeeds, seedsPerTest } from './seeds.ts'

test.each(batches(101, 5))(
  `seeds from %i on break no rule (${seedsPerTest} of a minute each)`,
  (first) => {
    runSeeds(first)
  },
  batchTimeoutMs,
)
