// The arithmetic of majorities and the run-length term history, each against a second version that is too simple to be
// wrong.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { logIndex, type NodeId, nodeId, term } from '../../src/model/ids.ts'
import { electionOutcome, majorityOf, reachedByMajority } from '../../src/raft/quorum.ts'
import { TermRuns } from '../../src/raft/terms.ts'

/** Tries every value: the highest that more than half of the voters have. */
function dumbReached(values: readonly number[]): number {
  let best = 0
  for (const candidate of values) {
    let count = 0
    for (const value of values) if (value >= candidate) count += 1
    if (count * 2 > values.length && candidate > best) best = candidate
  }
  return best
}

test('the index that a majority has reached is the one that counting finds', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 20 }), { maxLength: 9 }), (values) => {
      expect(reachedByMajority(values)).toBe(dumbReached(values))
    }),
    { numRuns: 5_000 },
  )
})

/** Every way in which the missing votes could still come. */
function dumbOutcome(voters: readonly NodeId[], votes: ReadonlyMap<NodeId, boolean>): string {
  const open = voters.filter((voter) => !votes.has(voter))
  const ends = new Set<boolean>()
  for (let bits = 0; bits < 2 ** open.length; bits += 1) {
    const yes = voters.filter((voter) => votes.get(voter) ?? ((bits >> open.indexOf(voter)) & 1) === 1)
    ends.add(yes.length * 2 > voters.length)
  }
  if (ends.size === 2) return 'open'
  return ends.has(true) ? 'won' : 'lost'
}

test('an election is decided exactly when no further vote can change it', () => {
  const names = Array.from({ length: 7 }, (_, at) => nodeId(`n${at}`))
  const vote = fc.option(fc.boolean(), { nil: undefined })
  fc.assert(
    fc.property(fc.nat({ max: 7 }), fc.array(vote, { minLength: 7, maxLength: 7 }), (count, given) => {
      const votes = new Map<NodeId, boolean>()
      names.forEach((name, at) => {
        const answer = given[at]
        if (answer !== undefined) votes.set(name, answer)
      })
      const voters = names.slice(0, count)
      expect(electionOutcome(voters, votes)).toBe(dumbOutcome(voters, votes))
    }),
    { numRuns: 5_000 },
  )
})

test('two majorities always share a voter', () => {
  for (let voters = 1; voters <= 16; voters += 1) expect(majorityOf(voters) * 2).toBeGreaterThan(voters)
})

test('term runs answer like a plain list of terms', () => {
  const action = fc.oneof(
    fc.record({ kind: fc.constant('append' as const), by: fc.nat({ max: 3 }) }),
    fc.record({ kind: fc.constant('truncate' as const), by: fc.nat({ max: 6 }) }),
    fc.record({ kind: fc.constant('compact' as const), by: fc.nat({ max: 4 }) }),
  )
  fc.assert(
    fc.property(
      fc.array(action, { maxLength: 60 }),
      fc.nat({ max: 70 }),
      fc.nat({ max: 40 }),
      (actions, at, most) => {
        const runs = new TermRuns({ index: logIndex(0), term: term(0) })
        /** Terms by index; index 0 is before the first entry. */
        let list = [0]
        let base = 0
        for (const { kind, by } of actions) {
          const last = list.length - 1
          if (kind === 'append') {
            list.push((list[last] ?? 0) + Math.max(0, by - 1))
            runs.append(term(list[last + 1] ?? 0))
          } else if (kind === 'truncate') {
            const to = Math.max(base, last - by)
            list = list.slice(0, to + 1)
            runs.truncateAfter(logIndex(to))
          } else {
            base = Math.min(last, base + by)
            runs.compact(logIndex(base))
          }
        }
        expect(runs.last).toEqual({ index: list.length - 1, term: list[list.length - 1] })
        expect(runs.base).toEqual({ index: base, term: list[base] })
        expect(runs.at(logIndex(at))).toBe(at < base ? undefined : list[at])
        let from = Math.min(at, list.length - 1)
        while (from > base && (list[from] ?? 0) > most) from -= 1
        from = Math.max(from, base)
        expect(runs.lastAtMost(logIndex(at), term(most))).toEqual({ index: from, term: list[from] })
      },
    ),
    { numRuns: 2_000 },
  )
})
