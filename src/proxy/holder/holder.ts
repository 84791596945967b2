/**
 * The holder: owns the listening handles, keeps the workers running, gives each its handles. It accepts no client and reads
 * no configuration, so there is little that could stop it; while a worker is away clients queue in the kernel.
 */
import { limits } from '../../model/limits.ts'
import type { Clock, ListenAddress, ListeningHandle, ListeningHandles, Log } from '../../platform/ports.ts'
import { type FromWorker, type ListenFailure, type ListenRequest, listenKey } from './message.ts'
import { type Isolation, scopeName, type WorkerScope } from './scope.ts'
import { type Replacement, type WorkerEvents, WorkerLife, type WorkerProcess } from './worker-life.ts'

export type { WorkerEvents, WorkerProcess } from './worker-life.ts'

export interface HolderOptions {
  readonly clock: Clock
  readonly log: Log
  readonly handles: ListeningHandles
  readonly isolation: Isolation
  readonly spawn: (scope: WorkerScope, events: WorkerEvents) => WorkerProcess
}

/** How the replacement of one worker went. */
export type WorkerReplacement = Replacement & { readonly worker: string }

interface Held {
  readonly handle: ListeningHandle
  readonly owner: WorkerLife
}

export class Holder {
  private readonly options: HolderOptions
  private readonly held = new Map<string, Held>()
  private readonly requests: { request: ListenRequest; from: WorkerProcess; life: WorkerLife }[] = []
  private answering: boolean = false
  /** By scope name. */
  private readonly lives = new Map<string, WorkerLife>()
  /** Workers of services that are gone, until their connections are. */
  private readonly ending = new Set<WorkerLife>()
  private upgrading: boolean = false
  private onStopped: (() => void) | undefined

  constructor(options: HolderOptions) {
    this.options = options
  }

  /** Of the first worker; 0 while there is none. */
  get workerPid(): number {
    const [first] = this.lives.values()
    return first?.pid ?? 0
  }

  /** Each worker by the name of what it is for. */
  workers(): readonly { readonly worker: string; readonly pid: number }[] {
    return Array.from(this.lives, ([worker, { pid }]) => ({ worker, pid }))
  }

  start(): void {
    this.add({ kind: this.options.isolation === 'host' ? 'host' : 'guide' })
  }

  /**
   * Replaces every worker by a new process, one after the other, without refusing a connection; open ones stay with the old
   * one for `drainMs`. `done` hears how each went.
   */
  reload(
    drainMs: number = limits.workerReplacedDrainMs,
    done: (outcomes: readonly WorkerReplacement[]) => void = () => {},
  ): void {
    const outcomes: WorkerReplacement[] = []
    if (this.upgrading) {
      const reason = 'the workers are being replaced already'
      this.options.log.warn(reason)
      done([{ worker: 'all', kind: 'failed', pid: this.workerPid, reason }])
      return
    }
    this.upgrading = true
    const waiting = [...this.lives]
    const next = (): void => {
      const [worker, life] = waiting.shift() ?? []
      if (worker === undefined || life === undefined || this.onStopped !== undefined) {
        this.upgrading = false
        done(outcomes)
        return
      }
      life.replace(drainMs, (outcome) => {
        if (outcome.kind === 'failed')
          this.options.log.error('a proxy worker was not replaced', { worker, reason: outcome.reason })
        outcomes.push({ worker, ...outcome })
        next()
      })
    }
    next()
  }

  /** Ends all workers, giving them their time, and closes everything. */
  stop(done: () => void): void {
    this.onStopped = done
    for (const { handle } of this.held.values()) handle.close()
    this.held.clear()
    const lives = [...this.lives.values(), ...this.ending]
    this.lives.clear()
    this.ending.clear()
    let left = lives.length
    if (left === 0) done()
    for (const life of lives)
      life.stop(limits.workerDrainMs, () => {
        left -= 1
        if (left === 0) done()
      })
  }

  private add(scope: WorkerScope): void {
    const { options } = this
    const life: WorkerLife = new WorkerLife({
      clock: options.clock,
      log: options.log.with({ worker: scopeName(scope) }),
      spawn: (events) => options.spawn(scope, events),
      onMessage: (message, from) => this.onMessage(message, from, life),
    })
    this.lives.set(scopeName(scope), life)
    life.start()
  }

  private onMessage(
    message: Exclude<FromWorker, { kind: 'alive' }>,
    from: WorkerProcess,
    life: WorkerLife,
  ): void {
    if (message.kind === 'listen') {
      this.requests.push({ request: message, from, life })
      this.answerNext()
      return
    }
    this.follow(message.names)
    life.settled(from)
  }

  /** A worker for each service of the guide's list, and none for others. */
  private follow(names: readonly string[]): void {
    if (this.onStopped !== undefined) return
    const wanted = names.slice(0, limits.isolatedWorkers)
    if (wanted.length < names.length)
      this.options.log.error('services without a worker: a proxy has a limited number', {
        limit: limits.isolatedWorkers,
        without: names.length - wanted.length,
      })
    const scopes = wanted.map((service) => ({ kind: 'service', service }) as const)
    const keep = new Set(scopes.map(scopeName))
    for (const [name, life] of this.lives) if (name !== 'guide' && !keep.has(name)) this.end(name, life)
    for (const scope of scopes) if (!this.lives.has(scopeName(scope))) this.add(scope)
  }

  private end(name: string, life: WorkerLife): void {
    this.lives.delete(name)
    this.ending.add(life)
    this.release(life, new Set())
    life.stop(limits.workerReplacedDrainMs, () => this.ending.delete(life))
  }

  /** One request at a time: two that open the same address would stand in each other's way. */
  private answerNext(): void {
    if (this.answering) return
    const next = this.requests.shift()
    if (next === undefined) return
    this.answering = true
    const { request, from, life } = next
    this.answer(request, from, life, () => {
      this.answering = false
      life.settled(from)
      this.answerNext()
    })
  }

  private answer(request: ListenRequest, from: WorkerProcess, life: WorkerLife, done: () => void): void {
    const wanted = new Map(request.wanted.map((address) => [listenKey(address), address]))
    if (request.release) this.release(life, wanted)
    const failures: ListenFailure[] = []
    let left = request.missing.length + 1
    const settle = (): void => {
      left -= 1
      if (left > 0) return
      if (life.has(from)) from.send({ kind: 'listened', id: request.id, failures })
      done()
    }
    for (const key of request.missing)
      this.provide(key, wanted.get(key), life, (handle, reason) => {
        if (handle === undefined) failures.push({ key, reason })
        else if (life.has(from)) from.send({ kind: 'handle', id: request.id, key }, handle.native)
        settle()
      })
    settle()
  }

  /** Closes what `life` has and `wanted` does not name. */
  private release(life: WorkerLife, wanted: { has(key: string): boolean }): void {
    for (const [key, { handle, owner }] of this.held)
      if (owner === life && !wanted.has(key)) {
        handle.close()
        this.held.delete(key)
      }
  }

  private provide(
    key: string,
    address: ListenAddress | undefined,
    life: WorkerLife,
    done: (handle: ListeningHandle | undefined, reason: string) => void,
  ): void {
    const held = this.held.get(key)
    // Two workers that accept on one address would take each other's clients; the loser asks again later.
    if (held !== undefined && held.owner !== life) done(undefined, `${key} belongs to another worker`)
    else if (held !== undefined) done(held.handle, '')
    else if (address === undefined) done(undefined, `${key} is not among the wanted addresses`)
    else this.openFor(life, key, address, done)
  }

  private openFor(
    life: WorkerLife,
    key: string,
    address: ListenAddress,
    done: (handle: ListeningHandle | undefined, reason: string) => void,
  ): void {
    this.options.handles.open(address, (handle, reason) => {
      const isGone = this.onStopped !== undefined || this.ending.has(life)
      if (handle !== undefined && isGone) {
        handle.close()
        return done(undefined, 'the proxy is stopping')
      }
      if (handle !== undefined) this.held.set(key, { handle, owner: life })
      done(handle, reason)
    })
  }
}
