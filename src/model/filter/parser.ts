/**
 * Filter text to a tree. Precedence from weak to strong: `or`, `and`, `not`; parentheses. More lenient than Consul in one
 * thing: blanks around parentheses are not needed. Input, depth and number of conditions are bounded.
 */
import { limits } from '../limits.ts'
import type { Expression, Match, Operator, Selector } from './expression.ts'
import { type Token, tokenAt } from './lexer.ts'
import { FilterMistake, shown } from './mistake.ts'

/** Throws `FilterMistake`. */
export function parseExpression(text: string): Expression {
  if (text.length > limits.filterChars)
    throw new FilterMistake(
      limits.filterChars,
      `the filter has ${text.length} characters, the limit is ${limits.filterChars}`,
    )
  return new Parser(text).whole()
}

/** One side of a condition before the operator tells whether it is a selector or a value. */
interface Operand {
  readonly path: readonly string[]
  readonly token: Token
  readonly end: number
}

class Parser {
  readonly #text: string
  #token: Token
  /** Offset behind the token before it. */
  #before = 0
  #conditions = 0

  constructor(text: string) {
    this.#text = text
    this.#token = tokenAt(text, 0)
  }

  whole(): Expression {
    const expression = this.#chain('any', 0)
    const { kind, text, at } = this.#token
    if (kind === 'end') return expression
    if (text === ')') throw new FilterMistake(at, 'this ")" closes nothing')
    throw new FilterMistake(at, `unexpected ${this.#rest()}: join conditions with "and" or "or"`)
  }

  #chain(kind: 'all' | 'any', depth: number): Expression {
    const next = (): Expression => (kind === 'any' ? this.#chain('all', depth) : this.#negation(depth))
    const operands = [next()]
    while (this.#takeWord(kind === 'any' ? 'or' : 'and')) operands.push(next())
    const [only] = operands
    return operands.length === 1 && only !== undefined ? only : { kind, operands }
  }

  #negation(depth: number): Expression {
    this.#bound(depth)
    if (this.#takeWord('not')) return { kind: 'not', operand: this.#negation(depth + 1) }
    const open = this.#token
    if (open.text !== '(' || open.kind !== 'mark') return this.#condition()
    this.#step()
    const inner = this.#chain('any', depth + 1)
    if (this.#token.kind === 'mark' && this.#token.text === ')') {
      this.#step()
      return inner
    }
    if (this.#token.kind === 'end') throw new FilterMistake(open.at, 'this "(" is never closed')
    throw new FilterMistake(this.#token.at, `unexpected ${this.#rest()}: expected "and", "or" or ")"`)
  }

  #condition(): Match {
    if (++this.#conditions > limits.filterConditions)
      throw new FilterMistake(this.#token.at, `more than ${limits.filterConditions} conditions`)
    const left = this.#operand('a selector such as Meta.env, or a value followed by "in"')
    const operator = this.#operator()
    if (operator === 'in' || operator === 'not in') {
      const right = this.#operand(`a selector behind "${operator}", as in: "value" ${operator} Tags`)
      const value = { value: valueText(left), valueAt: left.token.at }
      return { kind: 'match', operator, selector: selectorOf(right), ...value }
    }
    const selector = selectorOf(left)
    if (operator === 'is empty' || operator === 'is not empty')
      return { kind: 'match', operator, selector, value: '', valueAt: left.end }
    const right = this.#operand('a value: a word, a number or a text in double quotes')
    const found = operatorOf(operator)
    return { kind: 'match', operator: found, selector, value: valueText(right), valueAt: right.token.at }
  }

  /** A word with its path, a number or a quoted text. */
  #operand(wanted: string): Operand {
    const token = this.#token
    if (token.kind !== 'word' && token.kind !== 'number' && token.kind !== 'text')
      throw new FilterMistake(
        token.at,
        `expected ${wanted}${token.kind === 'end' ? '' : `, not ${this.#rest()}`}`,
      )
    this.#step()
    const path = token.kind === 'word' ? this.#path(token) : [token.text]
    const end = this.#before
    const touches = this.#token.at === end && this.#token.kind !== 'end'
    if (token.kind !== 'text' && touches && ![')', '==', '!='].includes(this.#token.text))
      this.#needsQuotes(token)
    return { path, token, end }
  }

  /** Names behind the first one: `.name`, `.0`, `["any text"]`; they touch one another. */
  #path(first: Token): readonly string[] {
    const path = [first.text]
    while (this.#token.kind === 'mark' && this.#token.at === this.#before) {
      if (this.#token.text === '.') {
        this.#step()
        if (!['word', 'number'].includes(this.#token.kind) || this.#token.at !== this.#before)
          throw new FilterMistake(this.#token.at, 'a name must follow the dot directly')
        path.push(this.#token.text)
        this.#step()
      } else if (this.#token.text === '[') path.push(this.#index())
      else break
    }
    return path
  }

  #index(): string {
    this.#step()
    const key = this.#token
    if (key.kind !== 'text')
      throw new FilterMistake(key.at, 'write the key in double quotes, as in Meta["a.b"]')
    this.#step()
    if (this.#token.text !== ']') throw new FilterMistake(this.#token.at, 'expected "]" behind the key')
    this.#step()
    return key.text
  }

  #operator(): Operator | 'contains' | 'not contains' {
    const token = this.#token
    if (token.kind === 'mark' && (token.text === '==' || token.text === '!=')) {
      this.#step()
      return token.text
    }
    if (this.#takeWord('is')) {
      const negated = this.#takeWord('not')
      if (!this.#takeWord('empty'))
        throw new FilterMistake(this.#token.at, 'expected "empty", as in: Tags is not empty')
      return negated ? 'is not empty' : 'is empty'
    }
    const negated = this.#takeWord('not')
    for (const name of ['in', 'contains', 'matches'] as const)
      if (this.#takeWord(name)) return negated ? `not ${name}` : name
    throw new FilterMistake(this.#token.at, this.#noOperator())
  }

  #noOperator(): string {
    const operators =
      '==, !=, in, not in, contains, not contains, matches, not matches, is empty, is not empty'
    if (this.#token.kind === 'end') return `expected an operator at the end: ${operators}`
    return `expected an operator, not ${this.#rest()}${remedyFor(this.#token.text)}: use ${operators}`
  }

  #needsQuotes(from: Token): never {
    const run = /[^\s()]*/y
    run.lastIndex = from.at
    const text = run.exec(this.#text)?.[0] ?? from.text
    throw new FilterMistake(
      from.at,
      `write ${shown(text)} in double quotes: bare words have letters, digits, _ and /`,
    )
  }

  #bound(depth: number): void {
    if (depth > limits.filterDepth)
      throw new FilterMistake(this.#token.at, `nested more than ${limits.filterDepth} deep`)
  }

  #takeWord(text: string): boolean {
    if (this.#token.kind !== 'word' || this.#token.text !== text) return false
    this.#step()
    return true
  }

  #step(): void {
    this.#before = this.#token.end
    this.#token = tokenAt(this.#text, this.#token.end)
  }

  #rest(): string {
    return shown(this.#text.slice(this.#token.at).split(/\s/)[0] ?? '')
  }
}

const operatorOf = (written: Operator | 'contains' | 'not contains'): Operator =>
  written === 'contains' ? 'in' : written === 'not contains' ? 'not in' : written

const valueText = ({ path }: Operand): string => path.join('.')

/** A bare path, or a JSON pointer (RFC 6901) in double quotes. */
function selectorOf({ path, token }: Operand): Selector {
  const { at, text } = token
  if (token.kind === 'word') return { path, at }
  if (token.kind === 'text' && token.quote === '"' && text.startsWith('/'))
    return {
      path: text
        .slice(1)
        .split('/')
        .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~')),
      at,
    }
  throw new FilterMistake(
    at,
    `${shown(text)} is a value where a selector belongs: write a field such as Meta.env, or "/Meta/env"`,
  )
}

function remedyFor(text: string): string {
  switch (text) {
    case '=':
      return ' (equality is ==)'
    case '<':
    case '>':
      return ' (there is no comparison by order)'
    case '~':
      return ' (regular expressions are: Name matches "...")'
    case '&':
    case '|':
    case '!':
      return ' (logic is written and, or, not)'
    default:
      return ''
  }
}
