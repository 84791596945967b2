/**
 * Opens a server's data directory and starts consensus on it: check the format, read and repair, make durable what an
 * earlier process left in the page cache, restore the newest whole snapshot, then drive.
 * Refuses to start (`log-damaged`, `format-too-new`) rather than go on without something that was acknowledged.
 */
import { type Failure, failed, MeshError, ok, type Result } from '../../model/errors.ts'
import type { NodeId } from '../../model/ids.ts'
import { limits } from '../../model/limits.ts'
import type { HardState } from '../../model/log-entry.ts'
import type { Clock, Disk, Log, Metrics, Random } from '../../platform/ports.ts'
import { Raft } from '../../raft/raft.ts'
import { emptyLog } from '../../raft/terms.ts'
import type { RaftTransport, StateMachine } from './contract.ts'
import { DiskReserve } from './disk-reserve.ts'
import { Driver } from './driver.ts'
import { DurableWriter } from './durable-writer.ts'
import type { StepObserver } from './engine.ts'
import { forceServers } from './forced-recovery.ts'
import { forcedServersPath, readForcedServers, retireForcedServers } from './forced-servers.ts'
import { readFormat } from './format.ts'
import { HardStateFile, type RecoveredHardState, recoverHardState } from './hard-state.ts'
import { type RecoveredLog, recoverLog } from './recovery.ts'
import { isUsed, repairFiles, setUpDirectory } from './set-up.ts'
import { restoreNewest } from './snapshot-choice.ts'
import type { SnapshotMeta } from './snapshot-file.ts'
import { Snapshots } from './snapshots.ts'
import { type SnapshotThresholds, snapshotThresholds } from './snapshotting.ts'
import { type Timing, timing } from './timing.ts'
import { WriteAheadLog } from './wal.ts'

export interface ConsensusOptions {
  readonly id: NodeId
  readonly disk: Disk
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly metrics: Metrics
  readonly transport: RaftTransport
  readonly stateMachine: StateMachine
  /** The disk failed; nothing can be promised any more and the process must end. */
  readonly onFatal: (failure: Failure) => void
  readonly timing?: Timing
  readonly thresholds?: SnapshotThresholds
  readonly segmentBytes?: number
  /** Kept free for a full disk; 0 or absent: nothing. */
  readonly reserveBytes?: number
  readonly observer?: StepObserver
}

/** Calls back once, with a driver that runs, or with why the server must not start. */
export function openConsensus(options: ConsensusOptions, done: (result: Result<Driver>) => void): void {
  const opening = new Opening(options, done)
  opening.attempt(() => opening.begin())
}

class Opening {
  readonly #options: ConsensusOptions
  readonly #done: (result: Result<Driver>) => void
  readonly #writer: DurableWriter
  readonly #reserve: DiskReserve | undefined
  #driver: Driver | undefined

  constructor(options: ConsensusOptions, done: (result: Result<Driver>) => void) {
    const { disk, clock } = options
    this.#options = options
    this.#done = done
    const { reserveBytes = 0, random } = options
    if (reserveBytes > 0) this.#reserve = new DiskReserve({ disk, clock, random, bytes: reserveBytes })
    this.#writer = new DurableWriter({
      disk,
      clock,
      ...(this.#reserve === undefined ? {} : { reserve: this.#reserve }),
      onFull: (isFull) => {
        if (isFull) options.log.warn('the disk is full')
        this.#driver?.onDiskFull(isFull)
      },
      onFatal: (failure) => {
        if (this.#driver === undefined) done({ ok: false, failure })
        else this.#driver.halt(failure)
      },
    })
  }

  /** Reading is synchronous, so a disk that cannot be read throws. */
  attempt(work: () => void): void {
    try {
      work()
    } catch (error) {
      if (!(error instanceof MeshError)) throw error
      this.#done({ ok: false, failure: error.failure })
    }
  }

  begin(): void {
    const { disk, random } = this.#options
    const format = readFormat(disk)
    const salt = new DataView(random.bytes(4).buffer).getUint32(0)
    if (!format.ok) this.#done(format)
    else if (format.value !== undefined) this.#recover()
    else if (isUsed(disk))
      this.#done(failed('log-damaged', 'the FORMAT file of the data directory is missing'))
    else setUpDirectory(disk, this.#writer, salt, () => this.attempt(() => this.#recover()))
  }

  /** Reads everything that is on disk, and repairs what a crash left. */
  #recover(): void {
    const { disk } = this.#options
    const hardState = recoverHardState(disk)
    if (!hardState.ok) {
      this.#done(hardState)
      return
    }
    const log = recoverLog(disk)
    if (!log.ok) this.#done(log)
    else if (log.value.terms.last.term > hardState.value.state.term)
      this.#done(failed('log-damaged', 'the record of term and vote is older than the log'))
    else
      repairFiles(disk, this.#writer, log.value.repairs, () => this.#makeDurable(hardState.value, log.value))
  }

  /** Term, vote and the last batch may be in the page cache only; from here on they count as promised. */
  #makeDurable(found: RecoveredHardState, log: RecoveredLog): void {
    const { disk, segmentBytes } = this.#options
    const hardState = new HardStateFile(disk, this.#writer, found.sequence)
    const wal = new WriteAheadLog(
      { disk, writer: this.#writer, segmentBytes: segmentBytes ?? limits.walSegmentBytes },
      log,
    )
    const restore = (): void => this.#restore({ state: found.state, hardState, wal, log })
    hardState.write(found.state, () =>
      wal.adopt(log.lastBatchAt, () => {
        if (wal.isSealed) restore()
        else wal.append([], restore)
      }),
    )
  }

  #restore(files: OpenFiles): void {
    const { disk } = this.#options
    const snapshots = new Snapshots(disk)
    for (const leftover of snapshots.leftovers()) snapshots.remove(leftover)
    const logBase = files.log.terms.base.index
    restoreNewest({ ...this.#options, snapshots, logBase }, (restored) => {
      if (restored.ok) this.#settle(files, snapshots, restored.value)
      else this.#done(restored)
    })
  }

  /**
   * Brings log and snapshot together. A snapshot that is newer than the log, or that the log contradicts, came from a
   * leader, and the crash was between its installation and the reset of the log.
   */
  #settle(files: OpenFiles, snapshots: Snapshots, meta: SnapshotMeta | undefined): void {
    const { terms } = files.log
    if (meta === undefined || terms.at(meta.last.index) === meta.last.term) {
      this.#obeyOperator(files, snapshots, meta)
      return
    }
    files.wal.reset(meta.last, () => {
      terms.reset(meta.last)
      this.#obeyOperator(files, snapshots, meta)
    })
  }

  /** A list of servers that an operator left for this start takes the place of the log's. */
  #obeyOperator(files: OpenFiles, snapshots: Snapshots, meta: SnapshotMeta | undefined): void {
    const { disk, id, log } = this.#options
    const { terms, configurations } = files.log
    const newest = configurations[configurations.length - 1]?.configuration
    const known = newest ?? meta?.configuration ?? { servers: [] }
    const forced = readForcedServers(disk, id, known)
    if (!forced.ok) {
      this.#done(forced)
      return
    }
    const servers = forced.value
    if (servers === undefined) {
      this.#start(files, snapshots, meta)
      return
    }
    log.warn('taking the list of servers from an operator’s file', {
      path: forcedServersPath,
      servers: servers.servers.map((server) => `${server.id} ${server.address} ${server.suffrage}`),
    })
    const applied = meta?.last.index ?? emptyLog.index
    const attempt = (work: () => void): void => this.attempt(work)
    const recovery = {
      ...this.#options,
      snapshots,
      wal: files.wal,
      applied,
      last: terms.last,
      servers,
      attempt,
    }
    forceServers(recovery, (recovered) => {
      if ('code' in recovered) this.#done({ ok: false, failure: recovered })
      else
        files.wal.reset(recovered.last, () => {
          terms.reset(recovered.last)
          retireForcedServers(this.#writer, () => this.#start(files, snapshots, recovered))
        })
    })
  }

  #start(files: OpenFiles, snapshots: Snapshots, meta: SnapshotMeta | undefined): void {
    const { state, log, wal, hardState } = files
    const last = meta?.last ?? emptyLog
    const inLog = log.configurations.filter(
      (known) => known.index > last.index && known.index <= log.terms.last.index,
    )
    const base = meta === undefined ? [] : [{ index: last.index, configuration: meta.configuration }]
    const times = this.#options.timing ?? timing()
    const raft = new Raft(
      {
        id: this.#options.id,
        electionTimeoutMs: times.electionTimeoutMs,
        heartbeatMs: times.heartbeatMs,
        random: () => this.#options.random.fraction(),
        store: wal,
        recentLogBytes: limits.recentLogBytes,
        uncommittedBytes: limits.uncommittedBytes,
      },
      {
        // A snapshot may be durable before the term in which it came; nothing was promised in that term yet.
        hardState: last.term > state.term ? { term: last.term, vote: undefined } : state,
        snapshot: last,
        terms: log.terms,
        configurations: [...base, ...inLog],
      },
    )
    this.#driver = new Driver({
      ...this.#options,
      raft,
      wal,
      hardState,
      snapshots,
      applied: last.index,
      timing: times,
      thresholds: this.#options.thresholds ?? snapshotThresholds,
    })
    this.#fillReserve()
    this.#done(ok(this.#driver))
  }

  /** Beside the work: a server starts on a disk that has no room for it, too. */
  #fillReserve(): void {
    this.#reserve?.ensure((isThere) => {
      if (!isThere) this.#options.log.warn('the disk has no room for the reserve that a full disk needs')
    })
  }
}

interface OpenFiles {
  readonly state: HardState
  readonly hardState: HardStateFile
  readonly wal: WriteAheadLog
  readonly log: RecoveredLog
}
