/**
 * One reading of one text: where mistakes are gathered, and how a value is shown in the words about it.
 * The same schema reads files, registrations over HTTP and config entries over HTTP; `purpose` is what differs.
 */
import { limits } from '../model/limits.ts'
import type { Place, Problem, Value, Words } from '../wire/hcl/tree.ts'
import { type Dialect, shown } from '../wire/hcl/unexpected.ts'

export type Purpose = 'file' | 'registration' | 'config-entry'

interface Noted extends Problem {
  /** What an HTTP client of Consul expects to read instead, '' where there is no such text. */
  readonly clientMessage: string
}

export class Reading {
  readonly purpose: Purpose
  readonly dialect: Dialect
  readonly #noted: Noted[] = []
  #strays = 0

  constructor(purpose: Purpose, dialect: Dialect) {
    this.purpose = purpose
    this.dialect = dialect
  }

  /** Programs send every field of their structures: an empty value asks for nothing and counts as absent. */
  get fromProgram(): boolean {
    return this.purpose !== 'file'
  }

  get failed(): boolean {
    return this.#noted.length > 0
  }

  /** There are enough mistakes to work on; further ones are not even looked for where looking is costly. */
  get full(): boolean {
    return this.#noted.length >= limits.configErrorsShown
  }

  /** Keys met so far that are not read. */
  get strays(): number {
    return this.#strays
  }

  report(at: Place, words: Words, clientMessage = ''): void {
    if (!this.full) this.#noted.push({ ...at, ...words, clientMessage })
  }

  /** Reports a key that is not read. */
  reportStray(at: Place, words: Words, clientMessage = ''): void {
    this.#strays++
    this.report(at, words, clientMessage)
  }

  /** In the order of the texts. */
  problems(): readonly Problem[] {
    return this.#noted
      .map(({ path, line, column, what, why, remedy }) => ({ path, line, column, what, why, remedy }))
      .sort((a, b) => byPath(a, b) || a.line - b.line || a.column - b.column)
  }

  /** The first mistake as an HTTP answer; `expected` tells that it begins with a text of Consul's. */
  firstMessage(): { readonly text: string; readonly expected: boolean } {
    const first = this.#noted.find((noted) => noted.clientMessage !== '') ?? this.#noted[0]
    if (first === undefined) return { text: '', expected: false }
    if (first.clientMessage !== '') return { text: `${first.clientMessage}: ${first.remedy}`, expected: true }
    return { text: `${first.what}, ${first.why}; ${first.remedy}`, expected: false }
  }

  /** A key with a value as this text would write it. */
  assignment(name: string, value: string): string {
    return this.dialect === 'json' ? `"${name}": ${value}` : `${name} = ${value}`
  }
}

const byPath = (a: Place, b: Place): number => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0)

/** Another place, as seen from here: its line, with the file where that is another one. */
export function placeSeenFrom(here: Place, there: Place): string {
  if (there.line === 0) return 'before it'
  return there.path === here.path ? `on line ${there.line}` : `at ${there.path}:${there.line}`
}

/** A value to be read: which key it has and, in a list, which item it is. */
export interface Slot {
  readonly name: string
  /** From 1; 0 where the value is not an item of a list. */
  readonly item: number
  /** Where a mistake of the value as a whole is shown. */
  readonly at: Place
  readonly value: Value
}

/** The value, or undefined after a report. */
export type Reader<Read> = (slot: Slot, reading: Reading) => Read | undefined

export function labelOf(slot: Slot): string {
  const key = `\`${shown(slot.name)}\``
  return slot.item === 0 ? key : `item ${slot.item} of ${key}`
}

/** How to write the slot with another value. */
export function writeInstead(slot: Slot, reading: Reading, value: string): string {
  return slot.item === 0 ? `write \`${reading.assignment(shown(slot.name), value)}\`` : `write ${value}`
}

export function kindName(value: Value): string {
  switch (value.kind) {
    case 'string':
      return 'text'
    case 'number':
      return 'a number'
    case 'boolean':
      return String(value.boolean)
    case 'null':
      return 'null'
    case 'list':
      return 'a list'
    case 'object':
      return 'an object'
  }
}

/** Reports a value of the wrong kind. `instead` is how the right one could look, in the user's own words where possible. */
export function reportKind(slot: Slot, reading: Reading, form: string, instead: string): undefined {
  reading.report(slot.value.at, {
    what: `${labelOf(slot)} is ${kindName(slot.value)}`,
    why: `it must be ${form}`,
    remedy: writeInstead(slot, reading, instead),
  })
}

export const quoted = (text: string): string => JSON.stringify(shown(text))
