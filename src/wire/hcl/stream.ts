/**
 * Tokens with one of lookahead, the mistakes found, and the brackets that are open: what both grammars share.
 * Mistakes that leave the structure clear (a key given twice) are noted and reading goes on; any other ends it.
 */
import { limits } from '../../model/limits.ts'
import { Cursor } from './cursor.ts'
import { Lexer, type Token } from './lexer.ts'
import { type Label, type Member, type Place, type Problem, reservedKey, type Words } from './tree.ts'
import { type Dialect, shown } from './unexpected.ts'

/** A brace or bracket that waits for its end. */
export interface Opened {
  readonly kind: 'block' | 'object' | 'list'
  /** The key it belongs to, '' where it has none. */
  readonly name: string
  readonly at: Place
  /** Column of the first token on the line where it opened. */
  readonly indent: number
}

export class TokenStream {
  readonly dialect: Dialect
  readonly #cursor: Cursor
  readonly #lexer: Lexer
  readonly #noted: Problem[] = []
  #ahead: Token | undefined
  #indent = 1
  #values = 0
  /** An opened brace that was closed by one further left: where a missing brace most likely belongs. */
  #closedLeft: Opened | undefined
  /** A closing brace further right than what it closed: the likely surplus one. */
  #closedRight: { readonly opened: Opened; readonly at: Place } | undefined

  constructor(path: string, text: string, dialect: Dialect) {
    this.dialect = dialect
    this.#cursor = new Cursor(path, text)
    this.#lexer = new Lexer(this.#cursor, dialect)
  }

  get failed(): boolean {
    return this.#cursor.problem !== undefined
  }

  problems(): readonly Problem[] {
    const last = this.#cursor.problem
    return last === undefined ? this.#noted : [...this.#noted, last]
  }

  peek(): Token {
    this.#ahead ??= this.#lexer.next()
    return this.#ahead
  }

  take(): Token {
    const token = this.peek()
    this.#ahead = undefined
    if (token.startsLine) this.#indent = token.at.column
    return token
  }

  fail(at: Place, words: Words): void {
    this.#cursor.fail(at, words)
    this.#ahead = undefined
  }

  /** Keeps a mistake and goes on; beyond the bound there are enough of them to work on. */
  note(at: Place, words: Words): void {
    if (this.#noted.length < limits.configErrorsShown) this.#noted.push({ ...at, ...words })
  }

  /** Takes an opening mark; undefined where it would nest too deeply. */
  open(kind: Opened['kind'], name: string, depth: number): Opened | undefined {
    const token = this.take()
    if (depth < limits.hclDepth) return { kind, name, at: token.at, indent: this.#indent }
    this.fail(token.at, {
      what: `this is nested more than ${limits.hclDepth} levels deep`,
      why: 'no setting needs that depth, so a closing brace or bracket is probably missing',
      remedy: 'close the blocks and lists above that end earlier',
    })
    return undefined
  }

  close(opened: Opened): void {
    const token = this.take()
    if (!token.startsLine) return
    if (token.at.column < opened.indent) this.#closedLeft ??= opened
    if (token.at.column > opened.indent) this.#closedRight ??= { opened, at: token.at }
  }

  /** The text ended, or another bracket came, before `opened` was closed. */
  failUnclosed(opened: Opened): void {
    const blamed = opened.kind === 'list' ? opened : (this.#closedLeft ?? opened)
    const mark = blamed.kind === 'list' ? ']' : '}'
    const owner = blamed.name === '' ? '' : ` \`${shown(blamed.name)}\``
    this.fail(blamed.at, {
      what: `the ${blamed.kind}${owner} that begins here is not closed`,
      why: `its \`${mark}\` is missing`,
      remedy: `add \`${mark}\` where it ends`,
    })
  }

  /** A closing mark with nothing open. */
  failSurplus(token: Token): void {
    const early = token.kind === '}' ? this.#closedRight : undefined
    const name = early?.opened.name ?? ''
    this.fail(token.at, {
      what: `this \`${token.kind}\` closes nothing`,
      why:
        early === undefined
          ? `there are more closing than opening ${token.kind === '}' ? 'braces' : 'brackets'} up to here`
          : `${name === '' ? 'the object' : `\`${shown(name)}\``} of line ${early.opened.at.line} was closed already by the \`}\` on line ${early.at.line}`,
      remedy: early === undefined ? 'remove it' : 'remove one of the two',
    })
  }

  /** Counts a value; false, and a failure, where a text holds more than any configuration does. */
  countValue(at: Place): boolean {
    if (++this.#values <= limits.hclValues) return true
    this.fail(at, {
      what: `the file holds more than ${limits.hclValues} values`,
      why: 'larger files are refused, so that reading one takes bounded memory',
      remedy: 'split it into several files',
    })
    return false
  }

  /** False, and a failure, for a key that may not exist. */
  isAllowedKey(label: Label): boolean {
    if (label.text !== reservedKey) return true
    this.fail(label.at, {
      what: `\`${reservedKey}\` is not a usable key`,
      why: 'the name has a meaning of its own inside the program',
      remedy: 'choose another name',
    })
    return false
  }

  noteRepeated(member: Member, first: Member): void {
    const isJoinable = [member, first].every(({ value }) => value.kind === 'object' || value.kind === 'list')
    this.note(member.keyAt, {
      what: `\`${shown(member.key)}\` is given twice`,
      why: `it was given on line ${first.keyAt.line} already`,
      remedy: isJoinable ? 'join the two into one' : 'remove one of them',
    })
  }
}
