/**
 * Lays frames down in a staging buffer, without an object per frame. Who owns the buffer and when it is sent is
 * proxy/transport/outbox.ts; `FrameBytes` here is the plain growing one.
 */
import { assert } from '../../model/errors.ts'
import { limits } from '../../model/limits.ts'
import { type EndCode, endCodeToWire } from './codes.ts'
import { frameTypes, headerBytes, maxCredit, tunnelVersions } from './frame.ts'

/** After `reserve(n)` there is room for n bytes at `position` of `buffer`. */
export interface FrameTarget {
  buffer: Buffer
  position: number
  reserve(bytes: number): void
}

function begin(to: FrameTarget, type: number, stream: number, length: number): void {
  to.reserve(headerBytes + length)
  to.buffer.writeUInt32BE(type * 0x100_0000 + length, to.position)
  to.buffer.writeUInt32BE(stream, to.position + 4)
  to.position += headerBytes
}

function put32(to: FrameTarget, value: number): void {
  to.position = to.buffer.writeUInt32BE(value, to.position)
}

export function putHello(to: FrameTarget, versions: { min: number; max: number } = tunnelVersions): void {
  begin(to, frameTypes.hello, 0, 2)
  to.buffer[to.position] = versions.min
  to.buffer[to.position + 1] = versions.max
  to.position += 2
}

/** `credit`: bytes that the other side may send on this stream before it is given more. */
export function putOpen(
  to: FrameTarget,
  stream: number,
  open: { readonly version: number; readonly credit: number; readonly metadata: Buffer },
): void {
  begin(to, frameTypes.open, stream, 5 + open.metadata.length)
  to.buffer[to.position] = open.version
  to.position += 1
  put32(to, open.credit)
  to.position += open.metadata.copy(to.buffer, to.position)
}

export function putAck(to: FrameTarget, stream: number, credit: number): void {
  begin(to, frameTypes.ack, stream, 4)
  put32(to, credit)
}

/** At most `limits.tunnelFrameBytes` bytes, which are copied. */
export function putData(to: FrameTarget, stream: number, bytes: Buffer): void {
  begin(to, frameTypes.data, stream, bytes.length)
  to.position += bytes.copy(to.buffer, to.position)
}

export function putFin(to: FrameTarget, stream: number): void {
  begin(to, frameTypes.fin, stream, 0)
}

export function putWindow(to: FrameTarget, stream: number, credit: number): void {
  assert(credit > 0 && credit <= maxCredit, `credit of ${credit} bytes`)
  begin(to, frameTypes.window, stream, 4)
  put32(to, credit)
}

export function putRefused(to: FrameTarget, stream: number, code: EndCode, text: string): void {
  putCode(to, frameTypes.refused, stream, { code, text })
}

export function putReset(to: FrameTarget, stream: number, code: EndCode, text: string): void {
  putCode(to, frameTypes.reset, stream, { code, text })
}

function putCode(
  to: FrameTarget,
  type: number,
  stream: number,
  end: { readonly code: EndCode; readonly text: string },
): void {
  const text = shortText(end.text)
  begin(to, type, stream, 2 + text.length)
  to.position = to.buffer.writeUInt16BE(endCodeToWire(end.code), to.position)
  to.position += text.copy(to.buffer, to.position)
}

/** `lastStream`: no stream above this id was or will be looked at. */
export function putGoaway(to: FrameTarget, code: EndCode, lastStream: number, text: string): void {
  const short = shortText(text)
  begin(to, frameTypes.goaway, 0, 6 + short.length)
  to.position = to.buffer.writeUInt16BE(endCodeToWire(code), to.position)
  put32(to, lastStream)
  to.position += short.copy(to.buffer, to.position)
}

/** `nonce` has 8 bytes; a PONG repeats that of its PING. */
export function putPing(to: FrameTarget, type: 'ping' | 'pong', nonce: Buffer): void {
  begin(to, frameTypes[type], 0, 8)
  to.position += nonce.copy(to.buffer, to.position, 0, 8)
}

/** Cut at a whole character, so that a strict reader takes it. */
function shortText(text: string): Buffer {
  const bytes = Buffer.from(text)
  if (bytes.length <= limits.tunnelTextBytes) return bytes
  let end = limits.tunnelTextBytes
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1
  return bytes.subarray(0, end)
}

/** A target that grows: for openings that are written once, and for tests. */
export class FrameBytes implements FrameTarget {
  buffer = Buffer.alloc(256)
  position = 0

  reserve(bytes: number): void {
    if (this.buffer.length - this.position >= bytes) return
    const larger = Buffer.alloc(Math.max(this.buffer.length * 2, this.position + bytes))
    this.buffer.copy(larger, 0, 0, this.position)
    this.buffer = larger
  }

  bytes(): Buffer {
    return this.buffer.subarray(0, this.position)
  }
}
