/**
 * Keeps one connection to some server while anybody wants one: finds a server, reconnects with pauses, changes over to
 * a new connection when the certificate changed. What is done over the connection is grpc-client.ts.
 */
import type { Failure } from '../model/errors.ts'
import type { Clock, Log, Metrics, Random, Timer } from '../platform/ports.ts'
import type { ClientIdentity } from './channel-credentials.ts'
import { GrpcConnection } from './grpc-connection.ts'
import { ServerList } from './server-list.ts'

export interface KeeperOptions {
  /** Addresses now; asked before each attempt, so that a reload or gossip may change them. */
  readonly servers: () => readonly string[]
  /** What to show and whom to trust, asked before each attempt. */
  readonly identity: () => ClientIdentity
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly metrics: Metrics
  readonly onReady: () => void
  /** Every server, one after the other, turned out to be of another cluster: waiting will not help. */
  readonly onForeign: (reason: Failure) => void
}

/** A caller that waits brings the next attempt forward to this long after the last one. */
const demandPauseMs = 1_000

export class ConnectionKeeper {
  readonly #options: KeeperOptions
  readonly #list: ServerList
  #current: GrpcConnection | undefined
  #next: GrpcConnection | undefined
  #pause: Timer | undefined
  #pauseEndsMs = 0
  #lastAttemptMs = Number.NEGATIVE_INFINITY
  #lastRefusal: Failure | undefined
  /** Refusals in a row for being of another cluster. */
  #foreign = 0
  #state: 'open' | 'closed' = 'open'
  #isMoving: boolean = false
  #awaySinceMs: number | undefined

  constructor(options: KeeperOptions) {
    this.#options = options
    this.#list = new ServerList(options.random)
    this.#awaySinceMs = options.clock.monotonicMs()
  }

  /** The connection to use now. */
  current(): GrpcConnection | undefined {
    return this.#current
  }

  /** How long there has been no connection; 0 while there is one. */
  awayMs(): number {
    return this.#awaySinceMs === undefined ? 0 : this.#options.clock.monotonicMs() - this.#awaySinceMs
  }

  isClosed(): boolean {
    return this.#state === 'closed'
  }

  /** Why the last attempt failed, if none succeeded since. */
  lastRefusal(): Failure | undefined {
    return this.#lastRefusal
  }

  /**
   * Somebody waits for a connection: starts an attempt if none is planned. `urgent`, for a caller that a person may be
   * behind, also brings a planned one forward; control streams do not, or a fleet without servers would hammer them.
   */
  demand(urgent: boolean): void {
    if (this.#state === 'closed' || this.#current !== undefined || this.#next !== undefined) return
    const dueMs = Math.min(this.#pauseEndsMs, this.#lastAttemptMs + demandPauseMs)
    const delayMs = dueMs - this.#options.clock.monotonicMs()
    if (this.#pause === undefined || (urgent && delayMs <= 0)) this.#attempt()
    else if (urgent && dueMs < this.#pauseEndsMs) this.#wait(delayMs)
  }

  /** Forget past failures, for example because a server was heard of by other means: tries at once. */
  resetBackoff(): void {
    this.#list.reset()
    if (this.#pause !== undefined) this.#attempt()
  }

  /** New calls go over a new connection with the credentials of now; open ones end where they are. */
  renew(): void {
    const isIdle = this.#current === undefined && this.#next === undefined && this.#pause === undefined
    if (this.#state === 'closed' || isIdle) return
    this.#list.reset()
    this.#attempt()
  }

  /**
   * The server in use asked to be left, or is no good: looks for another one. New calls go to the old one until there is one,
   * streams wait; what is open ends where it is.
   */
  moveOn(): void {
    if (this.#state === 'closed' || this.#current === undefined || this.#isMoving) return
    this.#list.update(this.#options.servers())
    if (this.#list.size < 2) return
    this.#isMoving = true
    this.#list.skip()
    this.#attempt()
  }

  /** A change to another server is under way. */
  get isMoving(): boolean {
    return this.#isMoving
  }

  close(): void {
    this.#state = 'closed'
    this.#pause?.cancel()
    this.#next?.close()
    this.#current?.close()
    this.#next = this.#current = undefined
  }

  #attempt(): void {
    const { clock, servers, identity } = this.#options
    this.#pause?.cancel()
    this.#pause = undefined
    this.#next?.close()
    this.#next = undefined
    this.#lastAttemptMs = clock.monotonicMs()
    this.#list.update(servers())
    const address = this.#list.current()
    if (address === undefined) {
      this.#refused({ code: 'no-server', message: 'no server address is configured' })
      return
    }
    const connection: GrpcConnection = new GrpcConnection(
      { address, identity: identity(), clock },
      {
        onReady: () => this.#ready(connection),
        onRefused: (reason) => this.#refused(reason),
        onLost: () => this.#lost(connection),
      },
    )
    this.#next = connection
  }

  #ready(connection: GrpcConnection): void {
    this.#current?.retire()
    this.#current = connection
    this.#awaySinceMs = undefined
    this.#next = undefined
    this.#isMoving = false
    this.#lastRefusal = undefined
    this.#foreign = 0
    this.#list.reset()
    this.#options.log.info('connected to a server', { server: connection.address })
    this.#options.onReady()
  }

  #refused(reason: Failure): void {
    this.#next = undefined
    this.#lastRefusal = reason
    this.#options.metrics.count('mesh_rpc_connects_failed_total', { code: reason.code })
    this.#options.log.warn('no connection to a server', { code: reason.code, reason: reason.message })
    this.#wait(this.#list.failed())
    this.#foreign = reason.code === 'wrong-cluster' ? this.#foreign + 1 : 0
    if (this.#foreign > 0 && this.#foreign >= this.#list.size) this.#options.onForeign(reason)
  }

  #lost(connection: GrpcConnection): void {
    if (this.#current !== connection) return
    this.#current = undefined
    this.#awaySinceMs = this.#options.clock.monotonicMs()
    this.#isMoving = false
    this.#options.metrics.count('mesh_rpc_connections_lost_total')
    this.#options.log.warn('the connection to a server was lost', { server: connection.address })
    if (this.#next === undefined) this.#wait(this.#list.failed())
  }

  #wait(delayMs: number): void {
    const { clock } = this.#options
    this.#pause?.cancel()
    this.#pauseEndsMs = clock.monotonicMs() + delayMs
    this.#pause = clock.after(delayMs, () => this.#attempt())
  }
}
