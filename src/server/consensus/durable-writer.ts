/**
 * Writes that must not be lost: write, sync, call back. A full disk is waited out with the same bytes at the same place;
 * any other error, and every failed sync, is final, because after one nobody knows what the disk holds.
 */
import { type Failure, failed, MeshError } from '../../model/errors.ts'
import type { Clock, Disk, DiskError, DiskFile, FileUse } from '../../platform/ports.ts'

/** How long a full disk is left alone before the same write is tried again. */
const fullDiskRetryMs = 1_000
/** How often room for the reserve is looked for: each look writes until the disk is full again. */
const roomLookMs = 10_000

export interface DurableWriterOptions {
  readonly disk: Disk
  readonly clock: Clock
  /** The disk is full, or takes writes again. */
  readonly onFull: (isFull: boolean) => void
  /** Nothing can be promised any more; the process must end. */
  readonly onFatal: (failure: Failure) => void
  /** Room for what must be written although the disk is full. */
  readonly reserve?: Reserve
}

/** See disk-reserve.ts. */
export interface Reserve {
  ensure(done: (isThere: boolean) => void): void
  release(done: () => void): void
}

export class DurableWriter {
  readonly #options: DurableWriterOptions
  #isFull: boolean = false
  #isBroken: boolean = false

  constructor(options: DurableWriterOptions) {
    this.#options = options
  }

  write(file: DiskFile, position: number, bytes: Uint8Array, done: () => void): void {
    file.write(position, bytes, (writeError) => {
      if (this.#isBroken) return
      if (writeError?.code === 'no-space') this.#later(() => this.write(file, position, bytes, done))
      else if (writeError !== undefined) this.#fail(writeError)
      else this.#sync(file, done)
    })
  }

  /** Opens a file that may have to be created, which a full disk can refuse. */
  open(path: string, done: (file: DiskFile) => void): void {
    const file = openUnlessFull(this.#options.disk, path, 'sync-each-write')
    if (file === undefined) {
      this.#later(() => this.open(path, done))
      return
    }
    done(file)
  }

  syncDirectory(directory: string, done: () => void): void {
    this.#options.disk.syncDirectory(directory, (error) => this.#settle(error, done))
  }

  rename(from: string, to: string, done: () => void): void {
    this.#options.disk.rename(from, to, (error) => this.#settle(error, done))
  }

  remove(path: string, done: () => void): void {
    this.#options.disk.remove(path, (error) =>
      this.#settle(error?.code === 'not-found' ? undefined : error, done),
    )
  }

  truncate(file: DiskFile, bytes: number, done: () => void): void {
    file.truncate(bytes, (error) => this.#settle(error, () => this.#sync(file, done)))
  }

  #sync(file: DiskFile, done: () => void): void {
    file.sync((error) => this.#settle(error, done))
  }

  #settle(error: DiskError | undefined, done: () => void): void {
    if (this.#isBroken) return
    if (error !== undefined) {
      this.#fail(error)
      return
    }
    // With a reserve one write that went through says nothing: it may have used what was kept for it.
    if (this.#options.reserve === undefined) this.#setFull(false)
    done()
  }

  #later(retry: () => void): void {
    const { reserve, clock } = this.#options
    const again = (): void => {
      if (!this.#isBroken) retry()
    }
    const isNews = !this.#isFull
    this.#setFull(true)
    if (reserve === undefined || !isNews) clock.after(fullDiskRetryMs, again)
    else {
      clock.after(roomLookMs, () => this.#lookForRoom(reserve))
      reserve.release(again)
    }
  }

  /** Writes are taken again when there is room for them and for the next time. */
  #lookForRoom(reserve: Reserve): void {
    if (this.#isBroken) return
    reserve.ensure((isThere) => {
      if (isThere) this.#setFull(false)
      else this.#options.clock.after(roomLookMs, () => this.#lookForRoom(reserve))
    })
  }

  #setFull(isFull: boolean): void {
    if (isFull === this.#isFull) return
    this.#isFull = isFull
    this.#options.onFull(isFull)
  }

  #fail(error: DiskError): void {
    this.#isBroken = true
    this.#options.onFatal(failed('disk-failed', `the disk cannot be trusted: ${error.message}`).failure)
  }
}

/** undefined if the file would have to be created and there is no room. */
export function openUnlessFull(disk: Disk, path: string, use?: FileUse): DiskFile | undefined {
  try {
    return disk.open(path, use)
  } catch (error) {
    // The one expected failure of opening; anything else is a broken disk.
    if (error instanceof MeshError && error.code === 'disk-full') return undefined
    throw error
  }
}
