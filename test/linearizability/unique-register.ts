// The register again, for histories in which every value is written by one operation only. Then a value that was overwritten
// never comes back, so an order in which somebody still has to see it is dead at once; and writes of unknown outcome that
// nobody saw differ in nothing but when they began, so they are tried in that order alone. Both leave out only what cannot
// succeed; without them the search grows with every subset of the writes of unknown outcome.
import { assert } from '../../src/model/errors.ts'
import type { Model } from './checker.ts'
import type { KeyOperation, RegisterInput, RegisterOutput } from './register.ts'

interface State {
  readonly value: string | null
  /** Observations of the value so far. */
  readonly observed: number
  /** Writes of unknown outcome without observation so far. */
  readonly unseen: number
}

/** How often each value was observed: read, or found by a swap that went well. */
export function observations(operations: readonly KeyOperation[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  const add = (value: string | null): void => {
    if (value !== null) counts.set(value, (counts.get(value) ?? 0) + 1)
  }
  for (const { input, output } of operations) {
    if (output?.kind === 'value') add(output.value)
    else if (input.kind === 'cas' && output?.kind === 'swapped' && output.swapped) add(input.expected)
  }
  return counts
}

/** Whether nobody observed what this operation writes; false for operations that write nothing. */
export function isUnseen(input: RegisterInput, observed: ReadonlyMap<string, number>): boolean {
  return (input.kind === 'write' || input.kind === 'cas') && !observed.has(input.value)
}

export function uniqueRegister(
  operations: readonly KeyOperation[],
  observed: ReadonlyMap<string, number>,
): Model<State, RegisterInput, RegisterOutput> {
  const ranks = new Map<string, number>()
  const values = new Set<string>()
  for (const { input, output } of [...operations].sort((a, b) => a.calledAt - b.calledAt)) {
    if (input.kind !== 'write' && input.kind !== 'cas') continue
    assert(!values.has(input.value), 'each value is written by one operation')
    values.add(input.value)
    if (output === undefined && input.kind === 'write' && isUnseen(input, observed))
      ranks.set(input.value, ranks.size)
  }
  /** The state after the value was replaced, or undefined where somebody has yet to observe it. */
  const replaced = (state: State, value: string | null): State | undefined => {
    if (state.value !== null && state.observed < (observed.get(state.value) ?? 0)) return undefined
    return { ...state, value, observed: 0 }
  }
  const changed = (state: State | undefined): { state: State; pure: boolean } | undefined =>
    state === undefined ? undefined : { state, pure: false }
  return {
    initial: { value: null, observed: 0, unseen: 0 },
    step(state, input, output) {
      switch (input.kind) {
        case 'read':
          if (output?.kind !== 'value' || output.value !== state.value) return undefined
          return { state: { ...state, observed: state.observed + 1 }, pure: true }
        case 'write': {
          const rank = ranks.get(input.value)
          if (rank === undefined) return changed(replaced(state, input.value))
          return rank === state.unseen
            ? changed(replaced({ ...state, unseen: state.unseen + 1 }, input.value))
            : undefined
        }
        case 'delete':
          return changed(replaced(state, null))
        case 'cas': {
          const swaps = state.value === input.expected
          if (output === undefined) return swaps ? changed(replaced(state, input.value)) : undefined
          if (output.kind !== 'swapped' || output.swapped !== swaps) return undefined
          if (!swaps) return { state, pure: true }
          return changed(replaced({ ...state, observed: state.observed + 1 }, input.value))
        }
      }
    },
    // How often a value was observed and how many writes were unseen follows from the operations done.
    describe: ({ value }) => (value === null ? '-' : `=${value}`),
  }
}
