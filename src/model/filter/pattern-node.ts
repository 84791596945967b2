/**
 * A regular expression as a tree, between its text (pattern-syntax.ts) and its program (pattern-program.ts).
 */
import type { CodeSet } from './pattern-class.ts'

export type Assertion = 'text-start' | 'text-end' | 'line-start' | 'line-end' | 'word-edge' | 'no-word-edge'

export type PatternNode =
  | { readonly kind: 'char'; readonly code: number }
  | { readonly kind: 'set'; readonly has: CodeSet }
  | { readonly kind: 'assert'; readonly assertion: Assertion }
  | { readonly kind: 'sequence'; readonly parts: readonly PatternNode[] }
  | { readonly kind: 'choice'; readonly options: readonly PatternNode[] }
  /** `max` undefined: any number. */
  | {
      readonly kind: 'repeat'
      readonly node: PatternNode
      readonly min: number
      readonly max: number | undefined
    }
