/**
 * Staging buffers of all sessions of a worker: two sizes, reused newest first so that they stay in the processor's
 * cache. An idle session holds none. Knows nothing of frames.
 */

/** Holds the frames of most turns of the event loop: small requests and their answers. */
const smallBytes = 16 * 1024
/** Holds a whole stream window with its headers, so that bulk data is one TLS write. */
const largeBytes = 288 * 1024
const smallKept = 256
const largeKept = 16

export class BufferPool {
  private readonly small: Buffer[] = []
  private readonly large: Buffer[] = []

  /** A buffer with at least `bytes`, with old content. */
  take(bytes: number): Buffer {
    if (bytes <= smallBytes) return this.small.pop() ?? Buffer.allocUnsafeSlow(smallBytes)
    if (bytes <= largeBytes) return this.large.pop() ?? Buffer.allocUnsafeSlow(largeBytes)
    return Buffer.allocUnsafeSlow(bytes)
  }

  /** A buffer as small as this is moved into a larger one when it is full; others are sent as they are. */
  isSmall(buffer: Buffer): boolean {
    return buffer.length <= smallBytes
  }

  /** Only buffers that nothing refers to any more; the next `take` hands them out again. */
  give(buffer: Buffer): void {
    if (buffer.length === smallBytes && this.small.length < smallKept) this.small.push(buffer)
    else if (buffer.length === largeBytes && this.large.length < largeKept) this.large.push(buffer)
  }
}
