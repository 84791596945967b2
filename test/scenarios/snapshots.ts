// Snapshot files of one server in a story: the product's own sending and receiving on a disk in memory that takes no time.
import type { LogIndex, NodeId } from '../../src/model/ids.ts'
import type { RaftMessage } from '../../src/model/raft-message.ts'
import type { SnapshotTraffic } from '../../src/raft/effects.ts'
import type { Raft } from '../../src/raft/raft.ts'
import {
  SnapshotDecoder,
  SnapshotEncoder,
  type SnapshotMeta,
} from '../../src/server/consensus/snapshot-file.ts'
import { SnapshotReceiving } from '../../src/server/consensus/snapshot-receiving.ts'
import { SnapshotSending } from '../../src/server/consensus/snapshot-sending.ts'
import { Snapshots, snapshotPath } from '../../src/server/consensus/snapshots.ts'
import { VirtualClock } from '../simulation/clock.ts'
import { SimulatedDisk } from '../simulation/disk.ts'
import { SeededRandom } from '../simulation/random.ts'

const pieceBytes = 64 * 1_024

export interface SnapshotRoomParts {
  readonly raft: () => Raft
  readonly send: (to: NodeId, message: RaftMessage) => void
  /** A snapshot from the leader is durable; `state` is what its first piece says. */
  readonly received: (meta: SnapshotMeta, state: string) => void
}

export class SnapshotRoom {
  readonly #parts: SnapshotRoomParts
  readonly #clock = new VirtualClock()
  readonly #disk = new SimulatedDisk({ clock: this.#clock, random: new SeededRandom(1) })
  #snapshots = new Snapshots(this.#disk)
  #receiving: SnapshotReceiving
  readonly #sendings = new Map<NodeId, SnapshotSending>()

  constructor(parts: SnapshotRoomParts) {
    this.#parts = parts
    this.#receiving = this.#newReceiving()
  }

  /** The process dies and comes back: what was half received or half sent is over. */
  restart(): void {
    this.#disk.kill()
    this.#sendings.clear()
    this.#snapshots = new Snapshots(this.#disk)
    this.#receiving = this.#newReceiving()
  }

  /** Writes `state` as a snapshot at `meta`, filled up so that the file has about `bytes`. */
  take(meta: SnapshotMeta, state: string, bytes: number): void {
    const encoder = new SnapshotEncoder()
    const path = this.#snapshots.partialPath()
    const file = this.#disk.open(path)
    const padding = Math.ceil(bytes / pieceBytes)
    const pieces = [new TextEncoder().encode(state)]
    for (let n = 0; n < padding; n += 1) pieces.push(new Uint8Array(pieceBytes))
    for (const part of [encoder.header(meta), encoder.pieces(pieces), encoder.trailer()])
      file.write(file.size(), part, () => undefined)
    this.#settle()
    file.sync(() => undefined)
    this.#snapshots.publish(path, meta.last, () => undefined)
    this.#settle()
  }

  /** A follower needs entries that are gone. */
  needed(peer: NodeId): void {
    const { newest } = this.#snapshots
    if (newest === undefined || this.#sendings.has(peer)) return
    const { raft, send } = this.#parts
    const sending = new SnapshotSending(peer, newest, this.#disk.open(newest.path), (chunk) =>
      send(peer, { type: 'snapshot-chunk', term: raft().term, ...chunk }),
    )
    this.#sendings.set(peer, sending)
  }

  traffic(from: NodeId, message: SnapshotTraffic): void {
    if (message.type === 'snapshot-received') this.#sendings.get(from)?.onReceived(message)
    else this.#receiving.onChunk(from, message)
    this.#settle()
  }

  tick(elapsedMs: number): void {
    const inNeed = this.#parts
      .raft()
      .followers()
      .filter(({ state }) => state === 'snapshot')
    for (const [peer, sending] of this.#sendings)
      if (inNeed.some(({ id }) => id === peer)) sending.tick(elapsedMs)
      else this.#sendings.delete(peer)
  }

  #newReceiving(): SnapshotReceiving {
    const answer = (to: NodeId, index: LogIndex, offset: number): void =>
      this.#parts.send(to, { type: 'snapshot-received', term: this.#parts.raft().term, index, offset })
    return new SnapshotReceiving({
      disk: this.#disk,
      clock: this.#clock,
      snapshots: this.#snapshots,
      answer,
      done: (result) => {
        if (!result.ok) throw new Error(result.failure.message)
        this.#parts.received(result.value, this.#stateIn(result.value))
      },
    })
  }

  #stateIn({ last }: SnapshotMeta): string {
    const decoder = new SnapshotDecoder(this.#disk.open(snapshotPath(last)))
    const header = decoder.header()
    const first = decoder.next()
    if (!header.ok || first.kind !== 'piece') throw new Error('a received snapshot cannot be read')
    return new TextDecoder().decode(first.piece)
  }

  #settle(): void {
    while (this.#clock.step());
  }
}
