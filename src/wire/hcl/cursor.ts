/**
 * A position in a text, the places that go with it, and the first thing that could not be understood.
 *
 * After a failure the cursor stands at the end: every loop that reads until the end stops by itself, so no reader needs
 * an exception or a check after each step, and the first problem is the one that is told.
 */
import { assert } from '../../model/errors.ts'
import type { Place, Problem, Words } from './tree.ts'

export class Cursor {
  readonly path: string
  readonly text: string
  offset = 0
  #problem: Problem | undefined
  #scanned = 0
  #line = 1
  #column = 1

  constructor(path: string, text: string) {
    this.path = path
    this.text = text
    if (text.startsWith('\uFEFF')) {
      this.offset = 1
      this.#scanned = 1
    }
  }

  get problem(): Problem | undefined {
    return this.#problem
  }

  /** Place of an offset. Offsets are asked in rising order, so the whole text is scanned once, however long its lines are. */
  place(offset: number = this.offset): Place {
    assert(offset >= this.#scanned, 'places are asked in the order of the text')
    const { text } = this
    for (let at = this.#scanned; at < offset; at++) {
      const code = text.charCodeAt(at)
      if (code === 0x0a) {
        this.#line++
        this.#column = 1
      } else if ((code & 0xfc00) !== 0xdc00) this.#column++
    }
    this.#scanned = offset
    return { path: this.path, line: this.#line, column: this.#column }
  }

  /** Ends the reading; later failures are consequences of the first and are dropped. */
  fail(at: Place, words: Words): void {
    this.#problem ??= { ...at, ...words }
    this.offset = this.text.length
  }

  /** The match of a sticky pattern here, or ''. Does not move. */
  match(pattern: RegExp): string {
    pattern.lastIndex = this.offset
    return pattern.exec(this.text)?.[0] ?? ''
  }
}
