/**
 * Goes through a snapshot file in slices, a few pieces per turn of the event loop, so that heartbeats and reads go on.
 * Used twice for one that came over the network: first to check all of it, then to give it to the state machine.
 */
import { failed, type Result } from '../../model/errors.ts'
import { limits } from '../../model/limits.ts'
import type { Clock, DiskFile, Timer } from '../../platform/ports.ts'
import { SnapshotDecoder, type SnapshotMeta } from './snapshot-file.ts'

export class SnapshotScan {
  readonly #clock: Clock
  readonly #decoder: SnapshotDecoder
  readonly #meta: Result<SnapshotMeta>
  readonly #path: string
  readonly #onPiece: (piece: Uint8Array) => void
  readonly #done: (result: Result<SnapshotMeta>) => void
  #timer: Timer

  /** Calls `done` once, with what the header says if every piece and the trailer are right. */
  constructor(
    file: DiskFile,
    clock: Clock,
    onPiece: (piece: Uint8Array) => void,
    done: (result: Result<SnapshotMeta>) => void,
  ) {
    this.#clock = clock
    this.#decoder = new SnapshotDecoder(file)
    this.#meta = this.#decoder.header()
    this.#path = file.path
    this.#onPiece = onPiece
    this.#done = done
    this.#timer = clock.after(0, () => this.#slice())
  }

  /** `done` is not called any more. */
  cancel(): void {
    this.#timer.cancel()
  }

  #slice(): void {
    if (!this.#meta.ok) {
      this.#done(this.#meta)
      return
    }
    for (let count = 0; count < limits.snapshotPiecesPerTurn; count += 1) {
      const read = this.#decoder.next()
      if (read.kind === 'piece') this.#onPiece(read.piece)
      else {
        const damaged = failed('log-damaged', `the snapshot ${this.#path} is damaged`)
        this.#done(read.kind === 'end' ? this.#meta : damaged)
        return
      }
    }
    this.#timer = this.#clock.after(0, () => this.#slice())
  }
}
