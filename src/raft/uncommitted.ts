/**
 * Bytes that a leader accepted and no majority holds yet. Bounded, because followers that are away would otherwise let
 * the leader's memory grow with every proposal.
 */
import type { LogIndex } from '../model/ids.ts'

export class Uncommitted {
  readonly #bytesMax: number
  #batches: { readonly last: LogIndex; readonly bytes: number }[] = []
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** One proposal always fits when nothing else waits, however large it is. */
  hasRoom(bytes: number): boolean {
    return this.#bytes === 0 || this.#bytes + bytes <= this.#bytesMax
  }

  add(last: LogIndex, bytes: number): void {
    this.#batches.push({ last, bytes })
    this.#bytes += bytes
  }

  committedTo(index: LogIndex): void {
    const open = this.#batches.findIndex((batch) => batch.last > index)
    for (const batch of this.#batches.splice(0, open === -1 ? this.#batches.length : open))
      this.#bytes -= batch.bytes
  }
}
