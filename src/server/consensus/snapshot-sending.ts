/**
 * Sends one snapshot file to one follower: a few chunks ahead of the answers, again from where the follower says it is
 * when answers stop. Ends when the core says that the follower needs it no more; nothing here decides that.
 */
import type { NodeId } from '../../model/ids.ts'
import { limits } from '../../model/limits.ts'
import type { RaftMessage } from '../../model/raft-message.ts'
import type { DiskFile } from '../../platform/ports.ts'
import { crc32c } from '../../wire/crc32c.ts'
import type { StoredSnapshot } from './snapshots.ts'

/** Without an answer for this long the last confirmed place is sent again. */
const resendAfterMs = 1_000

type Chunk = Omit<Extract<RaftMessage, { readonly type: 'snapshot-chunk' }>, 'type' | 'term'>

export class SnapshotSending {
  readonly peer: NodeId
  readonly snapshot: StoredSnapshot
  readonly #file: DiskFile
  readonly #fileBytes: number
  readonly #send: (chunk: Chunk) => void
  /** The follower has everything before this. */
  #confirmed = 0
  #next = 0
  #quietMs = 0
  /** After silence the next answer says where to go on, even if that is further back. */
  #isLost: boolean = false

  constructor(peer: NodeId, snapshot: StoredSnapshot, file: DiskFile, send: (chunk: Chunk) => void) {
    this.peer = peer
    this.snapshot = snapshot
    this.#file = file
    this.#fileBytes = file.size()
    this.#send = send
    this.#fill()
  }

  onReceived(message: Extract<RaftMessage, { readonly type: 'snapshot-received' }>): void {
    if (message.index !== this.snapshot.last.index || message.offset > this.#fileBytes) return
    if (message.offset <= this.#confirmed && !this.#isLost) return
    this.#quietMs = 0
    this.#confirmed = message.offset
    if (this.#isLost || this.#next < message.offset) this.#next = message.offset
    this.#isLost = false
    this.#fill()
  }

  tick(elapsedMs: number): void {
    this.#quietMs += elapsedMs
    if (this.#quietMs < resendAfterMs) return
    this.#quietMs = 0
    this.#isLost = true
    this.#chunk(this.#confirmed)
  }

  close(): void {
    this.#file.close()
  }

  #fill(): void {
    const aheadMax = limits.snapshotChunkBytes * limits.snapshotChunksInFlight
    while (this.#next < this.#fileBytes && this.#next - this.#confirmed < aheadMax)
      this.#next += this.#chunk(this.#next)
  }

  /** Sends what stands at `offset`; at the end of the file that is nothing, which asks how the follower is doing. */
  #chunk(offset: number): number {
    const data = this.#file.read(offset, Math.min(limits.snapshotChunkBytes, this.#fileBytes - offset))
    const { last } = this.snapshot
    this.#send({ last, fileBytes: this.#fileBytes, offset, checksum: crc32c(data), data })
    return data.length
  }
}
