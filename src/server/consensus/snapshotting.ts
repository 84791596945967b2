/**
 * Everything about snapshots while the server runs: taking one when the log has grown, compacting behind it, sending the
 * newest to followers that need it, and installing one from the leader. The core decides who needs one and when.
 */
import { type Failure, failed, type Result } from '../../model/errors.ts'
import { type LogIndex, logIndex, type NodeId } from '../../model/ids.ts'
import { limits } from '../../model/limits.ts'
import type { RaftMessage } from '../../model/raft-message.ts'
import type { Clock, Disk, Log } from '../../platform/ports.ts'
import type { SnapshotTraffic } from '../../raft/effects.ts'
import type { Raft } from '../../raft/raft.ts'
import type { Applier } from './applier.ts'
import type { StateMachine } from './contract.ts'
import { openUnlessFull } from './durable-writer.ts'
import type { SnapshotMeta } from './snapshot-file.ts'
import { SnapshotReceiving } from './snapshot-receiving.ts'
import { SnapshotScan } from './snapshot-scan.ts'
import { SnapshotSending } from './snapshot-sending.ts'
import { SnapshotTaking } from './snapshot-taking.ts'
import { type Snapshots, snapshotPath } from './snapshots.ts'
import type { WriteAheadLog } from './wal.ts'

export interface SnapshotThresholds {
  readonly afterEntries: number
  readonly afterBytes: number
  readonly trailEntries: number
}

export const snapshotThresholds: SnapshotThresholds = {
  afterEntries: limits.snapshotAfterEntries,
  afterBytes: limits.snapshotAfterBytes,
  trailEntries: limits.snapshotTrailEntries,
}

export interface SnapshottingParts {
  readonly raft: Raft
  readonly disk: Disk
  readonly clock: Clock
  readonly log: Log
  readonly stateMachine: StateMachine
  readonly applier: Applier
  readonly snapshots: Snapshots
  readonly wal: WriteAheadLog
  readonly thresholds: SnapshotThresholds
  readonly send: (to: NodeId, message: RaftMessage) => void
  /** The log before this index is gone from the disk. */
  readonly onCompacted: (index: LogIndex) => void
  /** The state machine stands at this snapshot. */
  readonly onInstalled: (meta: SnapshotMeta) => void
  readonly onFatal: (failure: Failure) => void
}

export class Snapshotting {
  readonly #parts: SnapshottingParts
  readonly #receiving: SnapshotReceiving
  readonly #sendings = new Map<NodeId, SnapshotSending>()
  #taking: SnapshotTaking | undefined
  #installing: SnapshotMeta | undefined
  #restore: SnapshotScan | undefined

  constructor(parts: SnapshottingParts) {
    this.#parts = parts
    const { disk, clock, snapshots, send, raft } = parts
    this.#receiving = new SnapshotReceiving({
      disk,
      clock,
      snapshots,
      answer: (to, index, offset) => send(to, { type: 'snapshot-received', term: raft.term, index, offset }),
      done: (result) => this.#received(result),
    })
  }

  /** Takes a snapshot if enough was applied since the last one. */
  considerTaking(): void {
    const { applier, thresholds } = this.#parts
    const isDue =
      applier.entriesSinceSnapshot >= thresholds.afterEntries ||
      applier.bytesSinceSnapshot >= thresholds.afterBytes
    if (isDue && this.#taking === undefined && this.#installing === undefined) this.#take()
  }

  /** A follower needs entries that are gone. */
  onNeeded(peer: NodeId): void {
    const { snapshots, disk, raft, send, log } = this.#parts
    const { newest } = snapshots
    if (newest === undefined || this.#sendings.has(peer)) return
    log.info('sending a snapshot', { to: peer, index: newest.last.index })
    const file = disk.open(newest.path)
    const sending = new SnapshotSending(peer, newest, file, (chunk) =>
      send(peer, { type: 'snapshot-chunk', term: raft.term, ...chunk }),
    )
    this.#sendings.set(peer, sending)
  }

  onTraffic(from: NodeId, message: SnapshotTraffic): void {
    if (message.type === 'snapshot-received') {
      this.#sendings.get(from)?.onReceived(message)
      return
    }
    // One that is being put into the state machine is not interrupted; the answer keeps its sender waiting.
    if (this.#installing === undefined) this.#receiving.onChunk(from, message)
    else this.#answerWhole(from, message)
  }

  tick(elapsedMs: number): void {
    const { raft } = this.#parts
    const inNeed = new Set(
      raft.followers().flatMap((follower) => (follower.state === 'snapshot' ? [follower.id] : [])),
    )
    for (const [peer, sending] of this.#sendings)
      if (inNeed.has(peer)) sending.tick(elapsedMs)
      else this.#endSending(peer, sending)
    // One that began before there was a snapshot, or whose sending ended in an earlier term of leadership.
    for (const peer of inNeed) this.onNeeded(peer)
  }

  stop(): void {
    this.#taking?.cancel()
    this.#receiving.cancel()
    this.#restore?.cancel()
    for (const [peer, sending] of this.#sendings) this.#endSending(peer, sending)
  }

  #endSending(peer: NodeId, sending: SnapshotSending): void {
    this.#sendings.delete(peer)
    sending.close()
  }

  #take(): void {
    const { applier, raft, stateMachine, disk, snapshots } = this.#parts
    const index = applier.applied
    const term = raft.termAt(index)
    if (term === undefined) return
    const meta = { last: { index, term }, configuration: raft.configurationAt(index) }
    applier.snapshotTaken()
    const file = openUnlessFull(disk, snapshots.partialPath())
    if (file === undefined) {
      this.#taken(failed('disk-full', 'the file cannot be created'))
      return
    }
    const reader = stateMachine.snapshot()
    this.#taking = new SnapshotTaking({ file, snapshots, reader }, meta, (result) => this.#taken(result))
  }

  #taken(result: Result<SnapshotMeta>): void {
    const { log, onFatal } = this.#parts
    this.#taking = undefined
    if (result.ok) {
      log.info('snapshot taken', { index: result.value.last.index })
      this.#compact(result.value.last.index)
    } else if (result.failure.code === 'disk-full')
      log.warn('no room for a snapshot; the log keeps growing', { reason: result.failure.message })
    else onFatal(result.failure)
  }

  /** Entries stay readable back to the oldest snapshot kept, so that the newest may turn out damaged. */
  #compact(taken: LogIndex): void {
    const { snapshots, wal, thresholds, onCompacted } = this.#parts
    this.#prune()
    const limit = snapshots.oldestIndex ?? taken
    const upTo = logIndex(Math.min(limit, Math.max(0, taken - thresholds.trailEntries)))
    onCompacted(wal.compact(upTo, limit))
  }

  #prune(): void {
    const sendings = [...this.#sendings.values()]
    this.#parts.snapshots.prune(new Set(sendings.map((sending) => sending.snapshot.path)))
  }

  #answerWhole(
    from: NodeId,
    { last, fileBytes }: Extract<SnapshotTraffic, { type: 'snapshot-chunk' }>,
  ): void {
    const { raft, send } = this.#parts
    if (last.index === this.#installing?.last.index)
      send(from, { type: 'snapshot-received', term: raft.term, index: last.index, offset: fileBytes })
  }

  /** A snapshot from the leader is durable: puts it into the state machine, a few pieces per turn. */
  #received(result: Result<SnapshotMeta>): void {
    const { applier, stateMachine, disk, clock, log, onFatal } = this.#parts
    if (!result.ok) {
      onFatal(result.failure)
      return
    }
    const meta = result.value
    // Meanwhile a leader may have brought the entries themselves.
    if (applier.applied >= meta.last.index) return
    log.info('installing a snapshot from the leader', { index: meta.last.index })
    this.#taking?.cancel()
    this.#taking = undefined
    this.#installing = meta
    applier.pause()
    const writer = stateMachine.restore(meta.last.index)
    const file = disk.open(snapshotPath(meta.last))
    this.#restore = new SnapshotScan(
      file,
      clock,
      (piece) => writer.write(piece),
      (scanned) => {
        file.close()
        const finished = scanned.ok ? writer.finish() : scanned
        if (finished.ok) this.#installed(meta)
        else
          onFatal(
            failed(finished.failure.code, `cannot install a snapshot: ${finished.failure.message}`).failure,
          )
      },
    )
  }

  #installed(meta: SnapshotMeta): void {
    const { applier, onInstalled } = this.#parts
    this.#installing = undefined
    this.#restore = undefined
    applier.resume(meta.last.index)
    onInstalled(meta)
    // A server that is slow all the time may never take one of its own.
    this.#prune()
  }
}
