/**
 * Cuts a byte stream into tunnel frames: incremental, strict, with bounded memory. DATA payloads are passed on as they
 * arrive, without copying and without waiting for the whole frame; other frames are small and handed over whole.
 * Knows nothing of sessions and streams beyond the header.
 */
import { type EndCode, endCodeFromWire } from './codes.ts'
import {
  type FrameType,
  frameTypes,
  headerBytes,
  headerFault,
  isKnownType,
  maxControlBytes,
} from './frame.ts'
import { decodeMetadata, type OpenMetadata, readText } from './metadata.ts'

/** Both return false to stop: nothing else of the chunk is looked at. */
export interface FrameVisitor {
  /** One or more parts of a DATA payload, in order; `bytes` is a view into what was pushed. */
  onData(stream: number, bytes: Buffer): boolean
  /** A whole frame of another known type; `payload` is valid only during the call. */
  onFrame(type: FrameType, stream: number, payload: Buffer): boolean
}

const nothing = Buffer.alloc(0)

export class FrameDecoder {
  /** What was wrong; '' while everything was in order. After a fault nothing is decoded any more. */
  fault = ''
  private readonly header = Buffer.alloc(headerBytes)
  private headerFilled = 0
  private type = 0
  private stream = 0
  /** Payload bytes of the present frame that are still to come. */
  private left = 0
  /** Payload of a control frame that came in pieces; made when first needed. */
  private assembled = nothing
  private assembledBytes = 0

  /** False after a fault, or when the visitor wanted no more. */
  push(chunk: Buffer, visitor: FrameVisitor): boolean {
    let at = 0
    while (this.fault === '' && at < chunk.length) {
      if (this.headerFilled < headerBytes) {
        at = this.readHeader(chunk, at)
        if (this.headerFilled < headerBytes || this.fault !== '') continue
        if (this.left > 0) continue
        if (!this.finish(nothing, visitor)) return false
      } else {
        const end = Math.min(chunk.length, at + this.left)
        if (!this.readPayload(chunk.subarray(at, end), visitor)) return false
        at = end
      }
    }
    return this.fault === ''
  }

  private readHeader(chunk: Buffer, at: number): number {
    const take = Math.min(headerBytes - this.headerFilled, chunk.length - at)
    let source = chunk
    let offset = at
    if (take < headerBytes) {
      chunk.copy(this.header, this.headerFilled, at, at + take)
      this.headerFilled += take
      if (this.headerFilled < headerBytes) return at + take
      source = this.header
      offset = 0
    }
    this.headerFilled = headerBytes
    this.type = source[offset] ?? 0
    this.left = source.readUIntBE(offset + 1, 3)
    this.stream = source.readUInt32BE(offset + 4)
    this.fault = headerFault(this.type, this.left, this.stream)
    return at + take
  }

  private readPayload(bytes: Buffer, visitor: FrameVisitor): boolean {
    this.left -= bytes.length
    if (this.type === frameTypes.data) {
      if (this.left === 0) this.headerFilled = 0
      return visitor.onData(this.stream, bytes)
    }
    if (!isKnownType(this.type)) {
      if (this.left === 0) this.headerFilled = 0
      return true
    }
    if (this.left === 0 && this.assembledBytes === 0) return this.finish(bytes, visitor)
    if (this.assembled === nothing) this.assembled = Buffer.alloc(maxControlBytes)
    this.assembledBytes += bytes.copy(this.assembled, this.assembledBytes)
    return this.left > 0 || this.finish(this.assembled.subarray(0, this.assembledBytes), visitor)
  }

  private finish(payload: Buffer, visitor: FrameVisitor): boolean {
    this.headerFilled = 0
    this.assembledBytes = 0
    return !isKnownType(this.type) || visitor.onFrame(this.type, this.stream, payload)
  }
}

export interface OpenFrame {
  readonly version: number
  readonly credit: number
  /** Undefined where the metadata cannot be read. */
  readonly metadata: OpenMetadata | undefined
}

export function readOpen(payload: Buffer): OpenFrame {
  return {
    version: payload.readUInt8(0),
    credit: payload.readUInt32BE(1),
    metadata: decodeMetadata(payload.subarray(5)),
  }
}

/** Payload of REFUSED and RESET; undefined where the text is not UTF-8. */
export function readEnd(payload: Buffer): { readonly code: EndCode; readonly text: string } | undefined {
  const text = readText(payload.subarray(2))
  return text === undefined ? undefined : { code: endCodeFromWire(payload.readUInt16BE(0)), text }
}

export interface GoawayFrame {
  readonly code: EndCode
  readonly lastStream: number
  readonly text: string
}

export function readGoaway(payload: Buffer): GoawayFrame | undefined {
  const text = readText(payload.subarray(6))
  if (text === undefined) return undefined
  return { code: endCodeFromWire(payload.readUInt16BE(0)), lastStream: payload.readUInt32BE(2), text }
}
