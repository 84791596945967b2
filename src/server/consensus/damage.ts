/**
 * Tells a write that a crash tore from damage to what had been acknowledged, for the end of the last segment.
 *
 * Proof first: batch n+1 is written only after batch n is durable, so any frame of a later batch behind the fault means
 * damage. Without proof the shape decides: a crash loses whole 512-byte sectors of new space, which read as zeros or lie
 * past the end of the file. A fault with no such hole was written in full once, and something changed it since.
 * Where disks tear differently this refuses to start, which loses nothing; see docs/decisions/0002-write-ahead-log.md.
 */
import { frameBytes, readFrame } from './frame.ts'

const sectorBytes = 512

export interface Fault {
  /** Where the frame that cannot be read begins. */
  readonly at: number
  readonly kind: 'header' | 'payload' | 'short'
  /** The batch that it should belong to. */
  readonly batch: number
}

export type Judgement = 'torn' | 'damaged'

export function judgeTail(bytes: Uint8Array, fault: Fault, salt: number): Judgement {
  const next = nextFrame(bytes, fault, salt)
  if (next.batch > fault.batch) return 'damaged'
  if (fault.kind === 'short') return 'torn'
  const from = fault.at
  for (let at = from; at < next.at; at = sectorEnd(at)) {
    const piece = bytes.subarray(at, Math.min(sectorEnd(at), next.at))
    if (piece.every((byte) => byte === 0)) return 'torn'
  }
  return 'damaged'
}

const sectorEnd = (at: number): number => (Math.floor(at / sectorBytes) + 1) * sectorBytes

/**
 * Searches behind the fault: where its hole ends at the latest, and the highest batch that a frame there names.
 * A frame whose own header is whole ends the search for its end at once.
 */
function nextFrame(
  bytes: Uint8Array,
  fault: Fault,
  salt: number,
): { readonly at: number; readonly batch: number } {
  let found = bytes.length
  let batch = 0
  for (let at = fault.at + 8; at < bytes.length; ) {
    const read = readFrame(bytes, at, salt)
    if (!read.ok) {
      at += 8
      continue
    }
    found = Math.min(found, at)
    batch = Math.max(batch, read.header.batch)
    if (batch > fault.batch) break
    at = read.end
  }
  return { at: found, batch }
}

/** Whether the bad frame was the commit frame of its batch: then a later batch begins right behind where it ends. */
export function wasCommitFrame(bytes: Uint8Array, fault: Fault, salt: number): boolean {
  const end = fault.at + frameBytes(0)
  const behind = readFrame(bytes, end, salt)
  return end === bytes.length || (behind.ok && behind.header.batch === fault.batch + 1)
}
