/**
 * Reads regular expressions of RE2's syntax (google/re2, doc/syntax.txt; Go's regexp/syntax): what backtracking engines
 * have beyond it (looking around, back references) is refused by name. Groups capture nothing: a filter only asks whether
 * there is a match, which also makes greedy and lazy the same.
 */
import { limits } from '../limits.ts'
import { FilterMistake, shown } from './mistake.ts'
import {
  type CodeSet,
  casesOf,
  complementOf,
  quick,
  rangeSet,
  unionOf,
  withoutCase,
} from './pattern-class.ts'
import { PatternCursor } from './pattern-cursor.ts'
import type { PatternNode } from './pattern-node.ts'

/** Throws `FilterMistake`; positions are those of the pattern. */
export function parsePattern(source: string): PatternNode {
  const parser = new PatternParser(source)
  const node = parser.choice(0)
  if (!parser.isDone) throw new FilterMistake(0, 'a ")" closes nothing')
  return node
}

const lineFeed = 10
const anyButLineFeed = complementOf(rangeSet(lineFeed, lineFeed))

interface Flags {
  readonly ignoreCase: boolean
  readonly manyLines: boolean
  readonly dotAll: boolean
}

class PatternParser {
  readonly #cursor: PatternCursor
  #flags: Flags = { ignoreCase: false, manyLines: false, dotAll: false }

  constructor(source: string) {
    this.#cursor = new PatternCursor(source)
  }

  get isDone(): boolean {
    return this.#cursor.isAtEnd
  }

  /** Alternatives up to the end or a closing parenthesis; flags set inside end with it. */
  choice(depth: number): PatternNode {
    if (depth > limits.patternDepth)
      throw new FilterMistake(0, `its groups are nested more than ${limits.patternDepth} deep`)
    const flags = this.#flags
    const options = [this.#sequence(depth)]
    while (this.#cursor.take('|')) options.push(this.#sequence(depth))
    this.#flags = flags
    const [only] = options
    return options.length === 1 && only !== undefined ? only : { kind: 'choice', options }
  }

  #sequence(depth: number): PatternNode {
    const cursor = this.#cursor
    const parts: PatternNode[] = []
    while (!cursor.isAtEnd && !cursor.isAt('|') && !cursor.isAt(')')) {
      if (cursor.take('\\Q')) {
        const quoted = [...cursor.upTo('\\E')].map((char) => this.#literal(char.codePointAt(0) ?? 0))
        const last = quoted.pop()
        parts.push(...quoted, ...(last === undefined ? [] : [this.#repeated(last)]))
        continue
      }
      const found = this.#atom(depth)
      if (found !== undefined) parts.push(this.#repeated(found))
    }
    return { kind: 'sequence', parts }
  }

  /** One thing that can be repeated; undefined for a mere change of flags. */
  #atom(depth: number): PatternNode | undefined {
    const cursor = this.#cursor
    if (cursor.isAt('(')) return this.#group(depth)
    if (cursor.isAt('[')) return this.#set(cursor.readClass())
    if (cursor.isAt('\\')) return this.#escape()
    if (cursor.repeatAhead())
      throw new FilterMistake(
        0,
        `there is nothing in front of ${shown(cursor.readChar())} that could be repeated`,
      )
    const char = cursor.readChar()
    const { dotAll, manyLines } = this.#flags
    if (char === '.') return { kind: 'set', has: dotAll ? () => true : anyButLineFeed }
    if (char === '^') return { kind: 'assert', assertion: manyLines ? 'line-start' : 'text-start' }
    if (char === '$') return { kind: 'assert', assertion: manyLines ? 'line-end' : 'text-end' }
    return this.#literal(char.codePointAt(0) ?? 0)
  }

  #group(depth: number): PatternNode | undefined {
    const cursor = this.#cursor
    const flags = this.#flags
    const opening = cursor.readGroup()
    if (opening.flags !== undefined) this.#flags = withFlags(flags, opening.flags)
    if (opening.isFlagsOnly) return undefined
    const inner = this.choice(depth + 1)
    this.#flags = flags
    if (!cursor.take(')')) throw new FilterMistake(0, 'a "(" is never closed')
    return inner
  }

  #repeated(node: PatternNode): PatternNode {
    const cursor = this.#cursor
    if (!cursor.repeatAhead()) return node
    const { min, max } = cursor.readRepeat()
    cursor.take('?')
    if (cursor.repeatAhead())
      throw new FilterMistake(
        0,
        `repetition of a repetition at ${shown(cursor.readChar())}: put (?: ) around the inner one`,
      )
    return { kind: 'repeat', node, min, max }
  }

  #escape(): PatternNode {
    const found = this.#cursor.readEscape()
    switch (found.kind) {
      case 'assert':
        return found
      case 'char':
        return this.#literal(found.code)
      case 'set':
        return this.#set(found.has)
    }
  }

  #literal(code: number): PatternNode {
    const cases = this.#flags.ignoreCase ? casesOf(code) : []
    if (cases.length === 0) return { kind: 'char', code }
    return this.#set(unionOf([code, ...cases].map((one) => rangeSet(one, one))))
  }

  #set(set: CodeSet): PatternNode {
    return { kind: 'set', has: quick(this.#flags.ignoreCase ? withoutCase(set) : set) }
  }
}

/** `i-s`: on before the minus, off behind it. `U` only exchanges greedy and lazy. */
function withFlags(flags: Flags, text: string): Flags {
  const [on = '', off = ''] = text.split('-')
  const value = (letter: string, before: boolean): boolean =>
    (before || on.includes(letter)) && !off.includes(letter)
  return {
    ignoreCase: value('i', flags.ignoreCase),
    manyLines: value('m', flags.manyLines),
    dotAll: value('s', flags.dotAll),
  }
}
