/**
 * A mistake in a filter expression, on its way out of the reader; compile.ts turns it into a `Failure`. Nothing outside
 * this folder sees it.
 */
export class FilterMistake extends Error {
  /** Offset of the place in the expression, from 0. */
  readonly at: number

  constructor(at: number, message: string) {
    super(message)
    this.name = 'FilterMistake'
    this.at = at
  }
}

/** What was written, short enough for an error line. */
export const shown = (text: string): string =>
  JSON.stringify(text.length > 48 ? `${text.slice(0, 45)}...` : text)
