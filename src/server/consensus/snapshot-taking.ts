/**
 * Writes a snapshot of the state machine: a few pieces, one write, and again, while later entries are applied. The file
 * counts only when it is synced, renamed, and its directory is synced.
 */
import { failed, ok, type Result } from '../../model/errors.ts'
import { limits } from '../../model/limits.ts'
import type { DiskError, DiskFile } from '../../platform/ports.ts'
import type { SnapshotReader } from './contract.ts'
import { SnapshotEncoder, type SnapshotMeta } from './snapshot-file.ts'
import type { Snapshots } from './snapshots.ts'

export class SnapshotTaking {
  readonly meta: SnapshotMeta
  readonly #snapshots: Snapshots
  readonly #reader: SnapshotReader
  readonly #done: (result: Result<SnapshotMeta>) => void
  readonly #encoder = new SnapshotEncoder()
  readonly #path: string
  readonly #file: DiskFile
  #at = 0
  #isCancelled: boolean = false

  /** `file` is new and empty, under a partial name. */
  constructor(
    parts: { readonly file: DiskFile; readonly snapshots: Snapshots; readonly reader: SnapshotReader },
    meta: SnapshotMeta,
    done: (result: Result<SnapshotMeta>) => void,
  ) {
    this.meta = meta
    this.#snapshots = parts.snapshots
    this.#reader = parts.reader
    this.#done = done
    this.#file = parts.file
    this.#path = parts.file.path
    this.#write(this.#encoder.header(meta), () => this.#writePieces())
  }

  /** `done` is not called any more. */
  cancel(): void {
    this.#isCancelled = true
  }

  #writePieces(): void {
    const pieces: Uint8Array[] = []
    while (pieces.length < limits.snapshotPiecesPerTurn) {
      const piece = this.#reader.next()
      if (piece === undefined) break
      pieces.push(piece)
    }
    if (pieces.length > 0) this.#write(this.#encoder.pieces(pieces), () => this.#writePieces())
    else this.#write(this.#encoder.trailer(), () => this.#publish())
  }

  #write(bytes: Uint8Array, next: () => void): void {
    this.#file.write(this.#at, bytes, (error) => {
      if (!this.#isOver(error)) next()
    })
    this.#at += bytes.length
  }

  #publish(): void {
    this.#file.sync((syncError) => {
      if (this.#isOver(syncError)) return
      this.#file.close()
      this.#snapshots.publish(this.#path, this.meta.last, (problem) => {
        if (this.#isCancelled) return
        this.#done(problem === undefined ? ok(this.meta) : failed('disk-failed', problem))
      })
    })
  }

  /** Gives up after a cancellation or an error and removes what was written. */
  #isOver(error: DiskError | undefined): boolean {
    if (error === undefined && !this.#isCancelled) return false
    this.#file.close()
    this.#snapshots.remove(this.#path)
    if (!this.#isCancelled && error !== undefined)
      this.#done(failed(error.code === 'no-space' ? 'disk-full' : 'disk-failed', error.message))
    return true
  }
}
