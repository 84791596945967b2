/**
 * A regular expression as a program of steps for all ways at once (pattern.ts runs it). Its length is bounded, and so is
 * the work of making it: counted repetitions are written out.
 */
import { limits } from '../limits.ts'
import { FilterMistake } from './mistake.ts'
import type { Assertion, PatternNode } from './pattern-node.ts'

/** `char` and `set` go on to the step behind them. */
export type ProgramStep =
  | { readonly kind: 'char'; readonly code: number }
  | { readonly kind: 'set'; readonly has: (code: number) => boolean }
  | { readonly kind: 'assert'; readonly assertion: Assertion }
  /** Goes on behind itself and at `other`. */
  | { readonly kind: 'split'; readonly other: number }
  | { readonly kind: 'jump'; readonly to: number }
  | { readonly kind: 'found' }

export type Program = readonly ProgramStep[]

/** Throws `FilterMistake` where the program would be too long. */
export function compileProgram(node: PatternNode): Program {
  const writer = new Writer()
  writer.write(node)
  writer.emit({ kind: 'found' })
  return writer.steps
}

class Writer {
  readonly steps: ProgramStep[] = []
  /** Also counts nodes that leave no step: `((){1000}){1000}` is a million visits and nothing else. */
  #work = 0

  emit(step: ProgramStep): number {
    this.#count()
    return this.steps.push(step) - 1
  }

  write(node: PatternNode): void {
    this.#count()
    switch (node.kind) {
      case 'char':
      case 'set':
      case 'assert':
        this.emit(node)
        return
      case 'sequence':
        for (const part of node.parts) this.write(part)
        return
      case 'choice':
        this.#choice(node.options)
        return
      case 'repeat':
        this.#repeat(node)
        return
    }
  }

  #choice(options: readonly PatternNode[]): void {
    const jumps: number[] = []
    options.forEach((option, i) => {
      if (i === options.length - 1) {
        this.write(option)
        return
      }
      const split = this.emit({ kind: 'split', other: 0 })
      this.write(option)
      jumps.push(this.emit({ kind: 'jump', to: 0 }))
      this.steps[split] = { kind: 'split', other: this.steps.length }
    })
    for (const jump of jumps) this.steps[jump] = { kind: 'jump', to: this.steps.length }
  }

  #repeat({ node, min, max }: Extract<PatternNode, { kind: 'repeat' }>): void {
    for (let i = 0; i < min; i++) this.write(node)
    if (max === undefined) {
      const split = this.emit({ kind: 'split', other: 0 })
      this.write(node)
      this.emit({ kind: 'jump', to: split })
      this.steps[split] = { kind: 'split', other: this.steps.length }
      return
    }
    const splits: number[] = []
    for (let i = min; i < max; i++) {
      splits.push(this.emit({ kind: 'split', other: 0 }))
      this.write(node)
    }
    for (const split of splits) this.steps[split] = { kind: 'split', other: this.steps.length }
  }

  #count(): void {
    this.#work++
    if (this.#work > 4 * limits.patternSteps || this.steps.length > limits.patternSteps)
      throw new FilterMistake(0, `it is too large: written out it has more than ${limits.patternSteps} steps`)
  }
}
