/**
 * The holder: owns the listening handles, keeps a worker running, gives each worker its handles. It accepts nothing and
 * reads no configuration, so there is little that could stop it; while a worker is away clients queue in the kernel.
 */
import { limits } from '../../model/limits.ts'
import type {
  Clock,
  ListenAddress,
  ListeningHandle,
  ListeningHandles,
  Log,
  Timer,
} from '../../platform/ports.ts'
import {
  type FromHolder,
  type FromWorker,
  type ListenFailure,
  type ListenRequest,
  listenKey,
} from './message.ts'

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

export interface HolderOptions {
  readonly clock: Clock
  readonly log: Log
  readonly handles: ListeningHandles
  readonly spawn: (events: WorkerEvents) => WorkerProcess
}

/** Wait after a second worker in a row that died young; the first restart waits for nothing. */
const restartMinMs = 100

export class Holder {
  private readonly options: HolderOptions
  private readonly held = new Map<string, ListeningHandle>()
  private readonly requests: { readonly request: ListenRequest; readonly from: WorkerProcess }[] = []
  private answering: boolean = false
  private serving: WorkerProcess | undefined
  /** Started to take over from `serving`; does so when it has its listeners. */
  private successor: WorkerProcess | undefined
  /** Told to stop. */
  private readonly leaving = new Set<WorkerProcess>()
  private startedMs = 0
  /** Workers in a row that died young. */
  private diedYoung = 0
  private timer: Timer | undefined
  private onStopped: (() => void) | undefined

  constructor(options: HolderOptions) {
    this.options = options
  }

  /** 0 while there is none. */
  get workerPid(): number {
    return this.serving?.pid ?? 0
  }

  start(): void {
    this.startedMs = this.options.clock.monotonicMs()
    this.serving = this.spawn()
  }

  /** Replaces the worker by a new process without refusing a connection; open ones stay with the old one for a while. */
  reload(): void {
    if (this.onStopped !== undefined) return
    if (this.serving === undefined || this.successor !== undefined)
      this.options.log.warn('a new proxy worker is being started already')
    else this.successor = this.spawn()
  }

  /** Ends all workers, giving them their time, and closes everything. */
  stop(done: () => void): void {
    this.onStopped = done
    this.timer?.cancel()
    for (const handle of this.held.values()) handle.close()
    this.held.clear()
    for (const worker of [this.serving, this.successor]) if (worker !== undefined) this.leaving.add(worker)
    this.serving = undefined
    this.successor = undefined
    if (this.leaving.size === 0) {
      done()
      return
    }
    for (const worker of this.leaving) worker.send({ kind: 'stop', drainMs: limits.workerDrainMs })
    this.timer = this.options.clock.after(limits.workerDrainMs + 2 * limits.lingerMs, () => {
      for (const worker of this.leaving) worker.kill()
    })
  }

  private spawn(): WorkerProcess {
    const worker = this.options.spawn({
      onMessage: (request) => {
        if (!this.isOurs(worker)) return
        this.requests.push({ request, from: worker })
        this.answerNext()
      },
      onExit: (how) => this.onExit(worker, how),
    })
    this.options.log.info('proxy worker started', { pid: worker.pid })
    return worker
  }

  /** The new worker has its listeners: from here it takes the connections. */
  private takeOver(successor: WorkerProcess): void {
    const old = this.serving
    this.serving = successor
    this.successor = undefined
    this.startedMs = this.options.clock.monotonicMs()
    if (old === undefined) return
    this.leaving.add(old)
    old.send({ kind: 'stop', drainMs: limits.workerReplacedDrainMs })
    this.options.log.info('proxy worker replaced', { old: old.pid, pid: successor.pid })
  }

  private onExit(worker: WorkerProcess, how: string): void {
    const { log } = this.options
    if (this.leaving.delete(worker)) {
      log.info('proxy worker ended', { pid: worker.pid, how })
      if (this.leaving.size > 0 || this.onStopped === undefined) return
      this.timer?.cancel()
      this.onStopped()
    } else if (worker === this.successor) {
      this.successor = undefined
      log.error('the new proxy worker died; the old one goes on', { pid: worker.pid, how })
    } else if (worker === this.serving) this.replaceDead(how)
  }

  private replaceDead(how: string): void {
    const { clock, log } = this.options
    this.serving = undefined
    if (this.successor !== undefined) {
      log.error('proxy worker died; the new one takes over', { how })
      this.takeOver(this.successor)
      return
    }
    const young = clock.monotonicMs() - this.startedMs < limits.workerStableMs
    this.diedYoung = young ? this.diedYoung + 1 : 0
    const waitMs =
      this.diedYoung <= 1
        ? 0
        : Math.min(limits.workerRestartMaxMs, restartMinMs * 2 ** Math.min(this.diedYoung - 2, 16))
    log.error('proxy worker died and is started again', { how, waitMs, listeners: this.held.size })
    if (waitMs === 0) this.start()
    else this.timer = clock.after(waitMs, () => this.start())
  }

  /** One request at a time: two that open the same address would stand in each other's way. */
  private answerNext(): void {
    if (this.answering) return
    const next = this.requests.shift()
    if (next === undefined) return
    this.answering = true
    this.answer(next.request, next.from, () => {
      this.answering = false
      if (next.from === this.successor) this.takeOver(next.from)
      this.answerNext()
    })
  }

  private isOurs(worker: WorkerProcess): boolean {
    return worker === this.serving || worker === this.successor
  }

  private answer(request: ListenRequest, from: WorkerProcess, done: () => void): void {
    const wanted = new Map(request.wanted.map((address) => [listenKey(address), address]))
    if (request.release)
      for (const [key, handle] of this.held)
        if (!wanted.has(key)) {
          handle.close()
          this.held.delete(key)
        }
    const failures: ListenFailure[] = []
    let left = request.missing.length + 1
    const settle = (): void => {
      left -= 1
      if (left > 0) return
      if (this.isOurs(from)) from.send({ kind: 'listened', id: request.id, failures })
      done()
    }
    for (const key of request.missing)
      this.provide(key, wanted.get(key), (handle, reason) => {
        if (handle === undefined) failures.push({ key, reason })
        else if (this.isOurs(from)) from.send({ kind: 'handle', id: request.id, key }, handle.native)
        settle()
      })
    settle()
  }

  private provide(
    key: string,
    address: ListenAddress | undefined,
    done: (handle: ListeningHandle | undefined, reason: string) => void,
  ): void {
    const held = this.held.get(key)
    if (held !== undefined) {
      done(held, '')
      return
    }
    if (address === undefined) {
      done(undefined, `${key} is not among the wanted addresses`)
      return
    }
    this.options.handles.open(address, (handle, reason) => {
      if (handle !== undefined && this.onStopped !== undefined) {
        handle.close()
        return done(undefined, 'the proxy is stopping')
      }
      if (handle !== undefined) this.held.set(key, handle)
      done(handle, reason)
    })
  }
}
