// The soak of test/soak in short, with a seed of its own; `node test/soak/run.ts` is the long one.
import { expect, test } from 'vitest'
import { soak } from '../soak/soak.ts'
import { verdictOn } from '../soak/verdict.ts'

test('conversations of every kind, workers killed and replaced: every byte is right and nothing stays behind', async () => {
  const times = { stormMs: 6_000, disturbEveryMs: 1_000, calmMs: 2_000, looks: 2 }
  const report = await soak({ seed: 4_711, ...times, lanes: 12, say: () => {} })
  expect(verdictOn(report)).toEqual([])
  const { outcomes, kills, swaps } = report
  expect([kills > 0, swaps > 0, outcomes.whole > 50, outcomes.reset > 5]).toEqual([true, true, true, true])
}, 90_000)
