/**
 * Where commands write: results to standard output, everything said about them to standard error, so that a result can be
 * piped. Owns the two output forms, aligned tables for people and JSON for programs.
 */
import { formatTable, type Row } from './table.ts'

export type OutputForm = 'table' | 'json'

export interface Terminal {
  readonly form: OutputForm
  /** One line of result. */
  line(text: string): void
  /** One line about the result. */
  note(text: string): void
  /** `data` as JSON where that was asked for, else what `people` writes. */
  show(data: unknown, people: () => void): void
  table(header: readonly string[], rows: readonly Row[]): void
}

export function createTerminal(form: OutputForm): Terminal {
  const line = (text: string): void => {
    process.stdout.write(`${text}\n`)
  }
  return {
    form,
    line,
    note(text) {
      process.stderr.write(`${text}\n`)
    },
    show(data, people) {
      if (form === 'json') line(JSON.stringify(data, null, 2))
      else people()
    },
    table(header, rows) {
      for (const text of formatTable(header, rows)) line(text)
    },
  }
}
