/**
 * Room that a full disk still has: a file of its own beside the log, given up when a write finds no space. So a leader can
 * write down what it has promised and hand over, and a follower goes on for a while. Until the file is there again, no
 * client's write is taken.
 */
import { MeshError } from '../../model/errors.ts'
import type { Clock, Disk, DiskFile, Random } from '../../platform/ports.ts'
import { openUnlessFull } from './durable-writer.ts'

export const reservePath = 'reserve'

/** Not zeros: a disk that compresses would keep nothing free for them. */
const pieceBytes = 1024 * 1024

export interface ReserveOptions {
  readonly disk: Disk
  readonly clock: Clock
  readonly random: Pick<Random, 'bytes'>
  readonly bytes: number
}

export class DiskReserve {
  readonly #options: ReserveOptions
  #isBusy: boolean = false

  constructor(options: ReserveOptions) {
    this.#options = options
  }

  /** Calls back with whether the room is there now; what does not fit is given back at once. */
  ensure(done: (isThere: boolean) => void): void {
    if (this.#isBusy) {
      done(false)
      return
    }
    this.#isBusy = true
    const finish = (isThere: boolean): void => {
      this.#isBusy = false
      if (isThere) done(true)
      else this.release(() => done(false))
    }
    const file = this.#open()
    if (file === undefined) finish(false)
    else this.#fill(file, file.size(), this.#options.random.bytes(pieceBytes), finish)
  }

  /** Gives the room to whoever needs it more. */
  release(done: () => void): void {
    this.#options.disk.remove(reservePath, () => done())
  }

  #open(): DiskFile | undefined {
    try {
      return openUnlessFull(this.#options.disk, reservePath)
    } catch (error) {
      // A broken disk shows at the log, where it ends the process; here nothing was promised.
      if (error instanceof MeshError) return undefined
      throw error
    }
  }

  #fill(file: DiskFile, at: number, piece: Uint8Array, finish: (isThere: boolean) => void): void {
    const left = this.#options.bytes - at
    if (left <= 0) {
      file.sync((error) => {
        file.close()
        finish(error === undefined)
      })
      return
    }
    const data = piece.subarray(0, Math.min(left, piece.length))
    file.write(at, data, (error) => {
      if (error === undefined)
        this.#options.clock.after(0, () => this.#fill(file, at + data.length, piece, finish))
      else {
        file.close()
        finish(false)
      }
    })
  }
}
