/**
 * The file of `mesh snapshot save`: text lines that an operator can read. First one of what it is and from where, then
 * the state as the store writes it, last one with the SHA-256 of everything before. Whether it fits this cluster is
 * decided where it is restored.
 */
import { createHash } from 'node:crypto'
import { type Failure, failed, ok, type Result } from '../model/errors.ts'
import { limits } from '../model/limits.ts'

const format = 'mesh-agent-snapshot'
const formatVersion = 1

/** Where a snapshot comes from. */
export interface ArchiveOrigin {
  /** Log index and term at which the state was taken. */
  readonly index: number
  readonly term: number
  readonly clusterId: string
  readonly datacenter: string
  /** A cluster that stands below it cannot take the snapshot. */
  readonly featureLevel: number
  /** Node name of the server that wrote it, its program's version, and when by its clock (ISO 8601). */
  readonly server: string
  readonly program: string
  readonly createdAt: string
}

/** Rows and bytes of one table. */
export interface TableSize {
  readonly rows: number
  readonly bytes: number
}

export interface ArchiveSummary {
  readonly origin: ArchiveOrigin
  readonly bytes: number
  readonly sha256: string
  /** By name, in the order of the file. */
  readonly tables: Readonly<Record<string, TableSize>>
}

/** Makes the parts that stand around the state's own pieces, and sums up all of them. */
export class ArchiveWriter {
  readonly #hash = createHash('sha256')
  #bytes = 0

  header(origin: ArchiveOrigin): Uint8Array {
    return this.piece(Buffer.from(`${JSON.stringify({ format, version: formatVersion, ...origin })}\n`))
  }

  /** The piece itself, counted. */
  piece(bytes: Uint8Array): Uint8Array {
    this.#hash.update(bytes)
    this.#bytes += bytes.length
    return bytes
  }

  trailer(): Uint8Array {
    return Buffer.from(`${JSON.stringify({ sha256: this.#hash.digest('hex'), bytes: this.#bytes })}\n`)
  }
}

const trailerStart = '{"sha256":'

export interface ArchiveListener {
  /** Once, before any state; a failure refuses the rest. */
  readonly onOrigin: (origin: ArchiveOrigin) => Failure | undefined
  /** Whole lines of the state, in order. */
  readonly onState: (lines: string) => void
}

/** Reads an archive in pieces, cut anywhere. Believes nothing before `finish` says so. */
export class ArchiveReader {
  readonly #listener: ArchiveListener
  readonly #hash = createHash('sha256')
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  readonly #tables = new Map<string, { rows: number; bytes: number }>()
  #carry = ''
  #bytes = 0
  #origin: ArchiveOrigin | undefined
  #trailer: string | undefined
  #failure: Failure | undefined

  constructor(listener: ArchiveListener) {
    this.#listener = listener
  }

  /** What is wrong, if anything was found so far. */
  write(piece: Uint8Array): Result<true> {
    if (this.#failure === undefined) this.#take(piece)
    return this.#failure === undefined ? ok(true) : { ok: false, failure: this.#failure }
  }

  finish(): Result<ArchiveSummary> {
    if (this.#failure !== undefined) return { ok: false, failure: this.#failure }
    if (this.#origin === undefined || this.#trailer === undefined || this.#carry !== '')
      return damaged('it is cut off')
    const sha256 = this.#hash.digest('hex')
    if (this.#trailer !== `${JSON.stringify({ sha256, bytes: this.#bytes })}\n`)
      return damaged('its SHA-256 is not the one at its end')
    return ok({
      origin: this.#origin,
      bytes: this.#bytes,
      sha256,
      tables: Object.fromEntries(this.#tables),
    })
  }

  #take(piece: Uint8Array): void {
    let text: string
    try {
      text = this.#carry + this.#decoder.decode(piece, { stream: true })
    } catch {
      this.#fail(damaged('it is no text'))
      return
    }
    const end = text.lastIndexOf('\n') + 1
    this.#carry = text.slice(end)
    if (this.#carry.length > limits.snapshotPieceBytes) this.#fail(damaged('a line has no end'))
    else if (end > 0) this.#lines(text.slice(0, end))
  }

  #lines(lines: string): void {
    if (this.#trailer !== undefined) {
      this.#fail(damaged('something follows its end'))
      return
    }
    const start = this.#origin === undefined ? this.#header(lines) : 0
    if (this.#failure !== undefined) return
    const trailer = lines.startsWith(trailerStart, start)
      ? start
      : lines.indexOf(`\n${trailerStart}`, Math.max(0, start - 1)) + 1
    const isEnd = trailer > 0 || lines.startsWith(trailerStart, start)
    const state = isEnd ? lines.slice(start, trailer) : lines.slice(start)
    if (isEnd) this.#trailer = lines.slice(trailer)
    if (state === '') return
    this.#count(state)
    this.#sum(state)
    this.#listener.onState(state)
  }

  /** Where the state begins. */
  #header(lines: string): number {
    const end = lines.indexOf('\n') + 1
    const origin = readOrigin(lines.slice(0, end))
    const refusal = origin.ok ? this.#listener.onOrigin(origin.value) : origin.failure
    if (refusal !== undefined) this.#failure = refusal
    if (origin.ok) this.#origin = origin.value
    this.#sum(lines.slice(0, end))
    return end
  }

  #sum(text: string): void {
    this.#hash.update(text)
    this.#bytes += Buffer.byteLength(text)
  }

  #count(state: string): void {
    for (const match of state.matchAll(/^\["([a-z-]+)",.*$/gm)) {
      const name = match[1] ?? ''
      const known = this.#tables.get(name) ?? { rows: 0, bytes: 0 }
      this.#tables.set(name, {
        rows: known.rows + 1,
        bytes: known.bytes + Buffer.byteLength(match[0]) + 1,
      })
    }
  }

  #fail(refused: { readonly failure: Failure }): void {
    this.#failure = refused.failure
  }
}

const damaged = (what: string): { readonly ok: false; readonly failure: Failure } =>
  failed('snapshot-damaged', `the snapshot is damaged: ${what}`)

const isNumber = (value: unknown): value is number => typeof value === 'number' && value >= 0

function readOrigin(line: string): Result<ArchiveOrigin> {
  let value: Partial<Record<string, unknown>>
  try {
    value = Object(JSON.parse(line)) as Partial<Record<string, unknown>>
  } catch {
    value = {}
  }
  if (value['format'] !== format)
    return failed('snapshot-damaged', 'this is no snapshot of mesh-agent: it does not begin like one')
  if (!isNumber(value['version']) || value['version'] > formatVersion)
    return failed(
      'format-too-new',
      `the snapshot has format ${String(value['version'])}, this program knows 1`,
    )
  const { index, term, featureLevel, clusterId, datacenter, server, program, createdAt } = value
  const texts = { clusterId, datacenter, server, program, createdAt }
  const isWhole = [index, term, featureLevel].every(isNumber)
  if (!isWhole || !Object.values(texts).every((text) => typeof text === 'string'))
    return damaged('its first line')
  return ok({ index, term, featureLevel, ...texts } as ArchiveOrigin)
}
