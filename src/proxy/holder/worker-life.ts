/**
 * The life of one worker of a proxy: kept running, started again when it dies or hangs, replaced by a new process without
 * a gap. Knows processes and time; what a worker listens on is holder.ts.
 */
import { limits } from '../../model/limits.ts'
import type { Clock, Log, Timer } from '../../platform/ports.ts'
import type { FromHolder, FromWorker } from './message.ts'

/** One worker process. */
export interface WorkerProcess {
  /** 0 where it could not be started. */
  readonly pid: number
  send(message: FromHolder, handle?: object): void
  kill(): void
}

export interface WorkerEvents {
  onMessage(message: FromWorker): void
  /** Once, also where it could not be started. `how` is for the log. */
  onExit(how: string): void
}

export interface WorkerLifeOptions {
  readonly clock: Clock
  readonly log: Log
  readonly spawn: (events: WorkerEvents) => WorkerProcess
  /** From the worker that serves or from its successor. */
  readonly onMessage: (message: Exclude<FromWorker, { kind: 'alive' }>, from: WorkerProcess) => void
}

export type Replacement =
  | { readonly kind: 'replaced'; readonly oldPid: number; readonly pid: number }
  /** The worker of before goes on. */
  | { readonly kind: 'failed'; readonly pid: number; readonly reason: string }

/** A successor that was asked for, and who wants to hear how it went. */
interface Succession {
  readonly worker: WorkerProcess
  readonly drainMs: number
  readonly deadline: Timer
  readonly done: (outcome: Replacement) => void
}

/** Wait after a second worker in a row that died young; the first restart waits for nothing. */
const restartMinMs = 100

export class WorkerLife {
  private readonly options: WorkerLifeOptions
  private serving: WorkerProcess | undefined
  /** Takes over from `serving` when it has its listeners. */
  private succession: Succession | undefined
  /** Told to stop; each is killed when it does not. */
  private readonly leaving = new Map<WorkerProcess, Timer>()
  /** Beats that each watched worker has missed; negative while it starts. */
  private readonly missed = new Map<WorkerProcess, number>()
  private beatTimer: Timer | undefined
  private startedMs = 0
  /** Workers in a row that died young. */
  private diedYoung = 0
  private timer: Timer | undefined
  private onStopped: (() => void) | undefined

  constructor(options: WorkerLifeOptions) {
    this.options = options
  }

  /** 0 while there is none. */
  get pid(): number {
    return this.serving?.pid ?? 0
  }

  start(): void {
    this.startedMs = this.options.clock.monotonicMs()
    this.serving = this.spawn()
    if (this.beatTimer === undefined) this.watch()
  }

  /**
   * Replaces the worker by a new process without refusing a connection; open ones stay with the old one for `drainMs`.
   * `done` hears how it went: a new worker that dies, or has no listeners in time, changes nothing.
   */
  replace(drainMs: number, done: (outcome: Replacement) => void): void {
    const obstacle = this.obstacle()
    if (obstacle !== '') {
      done({ kind: 'failed', pid: this.pid, reason: obstacle })
      return
    }
    const worker = this.spawn()
    const deadline = this.options.clock.after(limits.workerSuccessionMs, () => {
      this.give(`it did not serve within ${limits.workerSuccessionMs} ms`)
      worker.kill()
    })
    this.succession = { worker, drainMs, deadline, done }
  }

  private obstacle(): string {
    if (this.onStopped !== undefined) return 'the proxy is stopping'
    if (this.serving === undefined) return 'there is no worker; it is being started again'
    return this.succession === undefined ? '' : 'a new worker is being started already'
  }

  /** Ends all its processes, giving them `drainMs`. */
  stop(drainMs: number, done: () => void): void {
    this.onStopped = done
    this.timer?.cancel()
    this.beatTimer?.cancel()
    const successor = this.succession?.worker
    this.give('the proxy is stopping')
    // Those that were replaced before had a longer time; it ends with this one.
    for (const worker of [...this.leaving.keys(), this.serving, successor])
      if (worker !== undefined) this.dismiss(worker, drainMs)
    this.serving = undefined
    if (this.leaving.size === 0) done()
  }

  /** Whether the process is the one that serves or shall serve. */
  has(worker: WorkerProcess): boolean {
    return worker === this.serving || worker === this.succession?.worker
  }

  /** `worker` has the listeners that it asked for: from here it takes the connections. */
  settled(worker: WorkerProcess): void {
    if (worker === this.succession?.worker) this.takeOver(this.succession)
  }

  private spawn(): WorkerProcess {
    const worker = this.options.spawn({
      onMessage: (message) => {
        if (!this.has(worker)) return
        this.missed.set(worker, 0)
        if (message.kind !== 'alive') this.options.onMessage(message, worker)
      },
      onExit: (how) => this.onExit(worker, how),
    })
    this.missed.set(worker, -limits.workerStartBeats)
    this.options.log.info('proxy worker started', { pid: worker.pid })
    return worker
  }

  private takeOver({ worker, drainMs, deadline, done }: Succession): void {
    deadline.cancel()
    const old = this.serving
    this.serving = worker
    this.succession = undefined
    this.startedMs = this.options.clock.monotonicMs()
    if (old !== undefined) {
      this.dismiss(old, drainMs)
      this.options.log.info('proxy worker replaced', { old: old.pid, pid: worker.pid })
    }
    done({ kind: 'replaced', oldPid: old?.pid ?? 0, pid: worker.pid })
  }

  /** The successor is given up; the worker of now goes on. */
  private give(reason: string): void {
    const { succession } = this
    if (succession === undefined) return
    this.succession = undefined
    succession.deadline.cancel()
    succession.done({ kind: 'failed', pid: this.pid, reason })
  }

  private dismiss(worker: WorkerProcess, drainMs: number): void {
    this.leaving.get(worker)?.cancel()
    this.missed.delete(worker)
    worker.send({ kind: 'stop', drainMs })
    const timer = this.options.clock.after(drainMs + 2 * limits.lingerMs, () => worker.kill())
    this.leaving.set(worker, timer)
  }

  private onExit(worker: WorkerProcess, how: string): void {
    const { log } = this.options
    this.missed.delete(worker)
    const timer = this.leaving.get(worker)
    if (timer !== undefined) {
      timer.cancel()
      this.leaving.delete(worker)
      log.info('proxy worker ended', { pid: worker.pid, how })
      if (this.leaving.size === 0) this.onStopped?.()
    } else if (worker === this.succession?.worker) {
      log.error('the new proxy worker died; the old one goes on', { pid: worker.pid, how })
      this.give(`it died: ${how}`)
    } else if (worker === this.serving) this.replaceDead(how)
  }

  private replaceDead(how: string): void {
    const { clock, log } = this.options
    this.serving = undefined
    if (this.succession !== undefined) {
      log.error('proxy worker died; the new one takes over', { how })
      this.takeOver(this.succession)
      return
    }
    const young = clock.monotonicMs() - this.startedMs < limits.workerStableMs
    this.diedYoung = young ? this.diedYoung + 1 : 0
    const waitMs =
      this.diedYoung <= 1
        ? 0
        : Math.min(limits.workerRestartMaxMs, restartMinMs * 2 ** Math.min(this.diedYoung - 2, 16))
    log.error('proxy worker died and is started again', { how, waitMs })
    if (waitMs === 0) this.start()
    else this.timer = clock.after(waitMs, () => this.start())
  }

  /**
   * A worker whose event loop stands still serves nobody and would stay so. Beats are counted, not timed: where the whole
   * machine stood still, so did we.
   */
  private watch(): void {
    this.beatTimer = this.options.clock.after(limits.workerBeatMs, () => {
      for (const [worker, missed] of this.missed) {
        this.missed.set(worker, missed + 1)
        if (missed + 1 !== limits.workerMissedBeats) continue
        this.options.log.error('a proxy worker does not answer and is killed', { pid: worker.pid })
        worker.kill()
      }
      this.watch()
    })
  }
}
