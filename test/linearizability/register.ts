// One key of a key-value store, as the checker's specification: read, write, compare-and-set, delete.
import type { Model, Operation } from './checker.ts'

export type RegisterInput =
  | { readonly kind: 'read' }
  | { readonly kind: 'write'; readonly value: string }
  /** Writes only when the key holds `expected` (null: only when it is absent). */
  | { readonly kind: 'cas'; readonly expected: string | null; readonly value: string }
  | { readonly kind: 'delete' }

export type RegisterOutput =
  | { readonly kind: 'value'; readonly value: string | null }
  | { readonly kind: 'done' }
  | { readonly kind: 'swapped'; readonly swapped: boolean }

export type KeyOperation = Operation<RegisterInput, RegisterOutput>

export const register: Model<string | null, RegisterInput, RegisterOutput> = {
  initial: null,
  step(state, input, output) {
    switch (input.kind) {
      case 'read':
        return output === undefined || (output.kind === 'value' && output.value === state)
          ? { state, pure: true }
          : undefined
      case 'write':
        return { state: input.value, pure: false }
      case 'delete':
        return { state: null, pure: false }
      case 'cas': {
        const swaps = state === input.expected
        if (output !== undefined && !(output.kind === 'swapped' && output.swapped === swaps)) return undefined
        return { state: swaps ? input.value : state, pure: output !== undefined && !swaps }
      }
    }
  },
  describe: (state) => (state === null ? '-' : `=${state}`),
}
