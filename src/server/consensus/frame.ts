/**
 * One frame of the write-ahead log: a 48-byte header and a payload padded to 8 bytes. Every byte is under a checksum.
 * The header's checksum covers that of the payload and that of the frame before, so a commit frame's checksum is a
 * cumulative hash of the whole log. docs/decisions/0002-write-ahead-log.md tells why the frames look like this.
 *
 *   0 header checksum   4 payload checksum   8 type  9 entry kind  10 zero (2)   12 payload length
 *  16 checksum of the frame before   20 zero (4)   24 batch number (8)   32 index (8)   40 term (8)
 */
import { assert } from '../../model/errors.ts'
import { type LogIndex, logIndex, type Term, term } from '../../model/ids.ts'
import { limits } from '../../model/limits.ts'
import type { Entry, EntryKind, LogPosition } from '../../model/log-entry.ts'
import { crc32c } from '../../wire/crc32c.ts'

export const frameHeaderBytes = 48

/** Entry: one log entry. Truncate: entries after its position are void. Commit: ends a batch, which counts from here. */
export type FrameType = 'entry' | 'truncate' | 'commit'

/** Position plus one is the type byte: 0 stays free, so that zeroed blocks are never frames. */
const types: readonly FrameType[] = ['entry', 'truncate', 'commit']
const kinds: readonly EntryKind[] = ['command', 'configuration', 'barrier']

export interface FrameHeader {
  readonly type: FrameType
  readonly kind: EntryKind
  readonly payloadBytes: number
  /** Checksum of the frame before. */
  readonly chain: number
  /** Of this header: the chain value of the next frame. */
  readonly checksum: number
  readonly batch: number
  readonly index: LogIndex
  readonly term: Term
}

const padded = (length: number): number => Math.ceil(length / 8) * 8

export const frameBytes = (payloadBytes: number): number => frameHeaderBytes + padded(payloadBytes)

/** Lays the frames of one batch into one buffer, so that the batch is one write. */
export class BatchWriter {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #salt: number
  readonly #batch: number
  #chain: number
  #at = 0

  constructor(size: number, batch: number, chain: number, salt: number) {
    this.#bytes = new Uint8Array(size)
    this.#view = new DataView(this.#bytes.buffer)
    this.#batch = batch
    this.#chain = chain
    this.#salt = salt
  }

  /** Checksum of the frame written last. */
  get chain(): number {
    return this.#chain
  }

  /** Where the next frame begins. */
  get position(): number {
    return this.#at
  }

  entry(entry: Entry): void {
    this.#bytes.set(entry.data, this.#at + frameHeaderBytes)
    this.#frame('entry', entry, kinds.indexOf(entry.kind), entry.data.length)
  }

  truncate(after: LogPosition): void {
    this.#frame('truncate', after, 0, 0)
  }

  /** Ends the batch; `last` is the log's last position now. */
  commit(last: LogPosition): Uint8Array {
    this.#frame('commit', last, 0, 0)
    assert(this.#at === this.#bytes.length, 'the batch has the size that was reckoned')
    return this.#bytes
  }

  #frame(type: FrameType, at: LogPosition, kind: number, payloadBytes: number): void {
    const start = this.#at
    const end = start + frameBytes(payloadBytes)
    const view = this.#view
    view.setUint32(start + 4, crc32c(this.#bytes.subarray(start + frameHeaderBytes, end), this.#salt), true)
    view.setUint8(start + 8, types.indexOf(type) + 1)
    view.setUint8(start + 9, kind)
    view.setUint32(start + 12, payloadBytes, true)
    view.setUint32(start + 16, this.#chain, true)
    setNumber(view, start + 24, this.#batch)
    setNumber(view, start + 32, at.index)
    setNumber(view, start + 40, at.term)
    this.#chain = crc32c(this.#bytes.subarray(start + 4, start + frameHeaderBytes), this.#salt)
    view.setUint32(start, this.#chain, true)
    this.#at = end
  }
}

/** `short`: the bytes end inside the frame although everything that is there is right. */
export type FrameRead =
  | { readonly ok: true; readonly header: FrameHeader; readonly payload: Uint8Array; readonly end: number }
  | { readonly ok: false; readonly fault: 'header' | 'payload' | 'short' }

/** The frame at `at`, with both checksums verified. The payload is a view into `bytes`. */
export function readFrame(bytes: Uint8Array, at: number, salt: number): FrameRead {
  const start = at + frameHeaderBytes
  if (start > bytes.length) return { ok: false, fault: 'short' }
  const header = readHeader(bytes.subarray(at, start), salt)
  if (header === undefined) return { ok: false, fault: 'header' }
  const end = at + frameBytes(header.payloadBytes)
  if (end > bytes.length) return { ok: false, fault: 'short' }
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, frameHeaderBytes)
  if (crc32c(bytes.subarray(start, end), salt) !== view.getUint32(4, true))
    return { ok: false, fault: 'payload' }
  return { ok: true, header, payload: bytes.subarray(start, start + header.payloadBytes), end }
}

function readHeader(bytes: Uint8Array, salt: number): FrameHeader | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  // The cheap look first: the search for frames behind damage tries every eighth byte.
  const type = types[view.getUint8(8) - 1]
  const kind = kinds[view.getUint8(9)]
  const payloadBytes = view.getUint32(12, true)
  if (type === undefined || kind === undefined || payloadBytes > limits.walBatchBytes) return undefined
  const checksum = view.getUint32(0, true)
  if (crc32c(bytes.subarray(4), salt) !== checksum) return undefined
  return {
    type,
    kind,
    payloadBytes,
    chain: view.getUint32(16, true),
    checksum,
    batch: getNumber(view, 24),
    index: logIndex(getNumber(view, 32)),
    term: term(getNumber(view, 40)),
  }
}

export function entryOf(header: FrameHeader, payload: Uint8Array): Entry {
  const { term: entryTerm, index, kind } = header
  return { term: entryTerm, index, kind, data: payload }
}

/** Integers up to 2^53 as 64 bits, little-endian. */
export function setNumber(view: DataView, at: number, value: number): void {
  view.setUint32(at, value % 0x1_0000_0000, true)
  view.setUint32(at + 4, Math.floor(value / 0x1_0000_0000), true)
}

export function getNumber(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * 0x1_0000_0000 + view.getUint32(at, true)
}
