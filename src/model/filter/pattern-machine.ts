/**
 * Runs the program of a regular expression over a text. All ways through it are followed at once, and the sets of steps
 * that this gives are remembered as states with their transitions (K. Thompson, CACM 11(6), 1968), a bounded number of them.
 */
import type { Assertion } from './pattern-node.ts'
import type { Program } from './pattern-program.ts'

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

/** What is known after some text: the steps that wait for more of it, and the kind of its last character. */
interface State {
  readonly waiting: readonly number[]
  /** Stands for all characters that assertions cannot tell apart; -1 at the beginning. */
  readonly before: number
  /** By code point plus one, for the end of the text and ASCII. */
  readonly next: (State | undefined)[]
}

const nothing = { waiting: [], before: -1, next: [] }
/** The pattern was found: whatever follows changes nothing. */
const found: State = { ...nothing }
/** The text ended without it. */
const ended: State = { ...nothing }

/** How many states are remembered at once, and how often all are forgotten before remembering is given up. */
const statesKept = 256
const forgottenAtMost = 2

export class Machine {
  readonly #program: Program
  #current: StepSet
  #next: StepSet
  readonly #stack: number[] = []
  readonly #states = new Map<string, State>()
  #forgotten = 0

  constructor(program: Program) {
    this.#program = program
    this.#current = new StepSet(program.length)
    this.#next = new StepSet(program.length)
  }

  /** Mostly a walk from one remembered state to the next; patterns that have too many of them are followed step by step. */
  finds(text: string): boolean {
    let state = this.#stateOf([0], -1)
    for (let here = 0; ; ) {
      if (this.#forgotten > forgottenAtMost) return this.#follows(text)
      const code = text.codePointAt(here) ?? -1
      const next = state.next[code + 1] ?? this.#advance(state, code)
      if (next === found) return true
      if (next === ended) return false
      state = next
      here += code > 0xffff ? 2 : 1
    }
  }

  /** The state behind `code`, which is -1 at the end of the text. */
  #advance(state: State, code: number): State {
    const next = this.#stateAfter(state, code)
    if (code < 128) state.next[code + 1] = next
    return next
  }

  #stateAfter({ waiting, before }: State, code: number): State {
    const current = this.#current
    current.clear()
    for (const step of waiting) if (this.#follow(current, step, before, code)) return found
    if (code < 0) return ended
    const next = this.#next
    next.clear()
    // The match may also begin behind this character.
    next.add(0)
    for (let i = 0; i < current.size; i++) {
      const step = current.steps[i] ?? 0
      if (this.#passes(step, code)) next.add(step + 1)
    }
    return this.#stateOf([...next.steps.subarray(0, next.size)].sort(ascending), kindOf(code))
  }

  #stateOf(waiting: readonly number[], before: number): State {
    const key = `${before} ${waiting.join(' ')}`
    const known = this.#states.get(key)
    if (known !== undefined) return known
    if (this.#states.size >= statesKept) {
      this.#states.clear()
      this.#forgotten++
    }
    const state: State = { waiting, before, next: [] }
    this.#states.set(key, state)
    return state
  }

  #follows(text: string): boolean {
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
      const step = current.steps[i] ?? 0
      if (this.#passes(step, code) && this.#follow(next, step + 1, code, after)) return true
    }
    this.#current = next
    this.#next = current
    return false
  }

  #passes(at: number, code: number): boolean {
    const step = this.#program[at]
    return step?.kind === 'char' ? step.code === code : step?.kind === 'set' ? step.has(code) : false
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
const space = 32

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

/** One character for all that no assertion tells apart, so that their states are the same. */
const kindOf = (code: number): number => (code === lineFeed ? lineFeed : isWord(code) ? underscore : space)

const ascending = (a: number, b: number): number => a - b
