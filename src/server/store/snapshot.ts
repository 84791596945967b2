/**
 * The state as bytes and back: JSON lines, because a snapshot outlives the program that wrote it. First a header with
 * the format's version, then one line per primary row, then a trailer with their number. Further trees are made again
 * while reading. Both directions work in pieces, so that neither holds up the server.
 */
import { createHash } from 'node:crypto'
import { failed, ok, type Result } from '../../model/errors.ts'
import { type LogIndex, logIndex } from '../../model/ids.ts'
import { limits } from '../../model/limits.ts'
import type { SnapshotReader, SnapshotWriter } from '../consensus/contract.ts'
import { key1, key2, settingsKey } from './keys.ts'
import {
  commitTables,
  type Edits,
  editTables,
  emptyTables,
  indexIntention,
  type PrimaryTable,
  placeCheck,
  placeInstance,
  type TableRow,
  type Tables,
} from './tables.ts'
import type { View } from './view.ts'

const format = 'mesh-agent-state'
const formatVersion = 1

/** Fixed, so that pictures of equal states are equal bytes. Nodes come before what stands on them. */
const order: readonly PrimaryTable[] = [
  'settings',
  'nodes',
  'services',
  'checks',
  'entries',
  'intentions',
  'roots',
  'enrollments',
  'hosts',
  'operators',
  'indexes',
]

function* rowLines(tables: Tables): Generator<string> {
  for (const name of order) for (const row of tables[name].scan()) yield `${JSON.stringify([name, row])}\n`
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
  yield `${JSON.stringify({ format, version: formatVersion, index: view.index })}\n`
  let rows = 0
  for (const line of rowLines(view.tables)) {
    rows++
    yield line
  }
  yield `${JSON.stringify({ end: true, rows })}\n`
}

/** SHA-256 over all primary rows in a fixed order, hex. Log indexes count where rows carry them. */
export function hashOf(view: View): string {
  const hash = createHash('sha256')
  for (const line of rowLines(view.tables)) hash.update(line)
  return hash.digest('hex')
}

/** Builds tables from pieces, cut anywhere; `install` gets them when all is there and well. */
export class StateLoader implements SnapshotWriter {
  readonly #edits: Edits = editTables(emptyTables())
  readonly #install: (tables: Tables) => void
  readonly #index: LogIndex
  #carry: Uint8Array = new Uint8Array(0)
  #rows = 0
  #stage: 'header' | 'rows' | 'complete' = 'header'
  #failure: Result<true> | undefined

  constructor(index: LogIndex, install: (tables: Tables) => void) {
    this.#index = index
    this.#install = install
  }

  write(piece: Uint8Array): void {
    if (this.#failure !== undefined) return
    const bytes = this.#carry.length === 0 ? piece : Buffer.concat([this.#carry, piece])
    const end = bytes.lastIndexOf(0x0a) + 1
    this.#carry = bytes.slice(end)
    try {
      const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, end))
      for (const line of text.split('\n')) if (line !== '') this.#line(JSON.parse(line))
    } catch (cause) {
      this.#fail(`unreadable after row ${this.#rows}: ${cause instanceof Error ? cause.message : 'no text'}`)
    }
  }

  finish(): Result<true> {
    if (this.#failure !== undefined) return this.#failure
    if (this.#stage !== 'complete' || this.#carry.length > 0) this.#fail(`cut off after row ${this.#rows}`)
    if (this.#failure !== undefined) return this.#failure
    this.#install(commitTables(this.#edits, []))
    return ok(true)
  }

  #line(line: unknown): void {
    if (this.#failure !== undefined) return
    if (this.#stage === 'header') this.#header(line as Partial<Record<string, unknown>>)
    else if (this.#stage === 'complete') this.#fail('lines after its end')
    else if (Array.isArray(line)) this.#row(line as unknown as TableRow)
    else this.#trailer(line as Partial<Record<string, unknown>>)
  }

  #header(line: Partial<Record<string, unknown>>): void {
    this.#stage = 'rows'
    const { version } = line
    if (line['format'] !== format) this.#fail('it does not start with the header of a state')
    else if (typeof version !== 'number' || version > formatVersion)
      this.#failure = failed(
        'format-too-new',
        `the snapshot has state format ${String(version)}, this program knows up to ${formatVersion}`,
      )
  }

  #row(row: TableRow): void {
    this.#rows++
    if (!loadRow(this.#edits, row)) this.#fail(`row ${this.#rows} is of an unknown table "${row[0]}"`)
  }

  #trailer(line: Partial<Record<string, unknown>>): void {
    this.#stage = 'complete'
    if (line['end'] !== true || line['rows'] !== this.#rows) this.#fail(`wrong end after row ${this.#rows}`)
  }

  #fail(what: string): void {
    this.#failure = failed('log-damaged', `the snapshot at index ${this.#index} is damaged: ${what}`)
  }
}

/** False where the table is not known. */
function loadRow(edits: Edits, [table, row]: TableRow): boolean {
  switch (table) {
    case 'settings':
      edits.settings.set(settingsKey, row)
      return true
    case 'nodes':
      edits.nodes.set(key1(row.name), row)
      return true
    case 'services':
      placeInstance(edits, undefined, row)
      return true
    case 'checks':
      placeCheck(edits, undefined, row)
      return true
    case 'entries':
      edits.entries.set(key2(row.kind, row.name), row)
      return true
    case 'intentions':
      indexIntention(edits, row)
      return true
    case 'roots':
      edits.roots.set(key2(row.plane, row.id), row)
      return true
    case 'enrollments':
      edits.enrollments.set(key1(row.tokenHash), row)
      return true
    case 'hosts':
      edits.hosts.set(key1(row.node), row)
      return true
    case 'operators':
      edits.operators.set(key1(row.tokenHash), row)
      return true
    case 'indexes':
      edits.indexes.set(row.row, row)
      return true
    default:
      return false
  }
}
