/**
 * Frames of the link between an agent and its proxies: length (4 bytes, big-endian) and that many bytes of JSON.
 * Knows nothing of what is said; see message.ts.
 */
import { failed, ok, type Result } from '../../model/errors.ts'
import { limits } from '../../model/limits.ts'

const lengthBytes = 4

/** One frame, or a failure where it would exceed what the other side takes. */
export function encodeLinkFrame(message: unknown): Result<Buffer> {
  const body = Buffer.from(JSON.stringify(message))
  if (body.length > limits.linkFrameBytes)
    return failed('too-large', `a link frame of ${body.length} bytes; ${limits.linkFrameBytes} are allowed`)
  const frame = Buffer.allocUnsafe(lengthBytes + body.length)
  frame.writeUInt32BE(body.length, 0)
  body.copy(frame, lengthBytes)
  return ok(frame)
}

/** Cuts a byte stream into frames. The bytes of one unfinished frame are all that it holds. */
export class LinkDecoder {
  private parts: Buffer[] = []
  private held = 0
  /** Size of the frame being read with its length field; 0 until that is known. */
  private wanted = 0

  /** Whole frames that `chunk` completes, parsed; a failure ends the link. */
  push(chunk: Buffer): Result<readonly unknown[]> {
    const messages: unknown[] = []
    this.parts.push(chunk)
    this.held += chunk.length
    for (;;) {
      if (this.wanted === 0) {
        if (this.held < lengthBytes) break
        const length = this.joined().readUInt32BE(0)
        if (length > limits.linkFrameBytes)
          return failed('too-large', `a link frame of ${length} bytes; ${limits.linkFrameBytes} are allowed`)
        this.wanted = lengthBytes + length
      }
      if (this.held < this.wanted) break
      const whole = this.joined()
      const message = parse(whole.subarray(lengthBytes, this.wanted))
      if (message === undefined) return failed('bad-request', 'a link frame is not JSON')
      messages.push(message)
      this.held -= this.wanted
      this.parts = this.held > 0 ? [whole.subarray(this.wanted)] : []
      this.wanted = 0
    }
    return ok(messages)
  }

  /** Joined only when a length or a whole frame can be read, so that a long frame is copied once and not per chunk. */
  private joined(): Buffer {
    const [only] = this.parts
    if (this.parts.length === 1 && only !== undefined) return only
    const whole = Buffer.concat(this.parts, this.held)
    this.parts = [whole]
    return whole
  }
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString()) ?? undefined
  } catch {
    // The reason of a JSON error names bytes of the text, which may be part of a key.
    return undefined
  }
}
