/**
 * A snapshot as a file: header with position and servers, the state machine's pieces as they were cut, a trailer. Each
 * piece's checksum continues the one before, so the last one covers the whole file; without the trailer it is unfinished.
 *
 * Header: 0 magic (8)   8 format   12 bytes of server list   16 index (8)   24 term (8)   32 server list   then checksum
 * Piece: 0 length   4 checksum   8 bytes.  Trailer: 0 all ones   4 checksum   8 number of pieces (8)
 */
import type { ClusterConfiguration } from '../../model/cluster.ts'
import { failed, ok, type Result } from '../../model/errors.ts'
import { logIndex, term } from '../../model/ids.ts'
import { limits } from '../../model/limits.ts'
import type { LogPosition } from '../../model/log-entry.ts'
import type { DiskFile } from '../../platform/ports.ts'
import { decodeConfiguration, encodeConfiguration } from '../../raft/configurations.ts'
import { crc32c } from '../../wire/crc32c.ts'
import { getNumber, setNumber } from './frame.ts'

export const snapshotFormat = 1

const magic = new TextEncoder().encode('MESHSNAP')
const headerFixedBytes = 32
const pieceHeaderBytes = 8
const trailerBytes = 16
const trailerMark = 0xffff_ffff
/** A server list is small; a longer one is a damaged length. */
const configurationBytesMax = 1024 * 1024

export interface SnapshotMeta {
  readonly last: LogPosition
  readonly configuration: ClusterConfiguration
}

/** Lays out a snapshot piece by piece. */
export class SnapshotEncoder {
  #chain = 0
  #pieces = 0

  header(meta: SnapshotMeta): Uint8Array {
    const configuration = encodeConfiguration(meta.configuration)
    const bytes = new Uint8Array(headerFixedBytes + configuration.length + 4)
    const view = new DataView(bytes.buffer)
    bytes.set(magic)
    view.setUint32(8, snapshotFormat, true)
    view.setUint32(12, configuration.length, true)
    setNumber(view, 16, meta.last.index)
    setNumber(view, 24, meta.last.term)
    bytes.set(configuration, headerFixedBytes)
    this.#chain = crc32c(bytes.subarray(0, bytes.length - 4))
    view.setUint32(bytes.length - 4, this.#chain, true)
    return bytes
  }

  pieces(pieces: readonly Uint8Array[]): Uint8Array {
    const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + pieceHeaderBytes + piece.length, 0))
    const view = new DataView(bytes.buffer)
    let at = 0
    for (const piece of pieces) {
      this.#chain = crc32c(piece, this.#chain)
      this.#pieces += 1
      view.setUint32(at, piece.length, true)
      view.setUint32(at + 4, this.#chain, true)
      bytes.set(piece, at + pieceHeaderBytes)
      at += pieceHeaderBytes + piece.length
    }
    return bytes
  }

  trailer(): Uint8Array {
    const bytes = new Uint8Array(trailerBytes)
    const view = new DataView(bytes.buffer)
    view.setUint32(0, trailerMark, true)
    setNumber(view, 8, this.#pieces)
    view.setUint32(4, crc32c(bytes.subarray(8), this.#chain), true)
    return bytes
  }
}

export type PieceRead =
  | { readonly kind: 'piece'; readonly piece: Uint8Array }
  | { readonly kind: 'end' }
  | { readonly kind: 'damaged' }

/** Reads a snapshot piece by piece and believes nothing that its checksum does not cover. */
export class SnapshotDecoder {
  readonly #file: DiskFile
  #chain = 0
  #pieces = 0
  #at = 0

  constructor(file: DiskFile) {
    this.#file = file
  }

  /** Must come first. */
  header(): Result<SnapshotMeta> {
    const fixed = this.#file.read(0, headerFixedBytes)
    if (fixed.length < headerFixedBytes || !magic.every((byte, at) => fixed[at] === byte))
      return this.#damaged()
    const view = new DataView(fixed.buffer, fixed.byteOffset, fixed.byteLength)
    const length = view.getUint32(12, true)
    if (length > configurationBytesMax) return this.#damaged()
    const end = headerFixedBytes + length
    const whole = this.#file.read(0, end + 4)
    if (whole.length < end + 4) return this.#damaged()
    this.#chain = crc32c(whole.subarray(0, end))
    if (this.#chain !== new DataView(whole.buffer, whole.byteOffset + end, 4).getUint32(0, true))
      return this.#damaged()
    const format = view.getUint32(8, true)
    if (format > snapshotFormat)
      return failed('format-too-new', `${this.#file.path} has format ${format}, this program knows 1`)
    const configuration = decodeConfiguration(whole.subarray(headerFixedBytes, end))
    if (!configuration.ok) return configuration
    this.#at = end + 4
    const last = { index: logIndex(getNumber(view, 16)), term: term(getNumber(view, 24)) }
    return ok({ last, configuration: configuration.value })
  }

  next(): PieceRead {
    const head = this.#file.read(this.#at, trailerBytes)
    if (head.length < pieceHeaderBytes) return { kind: 'damaged' }
    const view = new DataView(head.buffer, head.byteOffset, head.byteLength)
    const length = view.getUint32(0, true)
    const checksum = view.getUint32(4, true)
    if (length === trailerMark) {
      const isWhole =
        head.length === trailerBytes &&
        this.#at + trailerBytes === this.#file.size() &&
        crc32c(head.subarray(8), this.#chain) === checksum &&
        getNumber(view, 8) === this.#pieces
      return { kind: isWhole ? 'end' : 'damaged' }
    }
    if (length > limits.snapshotPieceBytes) return { kind: 'damaged' }
    const piece = this.#file.read(this.#at + pieceHeaderBytes, length)
    this.#chain = crc32c(piece, this.#chain)
    if (piece.length !== length || this.#chain !== checksum) return { kind: 'damaged' }
    this.#pieces += 1
    this.#at += pieceHeaderBytes + length
    return { kind: 'piece', piece }
  }

  #damaged(): Result<SnapshotMeta> {
    return failed('log-damaged', `the snapshot ${this.#file.path} is damaged`)
  }
}
