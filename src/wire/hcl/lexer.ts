/**
 * Text to tokens, for both grammars. A token knows whether it is the first on its line, because HCL separates items by
 * line breaks and by commas alike. After a failure only `end` comes (see cursor.ts).
 */
import type { Cursor } from './cursor.ts'
import { readHeredoc, readString } from './strings.ts'
import type { Place } from './tree.ts'
import { badNumber, type Dialect, inexactNumber, unexpectedCharacter } from './unexpected.ts'

const marks = ['{', '}', '[', ']', ',', '=', ':'] as const
type Mark = (typeof marks)[number]

export interface Token {
  readonly kind: 'name' | 'string' | 'number' | 'end' | Mark
  /** A name's letters, a string's meaning, a number's digits; a mark itself. */
  readonly text: string
  readonly number: number
  readonly at: Place
  readonly startsLine: boolean
  /** The character after the token, '' at the end. */
  readonly next: string
}

const markByCode = new Map<number, Mark>(marks.map((mark) => [mark.charCodeAt(0), mark]))
const name = /[\p{L}_][\p{L}\p{M}\p{N}_.-]*/uy
const numberLike = /-?\.?[0-9][0-9A-Za-z_.+-]*/y
const word = /[^\s,[\]{}"=#;]*/y
const numberForms: Readonly<Record<Dialect, RegExp>> = {
  hcl: /^-?(?:0x[0-9a-f]+|(?:0|[1-9]\d*)(?:\.\d+)?(?:e[+-]?\d+)?)$/i,
  json: /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/,
}
/** More digits than any number of a configuration needs. */
const numberChars = 64

export class Lexer {
  readonly #cursor: Cursor
  readonly #dialect: Dialect

  constructor(cursor: Cursor, dialect: Dialect) {
    this.#cursor = cursor
    this.#dialect = dialect
  }

  next(): Token {
    const startsLine = this.#skipBlank()
    const cursor = this.#cursor
    const at = cursor.place()
    const token = this.#read(at)
    if (cursor.problem !== undefined) return { kind: 'end', text: '', number: 0, at, startsLine, next: '' }
    return { ...token, at, startsLine, next: cursor.text.charAt(cursor.offset) }
  }

  #read(at: Place): Pick<Token, 'kind' | 'text' | 'number'> {
    const cursor = this.#cursor
    const { text } = cursor
    if (cursor.offset >= text.length) return { kind: 'end', text: '', number: 0 }
    const code = text.charCodeAt(cursor.offset)
    const mark = markByCode.get(code)
    if (mark !== undefined) {
      cursor.offset++
      return { kind: mark, text: mark, number: 0 }
    }
    if (code === 0x22) return { kind: 'string', text: readString(cursor, at, this.#dialect), number: 0 }
    const letters = cursor.match(name)
    if (letters !== '') {
      cursor.offset += letters.length
      return { kind: 'name', text: letters, number: 0 }
    }
    const digits = cursor.match(numberLike)
    if (digits !== '') return this.#readNumber(at, digits)
    if (this.#dialect === 'hcl' && text.startsWith('<<', cursor.offset))
      return { kind: 'string', text: readHeredoc(cursor, at), number: 0 }
    cursor.fail(at, unexpectedCharacter(text.slice(cursor.offset, cursor.offset + 64), this.#dialect))
    return { kind: 'end', text: '', number: 0 }
  }

  #readNumber(at: Place, digits: string): Pick<Token, 'kind' | 'text' | 'number'> {
    const cursor = this.#cursor
    const value = digits.length > numberChars ? Number.NaN : readDigits(digits, this.#dialect)
    if (Number.isNaN(value)) cursor.fail(at, badNumber(cursor.match(word).slice(0, 100), this.#dialect))
    else if (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value)))
      cursor.fail(at, inexactNumber(digits))
    else cursor.offset += digits.length
    return { kind: 'number', text: digits, number: value }
  }

  /** Skips blanks and comments; true where the next token is the first on its line. */
  #skipBlank(): boolean {
    const cursor = this.#cursor
    const { text } = cursor
    let startsLine = cursor.offset === 0
    for (;;) {
      const code = text.charCodeAt(cursor.offset)
      if (code === 0x0a) startsLine = true
      else if (code !== 0x20 && code !== 0x09 && code !== 0x0d) {
        if (this.#dialect === 'json' || !this.#skipComment(code)) return startsLine
        continue
      }
      cursor.offset++
    }
  }

  /** Skips one comment, without the line break that ends it. */
  #skipComment(code: number): boolean {
    const cursor = this.#cursor
    const { text } = cursor
    if (code === 0x23 || (code === 0x2f && text.charCodeAt(cursor.offset + 1) === 0x2f)) {
      const end = text.indexOf('\n', cursor.offset)
      cursor.offset = end === -1 ? text.length : end
      return true
    }
    if (code !== 0x2f || text.charCodeAt(cursor.offset + 1) !== 0x2a) return false
    const end = text.indexOf('*/', cursor.offset + 2)
    if (end === -1)
      cursor.fail(cursor.place(), {
        what: 'the comment that begins here is not closed',
        why: 'a comment that begins with /* ends with */',
        remedy: 'add */ where it ends, or begin each line of it with #',
      })
    else cursor.offset = end + 2
    return true
  }
}

/** NaN where the digits are no number of this dialect. */
function readDigits(digits: string, dialect: Dialect): number {
  if (!numberForms[dialect].test(digits)) return Number.NaN
  return /^-0x/i.test(digits) ? -Number(digits.slice(1)) : Number(digits)
}
