/**
 * Regular expressions of RE2's syntax, matched in time proportional to text times pattern, whatever both are: all ways
 * through the program are followed at once (K. Thompson, CACM 11(6), 1968; R. Cox, "Regular Expression Matching: the
 * Virtual Machine Approach", 2009), where the engine of JavaScript would try them one after the other.
 */
import { failed, ok, type Result } from '../errors.ts'
import { limits } from '../limits.ts'
import { FilterMistake } from './mistake.ts'
import type { Assertion } from './pattern-node.ts'
import { compileProgram, type Program } from './pattern-program.ts'
import { parsePattern } from './pattern-syntax.ts'

/** True where the pattern is found anywhere in the text. */
export type PatternTest = (text: string) => boolean

export function compilePattern(source: string): Result<PatternTest> {
  if (source.length > limits.patternChars)
    return failed('invalid-filter', `it has ${source.length} characters, the limit is ${limits.patternChars}`)
  try {
    const machine = new Machine(compileProgram(parsePattern(source)))
    return ok((text) => machine.finds(text))
  } catch (error) {
    if (error instanceof FilterMistake) return failed('invalid-filter', error.message)
    throw error
  }
}

/** A set of program steps that is emptied in no time; kept between texts, so that matching allocates nothing. */
class StepSet {
  readonly steps: Uint32Array
  readonly #seen: Uint32Array
  #round = 1
  size = 0

  constructor(capacity: number) {
    this.steps = new Uint32Array(capacity)
    this.#seen = new Uint32Array(capacity)
  }

  /** False where it was in already. */
  add(step: number): boolean {
    if (this.#seen[step] === this.#round) return false
    this.#seen[step] = this.#round
    this.steps[this.size++] = step
    return true
  }

  clear(): void {
    this.size = 0
    this.#round++
    if (this.#round < 0xffff_ffff) return
    this.#seen.fill(0)
    this.#round = 1
  }
}

class Machine {
  readonly #program: Program
  #current: StepSet
  #next: StepSet
  readonly #stack: number[] = []

  constructor(program: Program) {
    this.#program = program
    this.#current = new StepSet(program.length)
    this.#next = new StepSet(program.length)
  }

  finds(text: string): boolean {
    this.#current.clear()
    let before = -1
    for (let here = 0; ; ) {
      const code = text.codePointAt(here) ?? -1
      if (this.#follow(this.#current, 0, before, code)) return true
      if (code < 0) return false
      const width = code > 0xffff ? 2 : 1
      if (this.#consume(code, text.codePointAt(here + width) ?? -1)) return true
      before = code
      here += width
    }
  }

  /** Moves every way over `code`; true where one of them arrived. */
  #consume(code: number, after: number): boolean {
    const current = this.#current
    const next = this.#next
    next.clear()
    for (let i = 0; i < current.size; i++) {
      const step = this.#program[current.steps[i] ?? 0]
      const passes =
        step?.kind === 'char' ? step.code === code : step?.kind === 'set' ? step.has(code) : false
      if (passes && this.#follow(next, (current.steps[i] ?? 0) + 1, code, after)) return true
    }
    this.#current = next
    this.#next = current
    return false
  }

  /** Adds a step and all that follow without consuming anything; true where the end is among them. */
  #follow(set: StepSet, start: number, before: number, after: number): boolean {
    this.#stack.length = 0
    this.#stack.push(start)
    for (let at = this.#stack.pop(); at !== undefined; at = this.#stack.pop()) {
      if (!set.add(at)) continue
      const step = this.#program[at]
      if (step === undefined || step.kind === 'found') return true
      if (step.kind === 'jump') this.#stack.push(step.to)
      else if (step.kind === 'split') this.#stack.push(step.other, at + 1)
      else if (step.kind === 'assert' && holds(step.assertion, before, after)) this.#stack.push(at + 1)
    }
    return false
  }
}

const lineFeed = 10
const underscore = 95

/** `before` and `after` are code points, -1 at the ends of the text. Words are ASCII, as in RE2. */
function holds(assertion: Assertion, before: number, after: number): boolean {
  switch (assertion) {
    case 'text-start':
      return before < 0
    case 'text-end':
      return after < 0
    case 'line-start':
      return before < 0 || before === lineFeed
    case 'line-end':
      return after < 0 || after === lineFeed
    case 'word-edge':
      return isWord(before) !== isWord(after)
    case 'no-word-edge':
      return isWord(before) === isWord(after)
  }
}

const isWord = (code: number): boolean =>
  (code >= 48 && code <= 57) ||
  (code >= 65 && code <= 90) ||
  (code >= 97 && code <= 122) ||
  code === underscore
