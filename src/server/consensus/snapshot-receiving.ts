/**
 * Receives a snapshot from the leader into a partial file: chunks in order, each checked, the place to go on told in
 * every answer. When it is whole, the file is synced and read through once; only then it gets its name.
 */
import { failed, ok, type Result } from '../../model/errors.ts'
import type { LogIndex, NodeId } from '../../model/ids.ts'
import { limits } from '../../model/limits.ts'
import type { RaftMessage } from '../../model/raft-message.ts'
import type { Clock, Disk, DiskError, DiskFile } from '../../platform/ports.ts'
import { crc32c } from '../../wire/crc32c.ts'
import { openUnlessFull } from './durable-writer.ts'
import type { SnapshotMeta } from './snapshot-file.ts'
import { SnapshotScan } from './snapshot-scan.ts'
import type { Snapshots } from './snapshots.ts'

type Chunk = Extract<RaftMessage, { readonly type: 'snapshot-chunk' }>

export interface SnapshotReceivingOptions {
  readonly disk: Disk
  readonly clock: Clock
  readonly snapshots: Snapshots
  readonly answer: (to: NodeId, index: LogIndex, offset: number) => void
  /** The snapshot is durable under its name; or the disk failed. */
  readonly done: (result: Result<SnapshotMeta>) => void
}

interface Incoming {
  readonly from: NodeId
  readonly chunk: Chunk
  readonly path: string
  readonly file: DiskFile
  /** Handed to the disk, and taken by it. */
  handed: number
  written: number
  /** Checked and on its way to its final name: nothing can be cancelled any more. */
  isPublishing: boolean
}

export class SnapshotReceiving {
  readonly #options: SnapshotReceivingOptions
  #incoming: Incoming | undefined
  #scan: SnapshotScan | undefined

  constructor(options: SnapshotReceivingOptions) {
    this.#options = options
  }

  onChunk(from: NodeId, chunk: Chunk): void {
    if (chunk.fileBytes > limits.snapshotFileBytes || crc32c(chunk.data) !== chunk.checksum) return
    const incoming = this.#incomingFor(from, chunk)
    // No room: without an answer the leader asks again later.
    if (incoming === undefined) return
    // One that is whole gets its name and takes nothing more, least of all a piece of another leader's file.
    const isNext = !incoming.isPublishing && chunk.offset === incoming.handed && chunk.data.length > 0
    if (!isNext || chunk.offset + chunk.data.length > chunk.fileBytes) {
      this.#answer(incoming)
      return
    }
    incoming.handed += chunk.data.length
    incoming.file.write(chunk.offset, chunk.data, (error) => {
      if (this.#isOver(incoming, error)) return
      incoming.written += chunk.data.length
      this.#answer(incoming)
      if (incoming.written === chunk.fileBytes) this.#check(incoming)
    })
  }

  cancel(): void {
    const incoming = this.#incoming
    if (incoming === undefined || incoming.isPublishing) return
    this.#incoming = undefined
    this.#scan?.cancel()
    incoming.file.close()
    this.#options.snapshots.remove(incoming.path)
  }

  /** The transfer under way, if it is of the same file; else a new one. Other senders may cut the state differently. */
  #incomingFor(from: NodeId, chunk: Chunk): Incoming | undefined {
    const known = this.#incoming
    const isSame =
      known !== undefined &&
      known.from === from &&
      known.chunk.last.index === chunk.last.index &&
      known.chunk.last.term === chunk.last.term &&
      known.chunk.fileBytes === chunk.fileBytes
    if (isSame || known?.isPublishing) return known
    this.cancel()
    const path = this.#options.snapshots.partialPath()
    const file = openUnlessFull(this.#options.disk, path)
    if (file === undefined) return undefined
    this.#incoming = { from, chunk, path, file, handed: 0, written: 0, isPublishing: false }
    return this.#incoming
  }

  #answer({ from, chunk, handed, written }: Incoming): void {
    // Between the two the answer comes when the disk has taken it.
    if (handed === written) this.#options.answer(from, chunk.last.index, written)
  }

  #check(incoming: Incoming): void {
    incoming.file.sync((syncError) => {
      if (this.#isOver(incoming, syncError)) return
      this.#scan = new SnapshotScan(
        incoming.file,
        this.#options.clock,
        () => undefined,
        (result) => this.#publish(incoming, result),
      )
    })
  }

  #publish(incoming: Incoming, result: Result<SnapshotMeta>): void {
    const { last } = incoming.chunk
    const isRight =
      result.ok && result.value.last.index === last.index && result.value.last.term === last.term
    if (!isRight) {
      // Damaged on the way: the leader's next chunk begins again.
      this.cancel()
      return
    }
    incoming.isPublishing = true
    incoming.file.close()
    this.#options.snapshots.publish(incoming.path, last, (problem) => {
      this.#incoming = undefined
      this.#options.done(problem === undefined ? ok(result.value) : failed('disk-failed', problem))
    })
  }

  #isOver(incoming: Incoming, error: DiskError | undefined): boolean {
    if (this.#incoming !== incoming) return true
    if (error === undefined) return false
    this.cancel()
    if (error.code !== 'no-space') this.#options.done(failed('disk-failed', error.message))
    return true
  }
}
