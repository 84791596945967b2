// Endless streams of bytes that both ends can make up: what arrives is compared byte by byte, so that a chunk that is lost,
// doubled, moved or another connection's is found, also where the connection then breaks.
import { createHash } from 'node:crypto'

/** A prime, so that no buffer size or window of ours divides it: a displaced chunk never looks right. */
const periodBytes = 1_048_573

const base = ((): Buffer => {
  const parts: Buffer[] = []
  for (let i = 0; i * 64 < 2 * periodBytes; i += 1)
    parts.push(createHash('sha512').update(`soak ${i}`).digest())
  const once = Buffer.concat(parts).subarray(0, periodBytes)
  // Twice, so that any piece up to a period long lies in one view.
  return Buffer.concat([once, once])
})()

/** The stream with number `seed`, read forward. */
export class Stream {
  private at: number

  constructor(seed: number) {
    this.at = Math.imul(seed, 2_654_435_761) >>> 0
    this.at %= periodBytes
  }

  /** The next bytes, at most a period; a view that nobody may write to. */
  next(bytes: number): Buffer {
    const view = base.subarray(this.at, this.at + bytes)
    this.at = (this.at + bytes) % periodBytes
    return view
  }

  /** Whether these are the next bytes. */
  isNext(chunk: Buffer): boolean {
    for (let from = 0; from < chunk.length; from += periodBytes) {
      const piece = chunk.subarray(from, from + periodBytes)
      if (!piece.equals(this.next(piece.length))) return false
    }
    return true
  }
}
