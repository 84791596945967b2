// That planted bugs can still be planted, and that planting one makes runs fail. All of them: npm run sim:planted.
import { expect, test } from 'vitest'
import { textsOf } from '../run/patch.ts'
import { listedBugs } from './bugs.ts'
import { Controls, hunt } from './hunt.ts'
import { drawMutations, mutated } from './mutations.ts'
import { ownBugs } from './own-bugs.ts'

const bugs = [...listedBugs, ...ownBugs]

test('there are thirty planted bugs, and each changes text that is in the code exactly once', () => {
  expect(new Set(bugs.map(({ name }) => name)).size).toBe(30)
  for (const { name, patches } of bugs)
    for (const { text } of textsOf(patches)) expect(text.length, name).toBeGreaterThan(0)
})

test('a patch that does not fit is refused', () => {
  const patch = { file: 'raft/quorum.ts', find: 'voters', put: 'others' }
  expect(() => textsOf([patch])).toThrow('instead of once')
  expect(() => textsOf([{ ...patch, find: 'nothing like this' }])).toThrow('has 0 times')
})

test('a planted bug is found by a checker, on a seed that is clean without it', async () => {
  const bug = listedBugs.find(({ name }) => name === 'acknowledged before sync')
  const options = { threads: 1, firstSeed: 2, seedsMost: 5, withinCpuMs: 60_000, runTimeoutMs: 60_000 }
  const { kill } = await hunt(textsOf(bug?.patches ?? []), new Controls(options.runTimeoutMs), options)
  expect(['commit-by-majority', 'forgotten-entries']).toContain(kill?.finding.rule)
})

test.each([
  ['salt', 'server/consensus/set-up.ts', 'salt: salt === 0 ? 1 : salt', 'salt: 1'],
  [
    'recovery',
    'server/consensus/forced-recovery.ts',
    "if (entry.kind === 'command') stateMachine.apply(entry.index, entry.data)",
    '',
  ],
  ['log-on-disk', 'server/consensus/driver.ts', 'wal.entries(from, to, bytesMax)', 'undefined'],
])('what no client ever notices is found too: %s', async (rule, file, find, put) => {
  const options = { threads: 1, firstSeed: 1, seedsMost: 5, withinCpuMs: 60_000, runTimeoutMs: 60_000 }
  const { kill } = await hunt(textsOf([{ file, find, put }]), new Controls(options.runTimeoutMs), options)
  expect(kill?.finding.rule).toBe(rule)
})

test('random mutations are different programs, the same for the same seed', () => {
  const mutations = drawMutations(3, 40)
  expect(mutations).toEqual(drawMutations(3, 40))
  expect(new Set(mutations.map(mutated)).size).toBe(40)
  expect(new Set(mutations.map(({ kind }) => kind))).toEqual(new Set(['negate', 'drop', 'off by one']))
})
