/**
 * Datagrams inside the bytes of one stream: each is its length (2 bytes, big-endian) and its payload, which may be empty.
 * Whether a stream carries them is said by its OPEN (metadata.ts). Knows no frames, no sockets and no credit.
 */

export const datagramHeaderBytes = 2

/** Longest payload of a UDP datagram over IPv4: 65,535 without the headers of IP and UDP (RFC 768, RFC 791). */
export const maxDatagramBytes = 65_507

const nothing = Buffer.alloc(0)
const staged = Buffer.allocUnsafeSlow(datagramHeaderBytes + maxDatagramBytes)

/** Length and payload as they go into a stream; valid until the next call. `payload` has at most `maxDatagramBytes`. */
export function withLength(payload: Buffer): Buffer {
  staged.writeUInt16BE(payload.length, 0)
  payload.copy(staged, datagramHeaderBytes)
  return staged.subarray(0, datagramHeaderBytes + payload.length)
}

/** Cuts the bytes of a stream into datagrams; keeps at most one that is not whole yet. */
export class DatagramReader {
  private readonly header = Buffer.alloc(datagramHeaderBytes)
  private headerFilled = 0
  private body: Buffer = nothing
  private bodyFilled = 0

  /** `each` gets every whole datagram, valid only during the call. False: a length that none can have. */
  push(bytes: Buffer, each: (payload: Buffer) => void): boolean {
    let at = 0
    while (at < bytes.length) {
      const end = this.headerFilled === 0 ? wholeUntil(bytes, at) : at
      if (end > at) {
        each(bytes.subarray(at + datagramHeaderBytes, end))
        at = end
        continue
      }
      at = this.headerFilled < datagramHeaderBytes ? this.readHeader(bytes, at) : this.readBody(bytes, at)
      if (this.body.length > maxDatagramBytes) return false
      if (this.headerFilled === datagramHeaderBytes && this.bodyFilled === this.body.length) this.finish(each)
    }
    return true
  }

  private readHeader(bytes: Buffer, at: number): number {
    this.header[this.headerFilled] = bytes[at] ?? 0
    this.headerFilled += 1
    if (this.headerFilled === datagramHeaderBytes) this.body = Buffer.allocUnsafe(this.header.readUInt16BE(0))
    return at + 1
  }

  private readBody(bytes: Buffer, at: number): number {
    const copied = bytes.copy(this.body, this.bodyFilled, at)
    this.bodyFilled += copied
    return at + copied
  }

  private finish(each: (payload: Buffer) => void): void {
    const payload = this.body
    this.headerFilled = 0
    this.body = nothing
    this.bodyFilled = 0
    each(payload)
  }
}

/** Where the datagram that begins at `at` ends, if all of it is there; else `at`. */
function wholeUntil(bytes: Buffer, at: number): number {
  if (bytes.length - at < datagramHeaderBytes) return at
  const end = at + datagramHeaderBytes + bytes.readUInt16BE(at)
  return end <= bytes.length && end - at <= datagramHeaderBytes + maxDatagramBytes ? end : at
}
