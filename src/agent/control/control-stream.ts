/**
 * Keeps one control stream to some server: greets, subscribes what is wanted, resumes after a break, notices a silent
 * peer. What the frames mean to views is view-store.ts; which server it is, the client below decides.
 */
import type { Failure } from '../../model/errors.ts'
import { limits } from '../../model/limits.ts'
import type { Subject } from '../../model/topic.ts'
import type { Clock, Log, Metrics, Random, Timer } from '../../platform/ports.ts'
import { type AgentFrame, linkVersions, type ServerClient, type ServerFrame } from '../../rpc/contract.ts'
import { Backoff } from './backoff.ts'
import { EnforcementReport } from './enforcement.ts'
import type { ViewFrame, ViewStore } from './view-store.ts'

export interface ControlStreamOptions {
  readonly client: Pick<ServerClient, 'control'>
  readonly views: ViewStore
  /** Who this host is, as its certificate says. */
  readonly node: string
  readonly nodeId: string
  /** Version of this program. */
  readonly version: string
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly metrics: Metrics
  /** A server took the stream; its name. */
  readonly onUp: (server: string) => void
  /** The servers told where they all are. */
  readonly onServers?: (addresses: readonly string[]) => void
  /** The servers told the keys of the gossip pool, base64, the one in use first. */
  readonly onGossipKeys?: (keys: readonly string[]) => void
  /** The cluster refuses this host's key. */
  readonly onEvicted?: () => void
  /** The server does not want this agent, or does not answer: another one should be used. */
  readonly onSentAway?: () => void
}

/** A connection that lived this long was good: the next attempt after it is quick again. */
const goodAfterMs = 10_000
/** Subscriptions that may start over on one stream before the stream itself is given up. */
const restartsPerStream = 64

interface Connection {
  readonly stream: ReturnType<ServerClient['control']>
  readonly openedAtMs: number
  server: string | undefined
  linkVersion: number
  heardAtMs: number
  restarts: number
  retryAfterMs: number
  /** Subjects subscribed since the last ping, and those that each ping in flight will confirm. */
  unconfirmed: Subject[]
  readonly confirmations: Map<number, readonly Subject[]>
  nonce: number
}

export class ControlStream {
  readonly #options: ControlStreamOptions
  readonly #backoff: Backoff
  readonly #enforcement = new EnforcementReport()
  #connection: Connection | undefined
  #timer: Timer | undefined
  #stopped: boolean = false
  /** The present outage was told already. */
  #isTold: boolean = false
  #outage: Failure | undefined

  constructor(options: ControlStreamOptions) {
    this.#options = options
    this.#backoff = new Backoff(options.random)
    options.views.followWants({
      wanted: (subject, cursor) => this.#subscribe(subject, cursor),
      unwanted: (subject) => this.#send({ kind: 'unsubscribe', subject }),
    })
  }

  start(): void {
    this.#open()
  }

  /** This host can show something new: what was refused may be taken now. */
  retry(): void {
    if (this.#stopped || this.#connection !== undefined || this.#timer === undefined) return
    this.#timer.cancel()
    this.#backoff.reset()
    this.#open()
  }

  /** Ends the stream in good order; views stay. */
  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
    const connection = this.#connection
    this.#connection = undefined
    connection?.stream.end()
    this.#options.views.disconnected()
  }

  /** Name of the server that holds the stream, or undefined while there is none. */
  server(): string | undefined {
    return this.#connection?.server
  }

  /** Why there is no stream; undefined while there is one, and before the first attempt ended. */
  outage(): Failure | undefined {
    return this.#outage
  }

  /** Policy index per connected proxy, by destination: the whole present state. */
  enforced(byDestination: ReadonlyMap<string, readonly number[]>): void {
    this.#enforcement.update(byDestination)
  }

  #open(): void {
    const { client, clock, node, nodeId, version } = this.#options
    const nowMs = clock.monotonicMs()
    const connection: Connection = {
      stream: client.control(),
      openedAtMs: nowMs,
      server: undefined,
      linkVersion: 0,
      heardAtMs: nowMs,
      restarts: 0,
      retryAfterMs: 0,
      unconfirmed: [],
      confirmations: new Map(),
      nonce: 0,
    }
    this.#connection = connection
    this.#timer = clock.after(limits.handshakeTimeoutMs, () => this.#greetingTooLate(connection))
    connection.stream.listen({
      onFrame: (frame) => {
        if (this.#connection === connection) this.#hear(connection, frame)
      },
      onDrain: () => undefined,
      onClose: (reason) => this.#closed(connection, reason),
    })
    const { min: minVersion, max: maxVersion } = linkVersions
    connection.stream.send({ kind: 'hello', node, nodeId, version, minVersion, maxVersion })
  }

  #hear(connection: Connection, frame: ServerFrame): void {
    connection.heardAtMs = this.#options.clock.monotonicMs()
    switch (frame.kind) {
      case 'welcome':
        connection.linkVersion = frame.linkVersion
        this.#welcomed(connection, frame.server)
        break
      case 'goaway':
        connection.retryAfterMs = frame.retryAfterMs
        // A stream that took over is this host's own: elsewhere it would take over again.
        if (frame.reason.code !== 'conflict') this.#options.onSentAway?.()
        this.#giveUp(connection, frame.reason)
        break
      case 'servers':
        this.#options.onServers?.(frame.addresses)
        break
      case 'gossip-keys':
        this.#options.onGossipKeys?.(frame.keys)
        break
      case 'pong':
        for (const subject of connection.confirmations.get(frame.nonce) ?? [])
          this.#options.views.confirm(subject)
        connection.confirmations.delete(frame.nonce)
        break
      case 'event':
      case 'snapshot-begin':
      case 'snapshot-end':
        this.#takeView(connection, frame)
    }
  }

  #welcomed(connection: Connection, server: string): void {
    const { log, metrics, views, onUp } = this.#options
    if (connection.server !== undefined) return
    connection.server = server
    log.info('following the catalog', { server })
    metrics.gauge('mesh_control_connected', 1)
    this.#isTold = false
    this.#outage = undefined
    // What takes permissions away is wanted first by the plan, so it is subscribed first too.
    for (const { subject, cursor } of views.wantedSubjects()) this.#subscribe(subject, cursor)
    this.#enforcement.attach((frame) => connection.stream.send(frame))
    this.#ping(connection)
    onUp(server)
  }

  #takeView(connection: Connection, frame: ViewFrame): void {
    if (connection.server === undefined || this.#options.views.take(frame)) return
    connection.restarts += 1
    if (connection.restarts > restartsPerStream) {
      const message = 'the server sends events that do not follow one another'
      this.#giveUp(connection, { code: 'no-server', message })
    } else this.#subscribe(frame.subject, 0)
  }

  #subscribe(subject: Subject, cursor: number): void {
    const connection = this.#connection
    if (connection?.server === undefined) return
    // Older servers would end the stream over a topic that they do not know.
    if (subject.topic === 'datacenter-health' && connection.linkVersion < 3) return
    connection.stream.send({ kind: 'subscribe', subject, cursor })
    if (connection.unconfirmed.push(subject) === 1)
      // Frames keep their order, so the answer to a ping comes when the subscriptions before it were handled.
      this.#options.clock.after(0, () => {
        if (this.#connection === connection) this.#sendPing(connection)
      })
  }

  #send(frame: AgentFrame): void {
    if (this.#connection?.server !== undefined) this.#connection.stream.send(frame)
  }

  #sendPing(connection: Connection): void {
    connection.nonce += 1
    connection.confirmations.set(connection.nonce, connection.unconfirmed)
    connection.unconfirmed = []
    connection.stream.send({ kind: 'ping', nonce: connection.nonce })
  }

  #ping(connection: Connection): void {
    const { clock } = this.#options
    this.#timer?.cancel()
    this.#timer = clock.after(limits.controlPingEveryMs, () => {
      const silentMs = clock.monotonicMs() - connection.heardAtMs
      if (silentMs >= limits.controlSilenceMs) {
        const message = `the server was silent for ${Math.round(silentMs)} ms`
        this.#options.onSentAway?.()
        this.#giveUp(connection, { code: 'no-server', message })
        return
      }
      this.#sendPing(connection)
      this.#ping(connection)
    })
  }

  #greetingTooLate(connection: Connection): void {
    const message = `no server greeted within ${limits.handshakeTimeoutMs} ms`
    this.#options.onSentAway?.()
    this.#giveUp(connection, { code: 'no-server', message })
  }

  /** A transport may or may not report the end that we asked for; both come out the same. */
  #giveUp(connection: Connection, reason: Failure): void {
    connection.stream.destroy(reason)
    this.#closed(connection, reason)
  }

  #closed(connection: Connection, reason: Failure | undefined): void {
    if (this.#connection !== connection || this.#stopped) return
    const { clock, log, metrics, views } = this.#options
    this.#connection = undefined
    this.#timer?.cancel()
    this.#enforcement.attach(undefined)
    views.disconnected()
    metrics.gauge('mesh_control_connected', 0)
    this.#outage = reason ?? { code: 'no-server', message: 'the server ended the stream' }
    const { code } = this.#outage
    metrics.count('mesh_control_closed_total', { code })
    if (code === 'host-evicted') this.#options.onEvicted?.()
    const wasGood =
      connection.server !== undefined && clock.monotonicMs() - connection.openedAtMs >= goodAfterMs
    if (wasGood) this.#backoff.reset()
    const delayMs = this.#backoff.next(connection.retryAfterMs)
    const fields = { code, reason: this.#outage.message, retryInMs: Math.round(delayMs) }
    // One line per outage; the attempts after it are told at debug level, or they would fill the log.
    if (this.#isTold) log.debug('Still no server', fields)
    else log.warn('No server holds the control stream; the last known state stays in force', fields)
    this.#isTold = true
    this.#timer = clock.after(delayMs, () => this.#open())
  }
}
