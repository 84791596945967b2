// The simulator: seeds that must break no rule, and the simulator's own promises. The other half of the seeds is in
// simulation-2.test.ts, so that two workers share them.
import { expect, test } from 'vitest'
import { drawKnobs } from './knobs.ts'
import { batches, batchTimeoutMs, runSeed, runSeeds, seedsPerTest } from './seeds.ts'
import { simulate } from './simulation.ts'

test('a seed gives the same run again, and recording changes nothing', () => {
  const first = simulate(drawKnobs(5))
  const again = simulate(drawKnobs(5))
  const recorded = simulate(drawKnobs(5), true)
  expect(first.violation).toBeUndefined()
  expect([again.hash, recorded.hash]).toEqual([first.hash, first.hash])
  expect([again.events, again.acknowledged]).toEqual([first.events, first.acknowledged])
  expect(recorded.lines).toHaveLength(200)
  expect(simulate(drawKnobs(6)).hash).not.toBe(first.hash)
})

test('without faults a cluster takes every write', () => {
  const changes = { faults: new Set<never>(), servers: 3, agents: 2, durationMs: 10_000, writesPerSecond: 20 }
  const { acknowledged, unknown, simulatedMs } = runSeed(1, changes)
  expect(acknowledged).toBeGreaterThan(100)
  expect(unknown).toBe(0)
  expect(simulatedMs).toBeGreaterThan(10_000)
})

test.each(batches(1, 5))(
  `seeds from %i on break no rule (${seedsPerTest} of a minute each)`,
  (first) => {
    runSeeds(first)
  },
  batchTimeoutMs,
)
