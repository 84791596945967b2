/**
 * Term and vote on disk: one file with two slots, 4 KiB apart. A change goes to one slot, is synced, then to the other
 * and is synced again, and only then may a message promise it. So one slot always holds the newest promise: a torn
 * write and a damaged slot are both survived, and a vote cannot be forgotten by falling back to an older one.
 * The second sync costs one disk wait per election, which is rare.
 *
 * Slot: 0 magic (4)   4 sequence (8)   12 term (8)   20 length of vote (4)   24 vote (at most 128)   last 4: checksum
 */
import { assert, failed, ok, type Result } from '../../model/errors.ts'
import { nodeId, term } from '../../model/ids.ts'
import type { HardState } from '../../model/log-entry.ts'
import type { Disk, DiskFile } from '../../platform/ports.ts'
import { crc32c } from '../../wire/crc32c.ts'
import type { DurableWriter } from './durable-writer.ts'
import { getNumber, setNumber } from './frame.ts'

export const hardStatePath = 'hard-state'

const magic = 0x5453_4d48
const slotBytes = 24 + 128 + 4
const slotOffsets = [0, 4_096] as const
const voteBytesMax = 128

const encoder = new TextEncoder()
const decoder = new TextDecoder()

export interface RecoveredHardState {
  readonly state: HardState
  readonly sequence: number
}

export function recoverHardState(disk: Disk): Result<RecoveredHardState> {
  const bytes = disk.read(hardStatePath)
  if (bytes === undefined)
    return failed('log-damaged', `the record of term and vote is missing (${hardStatePath})`)
  const slots = slotOffsets.map((offset) => decodeSlot(bytes.subarray(offset, offset + slotBytes)))
  const newest = slots.reduce((a, b) => ((a?.sequence ?? -1) >= (b?.sequence ?? -1) ? a : b))
  if (newest === undefined)
    return failed('log-damaged', `both records of term and vote are damaged (${hardStatePath})`)
  return ok(newest)
}

function decodeSlot(bytes: Uint8Array): RecoveredHardState | undefined {
  if (bytes.length < slotBytes) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const voteLength = view.getUint32(20, true)
  const isWhole = crc32c(bytes.subarray(0, slotBytes - 4)) === view.getUint32(slotBytes - 4, true)
  if (!isWhole || view.getUint32(0, true) !== magic || voteLength > voteBytesMax) return undefined
  const vote = decoder.decode(bytes.subarray(24, 24 + voteLength))
  return {
    state: { term: term(getNumber(view, 12)), vote: vote === '' ? undefined : nodeId(vote) },
    sequence: getNumber(view, 4),
  }
}

function encodeSlot(state: HardState, sequence: number): Uint8Array {
  const vote = encoder.encode(state.vote ?? '')
  assert(vote.length <= voteBytesMax, 'a server id fits its slot')
  const bytes = new Uint8Array(slotBytes)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, magic, true)
  setNumber(view, 4, sequence)
  setNumber(view, 12, state.term)
  view.setUint32(20, vote.length, true)
  bytes.set(vote, 24)
  view.setUint32(slotBytes - 4, crc32c(bytes.subarray(0, slotBytes - 4)), true)
  return bytes
}

export class HardStateFile {
  readonly #writer: DurableWriter
  readonly #file: DiskFile
  #sequence: number

  constructor(disk: Disk, writer: DurableWriter, sequence: number) {
    this.#writer = writer
    this.#file = disk.open(hardStatePath, 'sync-each-write')
    this.#sequence = sequence
  }

  /** Calls back when both slots hold it durably. */
  write(state: HardState, done: () => void): void {
    this.#sequence += 1
    const slot = encodeSlot(state, this.#sequence)
    const [first, second] = slotOffsets
    const isEven = this.#sequence % 2 === 0
    this.#writer.write(this.#file, isEven ? first : second, slot, () =>
      this.#writer.write(this.#file, isEven ? second : first, slot, done),
    )
  }

  close(): void {
    this.#file.close()
  }
}
