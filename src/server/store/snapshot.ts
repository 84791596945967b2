/**
 * The state as bytes and back: JSON lines, because a snapshot outlives the program that wrote it. First a header with
 * the format's version, then one line per primary row, then a trailer with their number. Further trees are made again
 * while reading. Both directions work in pieces, so that neither holds up the server.
 */
import { createHash } from 'node:crypto'
import { failed, ok, type Result } from '../../model/errors.ts'
import { maxFeatureLevel } from '../../model/feature.ts'
import { type LogIndex, logIndex } from '../../model/ids.ts'
import { limits } from '../../model/limits.ts'
import type { SnapshotReader, SnapshotWriter } from '../consensus/contract.ts'
import type { Staged } from './staged.ts'
import { type LineFault, StateLines, type StateRow, stateHeader, stateTrailer } from './state-lines.ts'
import { loadRow, tableRows } from './table-rows.ts'
import { commitTables, type Edits, editTables, emptyTables, type Tables } from './tables.ts'
import { View } from './view.ts'

function* rowLines(view: View): Generator<string> {
  for (const row of tableRows(view.tables)) yield `${JSON.stringify(row)}\n`
  if (view.staged === undefined) return
  const { tables, ...position } = view.staged
  yield `${JSON.stringify(['staged', position])}\n`
  for (const row of tableRows(tables)) yield `${JSON.stringify(['staged-row', row])}\n`
}

export function readSnapshot(view: View): SnapshotReader {
  const lines = snapshotLines(view)
  const encoder = new TextEncoder()
  return {
    index: logIndex(view.index),
    next: () => {
      let text = ''
      while (text.length < limits.snapshotPieceChars) {
        const line = lines.next()
        if (line.done === true) break
        text += line.value
      }
      return text === '' ? undefined : encoder.encode(text)
    },
  }
}

function* snapshotLines(view: View): Generator<string> {
  yield `${JSON.stringify(stateHeader(view.index, view.featureLevel))}\n`
  let rows = 0
  for (const line of rowLines(view)) {
    rows++
    yield line
  }
  yield `${JSON.stringify(stateTrailer(rows))}\n`
}

/** SHA-256 over all primary rows in a fixed order, hex. Log indexes count where rows carry them. */
export function hashOf(view: View): string {
  const hash = new StateHash(view)
  let digest: string | undefined
  while (digest === undefined) digest = hash.step(limits.snapshotPieceChars)
  return digest
}

/** The same in steps, for a server that has other things to do meanwhile; the view stays as it is. */
export class StateHash {
  readonly #lines: Generator<string>
  readonly #hash = createHash('sha256')

  constructor(view: View) {
    this.#lines = rowLines(view)
  }

  /** Goes on for about `chars` characters of text; the digest at the end, after which it must not be called again. */
  step(chars: number): string | undefined {
    // In pieces: a call per line costs more than the hashing.
    let text = ''
    while (text.length < chars) {
      const line = this.#lines.next()
      if (line.done === true) return this.#hash.update(text).digest('hex')
      text += line.value
    }
    this.#hash.update(text)
    return undefined
  }
}

/** Builds tables from pieces, cut anywhere; `install` gets them when all is there and well. */
export class StateLoader implements SnapshotWriter {
  readonly #edits: Edits = editTables(emptyTables())
  readonly #install: (tables: Tables, staged: Staged | undefined) => void
  readonly #index: LogIndex
  #staged: { readonly position: Omit<Staged, 'tables'>; readonly edits: Edits } | undefined
  #carry: Uint8Array = new Uint8Array(0)
  #lines: StateLines
  #failure: Result<true> | undefined

  constructor(index: LogIndex, install: (tables: Tables, staged: Staged | undefined) => void) {
    this.#index = index
    this.#install = install
    this.#lines = new StateLines({ stage: 'header', rows: 0 }, (row) => this.#load(row))
  }

  write(piece: Uint8Array): void {
    if (this.#failure !== undefined) return
    const bytes = this.#carry.length === 0 ? piece : Buffer.concat([this.#carry, piece])
    const end = bytes.lastIndexOf(0x0a) + 1
    this.#carry = bytes.slice(end)
    try {
      const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, end))
      const fault = this.#lines.take(text)
      if (fault !== undefined) this.#fail(fault)
    } catch {
      this.#fail({ code: 'log-damaged', what: `unreadable after row ${this.#lines.rows}` })
    }
  }

  finish(): Result<true> {
    if (this.#failure !== undefined) return this.#failure
    const { stage, rows } = this.#lines
    if (stage !== 'complete' || this.#carry.length > 0)
      this.#fail({ code: 'log-damaged', what: `cut off after row ${rows}` })
    if (this.#failure !== undefined) return this.#failure
    const staged = this.#staged
    const tables = commitTables(this.#edits, [])
    const level = new View(this.#index, tables).featureLevel
    if (level > maxFeatureLevel)
      return failed(
        'format-too-new',
        `the snapshot is of a cluster at feature level ${level}, this program knows levels up to ${maxFeatureLevel}`,
      )
    this.#install(
      tables,
      staged === undefined ? undefined : { ...staged.position, tables: commitTables(staged.edits, []) },
    )
    return ok(true)
  }

  /** Rows of a state that is being restored stand behind those of the state itself. */
  #load(row: StateRow): boolean {
    if (row[0] === 'staged') this.#staged = { position: row[1], edits: editTables(emptyTables()) }
    else if (row[0] !== 'staged-row') return loadRow(this.#edits, row)
    else return this.#staged !== undefined && loadRow(this.#staged.edits, row[1])
    return true
  }

  #fail({ code, what }: LineFault): void {
    const damaged = `the snapshot at index ${this.#index} is damaged: ${what}`
    this.#failure = failed(code, code === 'log-damaged' ? damaged : what)
  }
}
