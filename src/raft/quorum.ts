/**
 * Majorities of the voters, and nothing else. A second, deliberately dumb version in test/properties checks it.
 */
import type { NodeId } from '../model/ids.ts'

export const majorityOf = (voters: number): number => Math.floor(voters / 2) + 1

/** The largest value that a majority has reached; 0 without voters. Sorts a copy: clusters have a handful of voters. */
export function reachedByMajority(values: readonly number[]): number {
  const falling = [...values].sort((a, b) => b - a)
  return falling[majorityOf(values.length) - 1] ?? 0
}

export type Outcome = 'won' | 'lost' | 'open'

/**
 * Counts voters, never replies: a duplicated packet must not elect anybody, and answers of servers that are no voters
 * weigh nothing.
 */
export function electionOutcome(voters: readonly NodeId[], votes: ReadonlyMap<NodeId, boolean>): Outcome {
  let granted = 0
  let refused = 0
  for (const voter of voters) {
    const vote = votes.get(voter)
    if (vote === true) granted += 1
    else if (vote === false) refused += 1
  }
  const needed = majorityOf(voters.length)
  if (granted >= needed) return 'won'
  return voters.length - refused < needed ? 'lost' : 'open'
}
