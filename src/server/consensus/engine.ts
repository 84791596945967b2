/**
 * The loop around the consensus core: messages, ticks and requests go in, and what the core asks for is done: disk first
 * in order, network, state machine, snapshots. Knows no callers; driver.ts keeps those. Holds no rule of Raft.
 */

import type { Applied } from '../../model/command.ts'
import { assert, type Failure } from '../../model/errors.ts'
import type { LogIndex, NodeId } from '../../model/ids.ts'
import type { Entry } from '../../model/log-entry.ts'
import type { RaftMessage } from '../../model/raft-message.ts'
import type { Clock, Disk, Log, Metrics, Random, Timer } from '../../platform/ports.ts'
import type { Effects, ReadReady } from '../../raft/effects.ts'
import type { Input } from '../../raft/input.ts'
import type { Raft } from '../../raft/raft.ts'
import { Applier } from './applier.ts'
import type { RaftTransport, StateMachine } from './contract.ts'
import type { HardStateFile } from './hard-state.ts'
import { Outbox } from './outbox.ts'
import type { SnapshotMeta } from './snapshot-file.ts'
import type { Snapshots } from './snapshots.ts'
import { type SnapshotThresholds, Snapshotting } from './snapshotting.ts'
import { Storage } from './storage.ts'
import type { Timing } from './timing.ts'
import type { WriteAheadLog } from './wal.ts'

export interface EngineParts {
  readonly id: NodeId
  readonly raft: Raft
  readonly wal: WriteAheadLog
  readonly hardState: HardStateFile
  readonly snapshots: Snapshots
  readonly stateMachine: StateMachine
  /** Index that the state machine stands at. */
  readonly applied: LogIndex
  readonly transport: RaftTransport
  readonly disk: Disk
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly metrics: Metrics
  readonly timing: Timing
  readonly thresholds: SnapshotThresholds
  readonly onFatal: (failure: Failure) => void
  readonly observer?: StepObserver
}

/** Sees the core from outside, for checkers and traces. It must change nothing. */
export interface StepObserver {
  /** Before the first step: the core as it was recovered from disk. */
  opened(raft: Raft): void
  /** After each step, before its effects are carried out. */
  stepped(raft: Raft, input: Input, effects: Effects): void
}

/** What happened, for those who wait for it. Called between steps, never within one. */
export interface EngineListener {
  /** `result` only for commands. */
  readonly onApplied: (entry: Entry, result: Applied | undefined) => void
  /** The state machine stands at `index` now. */
  readonly onProgress: (index: LogIndex) => void
  /** The state machine came to `index` by a snapshot, not by entries. */
  readonly onSkipped: (index: LogIndex) => void
  readonly onReads: (ready: readonly ReadReady[], failed: readonly number[]) => void
  /** Role, term or leader may have changed. */
  readonly onStanding: () => void
  /** `lagMs`: by how much the tick came late. */
  readonly onTick: (nowMs: number, lagMs: number) => void
  readonly onFatal: (failure: Failure) => void
}

interface Step {
  readonly input: Input
  readonly then: ((effects: Effects) => void) | undefined
}

export class Engine {
  readonly #parts: EngineParts
  readonly #listener: EngineListener
  readonly #storage: Storage
  readonly #outbox: Outbox
  readonly #applier: Applier
  readonly #snapshotting: Snapshotting
  readonly #queue: Step[] = []
  #isStepping: boolean = false
  #isStopped: boolean = false
  #tickTimer: Timer
  #tickedMs: number
  /** What waits for everything that was handed to the disk before it. */
  #afterSync: { readonly ticket: number; readonly run: () => void }[] = []

  constructor(parts: EngineParts, listener: EngineListener) {
    const { clock, transport, wal, hardState } = parts
    this.#parts = parts
    this.#listener = listener
    this.#storage = new Storage(wal, hardState, clock, (ticket) => this.#onSynced(ticket))
    this.#outbox = new Outbox(({ to, message }) => transport.send(to, message))
    this.#applier = new Applier(parts.stateMachine, clock, parts.applied, {
      onApplied: listener.onApplied,
      onBatch: (index) => this.#onBatch(index),
      onUnreadable: listener.onFatal,
    })
    this.#snapshotting = new Snapshotting({
      ...parts,
      applier: this.#applier,
      send: (to, message) => transport.send(to, message),
      onCompacted: (index) => this.step({ type: 'compacted', index }),
      onInstalled: (meta) => this.#onInstalled(meta),
      onFatal: listener.onFatal,
    })
    this.#tickedMs = clock.monotonicMs()
    this.#tickTimer = clock.after(parts.timing.tickMs, () => this.#tick())
  }

  /** Begins: from here on messages are taken and time passes. */
  start(): void {
    const { transport, raft, observer } = this.#parts
    observer?.opened(raft)
    transport.onMessage((from, message) => this.#receive(from, message))
    transport.setServers(raft.configuration.configuration.servers)
    this.nudge()
  }

  get applied(): LogIndex {
    return this.#applier.applied
  }

  /** Gives the core one input; `then` sees the effects once they are on their way. */
  step(input: Input, then?: (effects: Effects) => void): void {
    if (this.#isStopped) return
    this.#queue.push({ input, then })
    if (this.#isStepping) return
    this.#isStepping = true
    const { raft, observer } = this.#parts
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      const effects = raft.step(next.input)
      observer?.stepped(raft, next.input, effects)
      this.#carryOut(effects)
      next.then?.(effects)
    }
    this.#isStepping = false
  }

  /** A server that is alone leads without waiting for a timer. */
  nudge(): void {
    this.step({ type: 'tick', elapsedMs: 0 })
  }

  /** Runs when everything handed to the disk so far is durable. */
  whenSynced(run: () => void): void {
    const ticket = this.#storage.newestTicket
    if (ticket <= this.#storage.syncedTicket) run()
    else this.#afterSync.push({ ticket, run })
  }

  /** Nothing is sent, promised, applied or written any more. */
  halt(): void {
    this.#shut()
    this.#storage.halt()
  }

  /** Ends likewise, but lets what was handed over reach the disk. */
  close(done: () => void): void {
    this.#shut()
    this.#storage.close(done)
  }

  #shut(): void {
    this.#isStopped = true
    this.#queue.length = 0
    this.#tickTimer.cancel()
    this.#applier.stop()
    this.#snapshotting.stop()
  }

  #carryOut(effects: Effects): void {
    const { transport, raft } = this.#parts
    if (effects.persist !== undefined) this.#storage.persist(effects.persist)
    for (const { to, message } of effects.free) transport.send(to, message)
    const { newestTicket, syncedTicket } = this.#storage
    if (effects.afterSync.length > 0) this.#outbox.hold(effects.afterSync, newestTicket, syncedTicket)
    if (effects.configurationChanged) transport.setServers(raft.configuration.configuration.servers)
    for (const peer of effects.snapshotsNeeded) this.#snapshotting.onNeeded(peer)
    const { snapshotTraffic } = effects
    if (snapshotTraffic !== undefined)
      this.#snapshotting.onTraffic(snapshotTraffic.from, snapshotTraffic.message)
    if (effects.standingChanged) this.#listener.onStanding()
    if (effects.reads.length > 0 || effects.readsFailed.length > 0)
      this.#listener.onReads(effects.reads, effects.readsFailed)
    if (effects.apply.length > 0) this.#applier.take(effects.apply)
  }

  #receive(from: NodeId, message: RaftMessage): void {
    this.step({ type: 'message', from, message })
  }

  #onSynced(ticket: number): void {
    if (this.#isStopped) return
    this.#outbox.release(ticket)
    this.step({ type: 'synced', ticket })
    const open = this.#afterSync.findIndex((waiting) => waiting.ticket > ticket)
    const ready = this.#afterSync.splice(0, open === -1 ? this.#afterSync.length : open)
    for (const { run } of ready) run()
  }

  #onBatch(index: LogIndex): void {
    this.step({ type: 'applied', index })
    this.#listener.onProgress(index)
    this.#snapshotting.considerTaking()
  }

  #onInstalled(meta: SnapshotMeta): void {
    assert(this.#applier.applied === meta.last.index, 'the state machine stands at the snapshot')
    this.step({ type: 'snapshot-installed', ...meta })
    this.#listener.onSkipped(meta.last.index)
    this.#listener.onProgress(meta.last.index)
  }

  #tick(): void {
    const { clock, timing, raft, metrics } = this.#parts
    const nowMs = clock.monotonicMs()
    const lagMs = nowMs - this.#tickedMs - timing.tickMs
    // After a pause of the process the messages that wait are more telling than the time that passed.
    const elapsedMs = Math.min(nowMs - this.#tickedMs, timing.tickMaxMs)
    this.#tickedMs = nowMs
    this.#tickTimer = clock.after(timing.tickMs, () => this.#tick())
    this.step({ type: 'tick', elapsedMs })
    this.#snapshotting.tick(elapsedMs)
    metrics.gauge('raft_term', raft.term)
    metrics.gauge('raft_commit_index', raft.committed)
    metrics.gauge('raft_applied_index', this.#applier.applied)
    metrics.gauge('mesh_server_event_loop_lag_ms', Math.max(0, lagMs))
    this.#listener.onTick(nowMs, lagMs)
  }
}
