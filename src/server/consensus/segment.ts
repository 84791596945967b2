/**
 * One file of the write-ahead log: its name, and the 64-byte preamble that ties it to the segment before.
 * The preamble is durable before the first frame is written, so a bad preamble in a longer file is always damage.
 *
 *   0 magic (8)   8 format   12 salt   16 sequence (8)   24 base index (8)   32 base term (8)   40 first batch (8)
 *  48 checksum of the last frame before   52 1 = replaces everything before   56 zero (4)   60 checksum
 */
import { logIndex, term } from '../../model/ids.ts'
import type { LogPosition } from '../../model/log-entry.ts'
import { crc32c } from '../../wire/crc32c.ts'
import { getNumber, setNumber } from './frame.ts'

export const walDirectory = 'wal'
export const preambleBytes = 64
export const segmentFormat = 1

const magic = new TextEncoder().encode('MESHWAL\n')

export interface Preamble {
  /** Seeds every checksum of this log, so that user data cannot imitate a frame. */
  readonly salt: number
  /** Segments of one log are numbered without a gap. */
  readonly sequence: number
  /** The log's last position when the segment was begun. */
  readonly base: LogPosition
  readonly firstBatch: number
  readonly chain: number
  /** A snapshot at `base` replaced the log: what earlier segments hold is void. */
  readonly replaces: boolean
}

const digits = (value: number): string => String(value).padStart(16, '0')

/** Sorts by sequence; the first index is for people, and for naming it when the preamble cannot be read. */
export function segmentPath(sequence: number, base: LogPosition): string {
  return `${walDirectory}/${digits(sequence)}-${digits(base.index + 1)}.wal`
}

/** undefined for names that are no segment's. */
export function parseSegmentName(
  name: string,
): { readonly sequence: number; readonly firstIndex: number } | undefined {
  const match = /^(\d{16})-(\d{16})\.wal$/.exec(name)
  return match === null ? undefined : { sequence: Number(match[1]), firstIndex: Number(match[2]) }
}

export function encodePreamble(preamble: Preamble): Uint8Array {
  const bytes = new Uint8Array(preambleBytes)
  const view = new DataView(bytes.buffer)
  bytes.set(magic)
  view.setUint32(8, segmentFormat, true)
  view.setUint32(12, preamble.salt, true)
  setNumber(view, 16, preamble.sequence)
  setNumber(view, 24, preamble.base.index)
  setNumber(view, 32, preamble.base.term)
  setNumber(view, 40, preamble.firstBatch)
  view.setUint32(48, preamble.chain, true)
  view.setUint32(52, preamble.replaces ? 1 : 0, true)
  view.setUint32(60, crc32c(bytes.subarray(0, 60)), true)
  return bytes
}

/** undefined if it is incomplete or damaged. */
export function decodePreamble(bytes: Uint8Array): Preamble | undefined {
  if (bytes.length < preambleBytes) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, preambleBytes)
  if (crc32c(bytes.subarray(0, 60)) !== view.getUint32(60, true)) return undefined
  if (!magic.every((byte, at) => bytes[at] === byte) || view.getUint32(8, true) !== segmentFormat)
    return undefined
  return {
    salt: view.getUint32(12, true),
    sequence: getNumber(view, 16),
    base: { index: logIndex(getNumber(view, 24)), term: term(getNumber(view, 32)) },
    firstBatch: getNumber(view, 40),
    chain: view.getUint32(48, true),
    replaces: view.getUint32(52, true) === 1,
  }
}
