/**
 * Filter text into words, numbers, quoted texts and marks. What is none of these becomes a token of its own kind, because
 * only the parser knows what would have been right in its place.
 */
import { FilterMistake } from './mistake.ts'

export type TokenKind = 'word' | 'number' | 'text' | 'mark' | 'other' | 'end'

export interface Token {
  readonly kind: TokenKind
  /** As written; for `text` the meaning, without quotes. */
  readonly text: string
  readonly at: number
  /** Offset behind it: the next token touches this one where it begins there. */
  readonly end: number
  /** Of `text`: which quotes. */
  readonly quote: '"' | '`' | ''
}

const blank = /[ \t\r\n]*/y
const word = /[A-Za-z][A-Za-z0-9_/]*/y
const number = /-?[0-9]+(\.[0-9]+)?/y
const mark = /==|!=|[()[\].]/y

/** The token that begins at or behind `offset`. */
export function tokenAt(text: string, offset: number): Token {
  const at = offset + lengthOf(blank, text, offset)
  const first = text[at]
  if (first === undefined) return { kind: 'end', text: '', at, end: at, quote: '' }
  if (first === '"' || first === '`') return quoted(text, at, first)
  for (const [kind, pattern] of kinds) {
    const length = lengthOf(pattern, text, at)
    if (length > 0) return { kind, text: text.slice(at, at + length), at, end: at + length, quote: '' }
  }
  const symbol = String.fromCodePoint(text.codePointAt(at) ?? 0)
  return { kind: 'other', text: symbol, at, end: at + symbol.length, quote: '' }
}

const kinds = [
  ['word', word],
  ['number', number],
  ['mark', mark],
] as const

function lengthOf(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0].length ?? 0
}

/** Back quotes keep everything as it is, which suits regular expressions; double quotes know escapes. */
function quoted(text: string, at: number, quote: '"' | '`'): Token {
  let meaning = ''
  let here = at + 1
  for (;;) {
    const char = text[here]
    if (char === undefined) throw new FilterMistake(at, `this text has no closing ${quote}`)
    if (char === quote) return { kind: 'text', text: meaning, at, end: here + 1, quote }
    if (char === '\\' && quote === '"') {
      const escaped = readEscape(text, here)
      meaning += escaped.meaning
      here = escaped.end
    } else {
      meaning += char
      here++
    }
  }
}

const simpleEscapes = new Map([
  ['"', '"'],
  ['\\', '\\'],
  ['/', '/'],
  ['a', '\x07'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['v', '\v'],
])
const hexEscape = /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4}))/y

function readEscape(text: string, at: number): { readonly meaning: string; readonly end: number } {
  const simple = simpleEscapes.get(text[at + 1] ?? '')
  if (simple !== undefined) return { meaning: simple, end: at + 2 }
  hexEscape.lastIndex = at
  const hex = hexEscape.exec(text)
  if (hex === null)
    throw new FilterMistake(
      at,
      `"${text.slice(at, at + 2)}" is no escape inside double quotes: write the backslash twice, or use back quotes`,
    )
  const code = Number.parseInt(hex[1] ?? hex[2] ?? '', 16)
  return { meaning: String.fromCharCode(code), end: at + hex[0].length }
}
