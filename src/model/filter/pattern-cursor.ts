/**
 * The small parts of a regular expression: escapes, classes in brackets, counts, the opening of a group. What they mean
 * together is pattern-syntax.ts's business. Syntax: google/re2, doc/syntax.txt.
 */
import { limits } from '../limits.ts'
import { FilterMistake, shown } from './mistake.ts'
import {
  type CodeSet,
  complementOf,
  perlClass,
  posixClass,
  rangeSet,
  unicodeClass,
  unionOf,
} from './pattern-class.ts'
import type { Assertion } from './pattern-node.ts'

export type Escape =
  | { readonly kind: 'char'; readonly code: number }
  | { readonly kind: 'set'; readonly has: CodeSet }
  | { readonly kind: 'assert'; readonly assertion: Assertion }

export interface GroupOpening {
  readonly flags: string | undefined
  /** `(?i)`: changes flags and holds nothing. */
  readonly isFlagsOnly: boolean
}

const counts = /\{(\d+)(,(\d*))?\}/y
const repeatMark = /[*+?]|\{\d+(?:,\d*)?\}/y
const groupName = /\?P?<[A-Za-z_][A-Za-z0-9_]*>/y
const groupFlags = /\?([imsU]*(?:-[imsU]+)?)([:)])/y
const lookAround = /\?(?:<?[=!]|>)/y
const octal = /[1-7][0-7]{1,2}|0[0-7]{0,2}/y
const hex = /x(?:([0-9a-fA-F]{2})|\{([0-9a-fA-F]{1,6})\})/y
const unicode = /([pP])(?:\{(\^?\w+)\}|(\w))/y
const posixName = /\[:(\^?\w+):\]/y

const controls: ReadonlyMap<string, number> = new Map([
  ['a', 7],
  ['f', 12],
  ['n', 10],
  ['r', 13],
  ['t', 9],
  ['v', 11],
])
const assertions: ReadonlyMap<string, Assertion> = new Map([
  ['A', 'text-start'],
  ['z', 'text-end'],
  ['b', 'word-edge'],
  ['B', 'no-word-edge'],
])

export class PatternCursor {
  readonly #source: string
  #at = 0

  constructor(source: string) {
    this.#source = source
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#source.length
  }

  isAt(text: string): boolean {
    return this.#source.startsWith(text, this.#at)
  }

  take(text: string): boolean {
    if (!this.isAt(text)) return false
    this.#at += text.length
    return true
  }

  readChar(): string {
    const code = this.#source.codePointAt(this.#at)
    if (code === undefined) throw new FilterMistake(this.#at, 'it ends too early')
    const char = String.fromCodePoint(code)
    this.#at += char.length
    return char
  }

  /** The text up to `end`, which is consumed, or to the end of all. */
  upTo(end: string): string {
    const found = this.#source.indexOf(end, this.#at)
    const stop = found < 0 ? this.#source.length : found
    const text = this.#source.slice(this.#at, stop)
    this.#at = found < 0 ? stop : stop + end.length
    return text
  }

  repeatAhead(): boolean {
    repeatMark.lastIndex = this.#at
    return repeatMark.test(this.#source)
  }

  readRepeat(): { readonly min: number; readonly max: number | undefined } {
    if (this.take('*')) return { min: 0, max: undefined }
    if (this.take('+')) return { min: 1, max: undefined }
    if (this.take('?')) return { min: 0, max: 1 }
    const [whole = '', low = '', comma, high = ''] = this.#read(counts) ?? []
    const min = Number(low)
    const max = comma === undefined ? min : high === '' ? undefined : Number(high)
    if (Math.max(min, max ?? 0) > limits.patternRepeats || (max ?? min) < min)
      throw new FilterMistake(
        this.#at,
        `the count ${whole} is not possible: up to ${limits.patternRepeats}, the smaller number first`,
      )
    return { min, max }
  }

  /** From `(` to where the group's content begins. */
  readGroup(): GroupOpening {
    this.take('(')
    const plain = { flags: undefined, isFlagsOnly: false }
    if (!this.isAt('?')) return plain
    if (this.#read(lookAround) !== undefined)
      throw new FilterMistake(
        this.#at,
        'looking ahead or behind, (?= (?! (?<= (?<! (?>, does not exist in RE2',
      )
    if (this.#read(groupName) !== undefined) return plain
    const found = this.#read(groupFlags)
    if (found === undefined)
      throw new FilterMistake(
        this.#at,
        `${shown(this.#source.slice(this.#at - 1, this.#at + 4))} opens no group of RE2`,
      )
    return { flags: found[1] ?? '', isFlagsOnly: found[2] === ')' }
  }

  /** From a backslash on. */
  readEscape(): Escape {
    this.take('\\')
    const numbered = this.#read(octal)
    if (numbered !== undefined) return { kind: 'char', code: Number.parseInt(numbered[0], 8) }
    const coded = this.#read(hex)
    if (coded !== undefined) return { kind: 'char', code: this.#codePoint(coded[1] ?? coded[2] ?? '') }
    const classed = this.#read(unicode)
    if (classed !== undefined) {
      const set = unicodeClass(classed[2] ?? classed[3] ?? '', this.#at)
      return { kind: 'set', has: classed[1] === 'P' ? complementOf(set) : set }
    }
    const char = this.readChar()
    const assertion = assertions.get(char)
    if (assertion !== undefined) return { kind: 'assert', assertion }
    const set = /[dDsSwW]/.test(char) ? perlClass(char) : undefined
    if (set !== undefined) return { kind: 'set', has: set }
    const control = controls.get(char)
    if (control !== undefined) return { kind: 'char', code: control }
    if (/[1-9]/.test(char))
      throw new FilterMistake(this.#at, `back references such as \\${char} do not exist in RE2`)
    if (/[A-Za-z0-9]/.test(char) || char > '\x7f')
      throw new FilterMistake(this.#at, `there is no escape ${shown(`\\${char}`)} in RE2`)
    return { kind: 'char', code: char.charCodeAt(0) }
  }

  /** From `[` to the matching `]`. A `]` right at the beginning is one of the characters. */
  readClass(): CodeSet {
    const start = this.#at
    this.take('[')
    const negated = this.take('^')
    const sets: CodeSet[] = []
    for (let isFirst = true; isFirst || !this.isAt(']'); isFirst = false) {
      if (this.isAtEnd) throw new FilterMistake(start, 'a "[" is never closed')
      sets.push(this.#classItem())
    }
    this.take(']')
    const all = unionOf(sets)
    return negated ? complementOf(all) : all
  }

  #classItem(): CodeSet {
    const named = this.#read(posixName)
    if (named !== undefined) return posixClass(named[1] ?? '', this.#at)
    const low = this.#classChar()
    if (low.kind === 'set') return low.has
    const isRange = this.isAt('-') && !this.isAt('-]') && this.#at + 1 < this.#source.length
    if (!isRange) return rangeSet(low.code, low.code)
    this.take('-')
    const high = this.#classChar()
    if (high.kind === 'set' || high.code < low.code)
      throw new FilterMistake(this.#at, 'a range in brackets goes from a smaller to a larger character')
    return rangeSet(low.code, high.code)
  }

  #classChar(): Exclude<Escape, { readonly kind: 'assert' }> {
    if (!this.isAt('\\')) return { kind: 'char', code: this.readChar().codePointAt(0) ?? 0 }
    const found = this.readEscape()
    if (found.kind === 'assert')
      throw new FilterMistake(this.#at, 'brackets hold characters: \\A, \\z, \\b and \\B are none')
    return found
  }

  #codePoint(digits: string): number {
    const code = Number.parseInt(digits, 16)
    if (code > 0x10_ff_ff) throw new FilterMistake(this.#at, `there is no character ${shown(digits)}`)
    return code
  }

  #read(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#source) ?? undefined
    if (found !== undefined) this.#at += found[0].length
    return found
  }
}
