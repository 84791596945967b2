/**
 * Raft messages as bytes: a version byte, a type byte, then the fields of that type in fixed order, little-endian,
 * numbers as 64-bit. Binary because appends carry the log itself. Meaning: src/raft; the sender is the transport's.
 *
 * Rules of change: a type's fields never change under one version; a new field is a new version, and both are read.
 */
import { failed, ok, type Result } from '../model/errors.ts'
import { type LogIndex, logIndex, type Term, term } from '../model/ids.ts'
import { limits } from '../model/limits.ts'
import type { Entry, EntryKind, LogPosition } from '../model/log-entry.ts'
import type { RaftMessage, RaftMessageType } from '../model/raft-message.ts'

const version = 1

/** Position is the type byte; append only. */
const types: readonly RaftMessageType[] = [
  'pre-vote',
  'pre-vote-response',
  'vote',
  'vote-response',
  'append',
  'append-accepted',
  'append-rejected',
  'heartbeat',
  'heartbeat-response',
  'newer-term',
  'read',
  'read-response',
  'timeout-now',
  'snapshot-chunk',
  'snapshot-received',
]
const kinds: readonly EntryKind[] = ['command', 'configuration', 'barrier']

/** Version, type and term, then at most seven numbers. */
const fixedBytes = 2 + 8 * 8
const entryHeaderBytes = 13

export function encodeRaftMessage(message: RaftMessage): Uint8Array {
  const out = new Writer(sizeBound(message))
  out.byte(version)
  out.byte(types.indexOf(message.type))
  out.number(message.term)
  encodeFields(out, message)
  return out.done()
}

function sizeBound(message: RaftMessage): number {
  if (message.type === 'snapshot-chunk') return fixedBytes + message.data.length
  if (message.type !== 'append') return fixedBytes
  return message.entries.reduce((sum, entry) => sum + entryHeaderBytes + entry.data.length, fixedBytes)
}

function encodeFields(out: Writer, message: RaftMessage): void {
  switch (message.type) {
    case 'pre-vote':
      out.position(message.last)
      return
    case 'vote':
      out.position(message.last)
      out.byte(message.transfer ? 1 : 0)
      return
    case 'pre-vote-response':
    case 'vote-response':
      out.byte(message.granted ? 1 : 0)
      return
    case 'append':
      out.position(message.previous)
      out.number(message.commit)
      out.number(message.entries.length)
      for (const entry of message.entries) out.entry(entry)
      return
    case 'append-accepted':
      out.number(message.match)
      return
    case 'append-rejected':
      out.number(message.previous)
      out.position(message.hint)
      return
    case 'heartbeat':
      out.number(message.commit)
      out.number(message.round)
      return
    case 'heartbeat-response':
      out.number(message.round)
      return
    case 'newer-term':
    case 'timeout-now':
      return
    case 'read':
      out.number(message.request)
      return
    case 'read-response':
      out.number(message.request)
      out.number(message.index)
      return
    case 'snapshot-chunk':
      out.position(message.last)
      out.number(message.fileBytes)
      out.number(message.offset)
      out.number(message.checksum)
      out.rest(message.data)
      return
    case 'snapshot-received':
      out.number(message.index)
      out.number(message.offset)
      return
  }
}

/** Data of entries and chunks is not copied: the caller must not use `bytes` for anything else afterwards. */
export function decodeRaftMessage(bytes: Uint8Array): Result<RaftMessage> {
  if (bytes.length > limits.raftMessageBytes)
    return failed(
      'too-large',
      `raft message of ${bytes.length} bytes, the limit is ${limits.raftMessageBytes}`,
    )
  if (bytes[0] !== version)
    return failed('version-mismatch', `raft message of version ${bytes[0] ?? 'none'}, this program knows 1`)
  const input = new Reader(bytes)
  input.byte()
  const type = types[input.byte()]
  const message = type === undefined ? undefined : decodeFields(input, type)
  if (message === undefined || !input.isAtEnd)
    return failed('bad-request', 'raft message cannot be understood')
  return ok(message)
}

function decodeFields(input: Reader, type: RaftMessageType): RaftMessage | undefined {
  const at = input.term()
  switch (type) {
    case 'pre-vote':
      return { type, term: at, last: input.position() }
    case 'vote':
      return { type, term: at, last: input.position(), transfer: input.flag() }
    case 'pre-vote-response':
    case 'vote-response':
      return { type, term: at, granted: input.flag() }
    case 'append':
      return decodeAppend(input, at)
    case 'append-accepted':
      return { type, term: at, match: input.index() }
    case 'append-rejected':
      return { type, term: at, previous: input.index(), hint: input.position() }
    case 'heartbeat':
      return { type, term: at, commit: input.index(), round: input.number() }
    case 'heartbeat-response':
      return { type, term: at, round: input.number() }
    case 'newer-term':
    case 'timeout-now':
      return { type, term: at }
    case 'read':
      return { type, term: at, request: input.number() }
    case 'read-response':
      return { type, term: at, request: input.number(), index: input.index() }
    case 'snapshot-chunk':
      return {
        type,
        term: at,
        last: input.position(),
        fileBytes: input.number(),
        offset: input.number(),
        checksum: input.number(),
        data: input.rest(),
      }
    case 'snapshot-received':
      return { type, term: at, index: input.index(), offset: input.number() }
  }
}

function decodeAppend(input: Reader, at: Term): RaftMessage | undefined {
  const previous = input.position()
  const commit = input.index()
  const count = input.number()
  // Checked before anything is allocated for the entries.
  if (count * entryHeaderBytes > input.left) return undefined
  const entries: Entry[] = []
  for (let i = 1; i <= count; i += 1) {
    const entry = input.entry(logIndex(previous.index + i))
    if (entry === undefined) return undefined
    entries.push(entry)
  }
  return { type: 'append', term: at, previous, commit, entries }
}

class Writer {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at = 0

  constructor(size: number) {
    this.#bytes = new Uint8Array(size)
    this.#view = new DataView(this.#bytes.buffer)
  }

  byte(value: number): void {
    this.#bytes[this.#at] = value
    this.#at += 1
  }

  number(value: number): void {
    this.#view.setUint32(this.#at, value % 0x1_0000_0000, true)
    this.#view.setUint32(this.#at + 4, Math.floor(value / 0x1_0000_0000), true)
    this.#at += 8
  }

  position(position: LogPosition): void {
    this.number(position.index)
    this.number(position.term)
  }

  /** The index is not sent: entries follow one another. */
  entry(entry: Entry): void {
    this.number(entry.term)
    this.byte(kinds.indexOf(entry.kind))
    this.#view.setUint32(this.#at, entry.data.length, true)
    this.#at += 4
    this.rest(entry.data)
  }

  rest(data: Uint8Array): void {
    this.#bytes.set(data, this.#at)
    this.#at += data.length
  }

  done(): Uint8Array {
    return this.#bytes.subarray(0, this.#at)
  }
}

/** Reads past the end, and numbers that are no exact integers, make the whole message invalid. */
class Reader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at = 0
  #isBroken: boolean = false

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  get isAtEnd(): boolean {
    return this.left === 0 && !this.#isBroken
  }

  byte(): number {
    return this.#take(1) ? this.#view.getUint8(this.#at - 1) : 0
  }

  flag(): boolean {
    const value = this.byte()
    if (value > 1) this.#isBroken = true
    return value === 1
  }

  number(): number {
    if (!this.#take(8)) return 0
    const low = this.#view.getUint32(this.#at - 8, true)
    const value = this.#view.getUint32(this.#at - 4, true) * 0x1_0000_0000 + low
    if (!Number.isSafeInteger(value)) this.#isBroken = true
    return value
  }

  term(): Term {
    return term(this.number())
  }

  index(): LogIndex {
    return logIndex(this.number())
  }

  position(): LogPosition {
    return { index: this.index(), term: this.term() }
  }

  entry(index: LogIndex): Entry | undefined {
    const entryTerm = this.term()
    const kind = kinds[this.byte()]
    const length = this.#take(4) ? this.#view.getUint32(this.#at - 4, true) : 0
    const start = this.#at
    if (kind === undefined || !this.#take(length)) return undefined
    return { term: entryTerm, index, kind, data: this.#bytes.subarray(start, this.#at) }
  }

  rest(): Uint8Array {
    const start = this.#at
    this.#at = this.#bytes.length
    return this.#bytes.subarray(start)
  }

  #take(length: number): boolean {
    if (length > this.left) {
      this.#isBroken = true
      return false
    }
    this.#at += length
    return true
  }
}
