// The gossip simulator in small: some random pools without a violation, the same seed twice, bugs that must be found, and
// figures that must be reached. The large runs are `npm run sim -- --swim`.
import { expect, test } from 'vitest'
import { textsOf } from '../run/patch.ts'
import { swimBugs } from './bugs.ts'
import { dissemination, healing, quietHours } from './experiments.ts'
import { plainRules } from './plain.ts'
import { falseDeathsBeside, stallScenarios } from './stalls.ts'
import { runSeed } from './swarm.ts'
import { SwimThread } from './threads.ts'

const judged = stallScenarios.find(({ isJudged }) => isJudged) ?? expect.fail()

test('random pools keep all rules, and a seed always gives the same run', () => {
  for (let seed = 1; seed <= 12; seed += 1) expect(runSeed(seed)).toMatchObject({ violations: [] })
  expect(runSeed(3).delivered).toBe(runSeed(3).delivered)
})

test('patches of planted bugs and of memberlist’s rules fit the code', () => {
  for (const { patch } of swimBugs) expect(textsOf([patch])).toHaveLength(1)
  expect(textsOf(plainRules)).toHaveLength(4)
  expect(swimBugs.length).toBeGreaterThanOrEqual(12)
})

test('a planted bug is found', async () => {
  const bug = swimBugs.find(({ name }) => name === 'dead beats newer alive') ?? expect.fail()
  const thread = new SwimThread(textsOf([bug.patch]))
  const outcome = await thread.run('seed', { seed: 1 }, 30_000)
  await thread.end()
  expect(outcome).toMatchObject({ ok: true })
  expect(outcome.ok && outcome.result.violations.length).toBeGreaterThan(0)
})

test('99 % of 200 members know a change within 2 s although every tenth packet is lost', () => {
  const { timesMs } = dissemination(1, 200, 0.1, 10)
  expect(timesMs).toHaveLength(10)
  expect(timesMs.at(-1)).toBeLessThanOrEqual(2_000)
})

test('nobody is buried alive in an hour with 5 % loss', () => {
  expect(quietHours(1, 30, 0.05, 1)).toEqual({ occasions: 0, beliefs: 0 })
})

test('with members whose messages wait, awareness saves most of the others', () => {
  const stalls = { ...judged.stalls, members: 60, stalling: 6, minutes: 4 }
  const off = falseDeathsBeside(1, stalls, { isAware: false, isPatient: true })
  const on = falseDeathsBeside(1, stalls, { isAware: true, isPatient: true })
  expect(off.occasions).toBeGreaterThan(40)
  expect(on.occasions * 10).toBeLessThan(off.occasions)
})

test('with processes that stand still, awareness saves most of the others', () => {
  const stalls = { ...judged.stalls, what: 'process', pauseMs: [1, 1], minutes: 4 } as const
  const off = falseDeathsBeside(1, stalls, { isAware: false, isPatient: false })
  const on = falseDeathsBeside(1, stalls, { isAware: true, isPatient: false })
  expect(off.occasions).toBeGreaterThan(20)
  expect(on.occasions * 5).toBeLessThan(off.occasions)
})

test('a pool of 100 that was split is whole again within two minutes', () => {
  expect(healing(1, 100, false).healedMs).toBeLessThanOrEqual(120_000)
})
