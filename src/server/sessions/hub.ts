/**
 * All agents connected to this server: takes their streams and gives each its turn to be sent to. Who is at other servers
 * it is told (presence-hearing.ts), so that presence and enforcement are those of the whole cluster.
 * Changes go out once per turn of the event loop, for all sessions in the order of topics, so that a denial for the last
 * session goes before a health snapshot for the first.
 */
import type { Principal } from '../../model/access.ts'
import { sameValue } from '../../model/equality.ts'
import { type Failure, failed } from '../../model/errors.ts'
import { limits } from '../../model/limits.ts'
import { topics } from '../../model/topic.ts'
import type { Clock, Log, Metrics, Random } from '../../platform/ports.ts'
import type { Consensus } from '../consensus/contract.ts'
import type { Publisher } from '../events/publisher.ts'
import type { Store } from '../store/store.ts'
import { EnforcementBook } from './enforcement.ts'
import type { ControlStream } from './outbox.ts'
import { Session, type SessionHost } from './session.ts'
import { here, Whereabouts } from './whereabouts.ts'

export interface HubPorts {
  readonly store: Store
  readonly publisher: Publisher
  readonly consensus: Pick<Consensus, 'readBarrier'>
  readonly clock: Clock
  readonly random: Pick<Random, 'fraction'>
  readonly log: Log
  readonly metrics: Metrics
  /** Name of this server and version of its program, for the welcome. */
  readonly server: string
  readonly version: string
}

/** Frames that one session is sent before the next one's turn. */
const framesPerVisit = 8

export class SessionHub {
  readonly enforcement: EnforcementBook
  /** Of the agents of all servers. */
  readonly whereabouts = new Whereabouts()
  readonly #ports: HubPorts
  readonly #host: SessionHost
  readonly #sessions = new Set<Session>()
  readonly #byNode = new Map<string, Session>()
  readonly #lanes: readonly Set<Session>[] = topics.map(() => new Set())
  /** Sessions with a cursor ahead of the log. */
  readonly #ahead = new Set<Session>()
  readonly #arrivalListeners: ((node: string) => void)[] = []
  #servers: readonly string[] = []
  #gossipKeys: readonly string[] = []
  #turnPlanned: boolean = false
  #stopped: boolean = false

  /** Make the publisher of the same store first: it has to hear of a commit before the hub does. */
  constructor(ports: HubPorts) {
    this.#ports = ports
    const { store, publisher, consensus, clock, server, version } = ports
    this.enforcement = new EnforcementBook({
      intentionsIndex: (destination) => publisher.intentionsIndex(destination),
      serverOf: (node) => this.whereabouts.serverOf(node),
      firstVersion: 1 + Math.floor(ports.random.fraction() * 2 ** 40),
    })
    this.#host = {
      publisher,
      clock,
      server,
      version,
      newest: () => store.view().index,
      proveCurrent: (done) => consensus.readBarrier((barrier) => done(barrier.ok)),
      opened: (session) => this.#opened(session),
      closed: (session, reason) => this.#closed(session, reason),
      ready: (session, lane) => this.#ready(session, lane),
      waiting: (session) => this.#ahead.add(session),
      enforced: (session, destination, indexes) => this.#enforced(session, destination, indexes),
      retryAfterMs: () => this.#retryAfterMs(),
      servers: () => this.#servers,
      gossipKeys: () => this.#gossipKeys,
    }
    store.onCommit((_view, changes) => {
      for (const node of changes.hosts) this.#endIfEvicted(this.#byNode.get(node))
      this.enforcement.committed(changes)
      for (const session of this.#ahead) if (!session.outbox.advanced()) this.#ahead.delete(session)
    })
    store.onReplaced((view) => {
      this.enforcement.replaced(view.index)
      for (const session of [...this.#byNode.values()]) this.#endIfEvicted(session)
    })
  }

  /** Takes an agent's control stream; `principal` is who its certificate says it is. */
  open(principal: Principal, stream: ControlStream): void {
    const refusal = this.#refusalOf(principal)
    if (refusal !== undefined || principal.kind !== 'host') {
      const reason = refusal ?? failed('not-enrolled', 'only enrolled hosts have a control stream').failure
      this.#count('refused', reason)
      stream.listen({ onFrame: () => undefined, onDrain: () => undefined, onClose: () => undefined })
      stream.send({ kind: 'goaway', reason, retryAfterMs: this.#retryAfterMs() })
      stream.end()
      return
    }
    this.#sessions.add(new Session(this.#host, principal, stream))
    this.#ports.metrics.gauge('mesh_server_sessions', this.#sessions.size)
  }

  /** Whether the node's agent has a live control stream, here or at another server. */
  isPresent(node: string): boolean {
    return this.whereabouts.isPresent(node)
  }

  /** Called when a node's agent came to the cluster or left it; a stream that replaces another one is neither. */
  onPresence(listener: (node: string, present: boolean) => void): void {
    this.whereabouts.onPresence(listener)
  }

  /** Called when an agent connected to this server or left it; which, `whereabouts` tells. */
  onOwnAgent(listener: (node: string) => void): void {
    this.#arrivalListeners.push(listener)
  }

  /** RPC addresses of all servers; agents are told when they change. */
  useServers(addresses: readonly string[]): void {
    if (sameValue(addresses, this.#servers)) return
    this.#servers = [...addresses]
    for (const session of this.#sessions) session.tellServers()
  }

  /** Keys of the gossip pool, base64, the one in use first; agents are told when they change. */
  useGossipKeys(keys: readonly string[]): void {
    if (sameValue(keys, this.#gossipKeys)) return
    this.#gossipKeys = [...keys]
    for (const session of this.#sessions) session.tellGossipKeys()
  }

  /** Agents connected here. */
  get agents(): number {
    return this.#byNode.size
  }

  /** Sends up to `most` agents elsewhere, of those that came before `beforeMs` (monotonic). Returns how many. */
  sendAway(most: number, beforeMs: number, reason: Failure): number {
    let sent = 0
    for (const session of [...this.#byNode.values()]) {
      if (sent >= most) break
      if (session.openedAtMs >= beforeMs) continue
      session.sendAway(reason, 0)
      sent += 1
    }
    return sent
  }

  /** No further stream is taken: whoever comes is told to go elsewhere. */
  refuseAgents(): void {
    this.#stopped = true
  }

  /** Sends every agent elsewhere at once, and takes no more. */
  stop(): void {
    this.refuseAgents()
    const { failure } = failed('no-server', 'this server is stopping')
    for (const session of [...this.#sessions]) session.sendAway(failure, this.#retryAfterMs())
  }

  #refusalOf(principal: Principal): Failure | undefined {
    if (this.#stopped) return failed('no-server', 'this server is stopping').failure
    if (principal.kind === 'host' && this.#ports.store.view().host(principal.node)?.evicted === true)
      return evicted(principal.node)
    if (this.#sessions.size >= limits.sessionsPerServer)
      return failed('overloaded', `this server holds ${limits.sessionsPerServer} agents already`).failure
    return undefined
  }

  #endIfEvicted(session: Session | undefined): boolean {
    if (session === undefined || this.#ports.store.view().host(session.node)?.evicted !== true) return false
    session.sendAway(evicted(session.node), this.#retryAfterMs())
    return true
  }

  #opened(session: Session): void {
    // The greeting may come long after the connection was let in.
    if (this.#endIfEvicted(session)) return
    const before = this.#byNode.get(session.node)
    this.#byNode.set(session.node, session)
    if (before !== undefined) {
      // The agent came back before its old stream was found dead. Or two hosts carry one identity: then the delay
      // keeps them from pushing each other out all the time.
      this.enforcement.forget(session.node)
      const { failure } = failed('conflict', 'another stream of this host took over')
      before.sendAway(failure, 10 * this.#retryAfterMs())
    }
    this.whereabouts.arrived(session.node, here)
    this.enforcement.moved(session.node)
    for (const listener of this.#arrivalListeners) listener(session.node)
    this.#count('opened', undefined)
  }

  #closed(session: Session, reason: Failure | undefined): void {
    this.#sessions.delete(session)
    this.#ahead.delete(session)
    for (const lane of this.#lanes) lane.delete(session)
    this.#count('closed', reason)
    if (this.#byNode.get(session.node) !== session) return
    this.#byNode.delete(session.node)
    this.enforcement.forget(session.node)
    this.whereabouts.left(session.node, here)
    this.enforcement.moved(session.node)
    for (const listener of this.#arrivalListeners) listener(session.node)
  }

  #enforced(session: Session, destination: string, indexes: readonly number[]): void {
    if (this.#byNode.get(session.node) !== session) return
    const tooMany = indexes.length > limits.proxiesPerAgent
    if (tooMany || !this.enforcement.report(session.node, destination, indexes))
      session.sendAway(failed('overloaded', 'too many acknowledgements').failure, this.#retryAfterMs())
  }

  #ready(session: Session, lane: number): void {
    this.#lanes[lane]?.add(session)
    if (this.#turnPlanned) return
    this.#turnPlanned = true
    this.#ports.clock.after(0, () => this.#turn())
  }

  #turn(): void {
    this.#turnPlanned = false
    let budget: number = limits.framesPerTurn
    for (const [lane, sessions] of this.#lanes.entries())
      for (const session of sessions) {
        sessions.delete(session)
        const { sent, more } = session.outbox.send(lane, Math.min(budget, framesPerVisit))
        budget -= sent
        // Again at the end of the queue: one agent with much to get must not hold up the others.
        if (more) this.#ready(session, lane)
        if (budget <= 0) {
          this.#planNext()
          return
        }
      }
  }

  #planNext(): void {
    if (this.#turnPlanned || this.#lanes.every((lane) => lane.size === 0)) return
    this.#turnPlanned = true
    this.#ports.clock.after(0, () => this.#turn())
  }

  #retryAfterMs(): number {
    return Math.round(limits.goawayRetryMs * (1 + this.#ports.random.fraction()))
  }

  #count(event: 'opened' | 'closed' | 'refused', reason: Failure | undefined): void {
    const { log, metrics } = this.#ports
    const code = reason?.code ?? 'none'
    metrics.count('mesh_server_sessions_total', { event, code })
    metrics.gauge('mesh_server_sessions', this.#sessions.size)
    if (reason !== undefined) log.debug('session ended', { event, code, reason: reason.message })
  }
}

const evicted = (node: string): Failure =>
  failed('host-evicted', `host "${node}" was evicted from the mesh`).failure
