/**
 * The text of a state, line by line: a header with the format's version, one line per row, a trailer with their number.
 * Checks that order; where a row goes, the caller knows.
 */
import type { ErrorCode } from '../../model/errors.ts'
import { newestStoreVersion, storeVersionAt } from '../../model/feature.ts'
import type { LinePosition, Staged } from './staged.ts'
import type { TableRow } from './tables.ts'

const format = 'mesh-agent-state'

/** In the form that all servers of the cluster read: its leader may send this to any of them. */
export const stateHeader = (index: number, featureLevel: number): object => ({
  format,
  version: storeVersionAt(featureLevel),
  index,
})
export const stateTrailer = (rows: number): object => ({ end: true, rows })

/** What a line between header and trailer holds. The last two are of a restore that is under way. */
export type StateRow =
  | TableRow
  | readonly ['staged', Omit<Staged, 'tables'>]
  | readonly ['staged-row', TableRow]

export interface LineFault {
  readonly code: Extract<ErrorCode, 'log-damaged' | 'format-too-new'>
  readonly what: string
}

export class StateLines implements LinePosition {
  readonly #load: (row: StateRow) => boolean
  stage: LinePosition['stage']
  rows: number

  /** `load` returns false for a row of a table that it does not know. */
  constructor(from: LinePosition, load: (row: StateRow) => boolean) {
    this.stage = from.stage
    this.rows = from.rows
    this.#load = load
  }

  /** Takes whole lines; says what is wrong, after which nothing more may be given. */
  take(text: string): LineFault | undefined {
    for (const line of text.split('\n')) {
      const fault = line === '' ? undefined : this.#line(line)
      if (fault !== undefined) return fault
    }
    return undefined
  }

  #line(line: string): LineFault | undefined {
    let value: unknown
    try {
      value = JSON.parse(line)
    } catch {
      return damaged(`unreadable after row ${this.rows}`)
    }
    if (this.stage === 'header') return this.#header(value as Partial<Record<string, unknown>>)
    if (this.stage === 'complete') return damaged('lines after its end')
    if (Array.isArray(value)) return this.#row(value as unknown as StateRow)
    return this.#trailer(value as Partial<Record<string, unknown>>)
  }

  #header(line: Partial<Record<string, unknown>>): LineFault | undefined {
    this.stage = 'rows'
    const { version } = line
    if (line['format'] !== format) return damaged('it does not start with the header of a state')
    if (typeof version === 'number' && version <= newestStoreVersion) return undefined
    return {
      code: 'format-too-new',
      what: `the snapshot has state format ${String(version)}, this program knows up to ${newestStoreVersion}`,
    }
  }

  #row(row: StateRow): LineFault | undefined {
    this.rows++
    try {
      return this.#load(row) ? undefined : damaged(`row ${this.rows} is of an unknown table "${row[0]}"`)
    } catch {
      return damaged(`row ${this.rows} of table "${row[0]}" has not the shape of one`)
    }
  }

  #trailer(line: Partial<Record<string, unknown>>): LineFault | undefined {
    this.stage = 'complete'
    if (line['end'] === true && line['rows'] === this.rows) return undefined
    return damaged(`wrong end after row ${this.rows}`)
  }
}

const damaged = (what: string): LineFault => ({ code: 'log-damaged', what })
