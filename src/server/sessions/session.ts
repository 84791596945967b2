/**
 * The server's end of one agent's control stream: greeting, subscriptions, acknowledgements, pings, and the end. What
 * to send is outbox.ts, whose turn it is hub.ts, what acknowledgements mean enforcement.ts.
 */
import type { Principal } from '../../model/access.ts'
import { type Failure, failed } from '../../model/errors.ts'
import { limits } from '../../model/limits.ts'
import type { Clock, Timer } from '../../platform/ports.ts'
import { type AgentFrame, linkVersions } from '../../rpc/contract.ts'
import { type ControlStream, Outbox, type OutboxPorts } from './outbox.ts'

export type HostPrincipal = Extract<Principal, { readonly kind: 'host' }>
type Hello = Extract<AgentFrame, { readonly kind: 'hello' }>
type Subscribe = Extract<AgentFrame, { readonly kind: 'subscribe' }>

/** What a session asks of the hub that holds it. */
export interface SessionHost extends OutboxPorts {
  readonly clock: Clock
  readonly server: string
  readonly version: string
  /** The greeting was right. */
  opened(session: Session): void
  closed(session: Session, reason: Failure | undefined): void
  ready(session: Session, lane: number): void
  /** A subscription waits for the log. */
  waiting(session: Session): void
  enforced(session: Session, destination: string, indexes: readonly number[]): void
  /** A reconnect delay with jitter. */
  retryAfterMs(): number
  /** RPC addresses of all servers; empty where they are not known. */
  servers(): readonly string[]
  /** Base64, the one in use first; empty where there are none. */
  gossipKeys(): readonly string[]
}

export class Session {
  readonly principal: HostPrincipal
  readonly outbox: Outbox
  readonly openedAtMs: number
  readonly #host: SessionHost
  readonly #stream: ControlStream
  #stage: 'greeting' | 'open' | 'closed' = 'greeting'
  /** Nonces that wait until all that was due before them is sent. */
  readonly #pings: number[] = []
  /** Both sides speak it; 0 before the greeting. */
  #linkVersion = 0
  #heardAtMs: number
  #silence: Timer

  constructor(host: SessionHost, principal: HostPrincipal, stream: ControlStream) {
    this.#host = host
    this.principal = principal
    this.#stream = stream
    this.outbox = new Outbox(host, stream, {
      ready: (lane) => host.ready(this, lane),
      clean: () => this.#answerPings(),
      behind: () => this.#refuse('no-leader', 'this server is behind what the agent has seen'),
    })
    this.openedAtMs = host.clock.monotonicMs()
    this.#heardAtMs = this.openedAtMs
    this.#silence = host.clock.after(limits.handshakeTimeoutMs, () => this.#checkSilence())
    stream.listen({
      onFrame: (frame) => this.#heard(frame),
      onDrain: () => this.outbox.drained(),
      onClose: (reason) => this.#close(reason),
    })
  }

  get node(): string {
    return this.principal.node
  }

  /** Tells the agent why and where to, and ends the stream. */
  sendAway(reason: Failure, retryAfterMs: number): void {
    if (this.#stage === 'closed') return
    this.#stream.send({ kind: 'goaway', reason, retryAfterMs })
    this.#stream.end()
    this.#close(reason)
  }

  /** Tells the agent where the servers are, if it understands that. */
  tellServers(): void {
    const addresses = this.#host.servers()
    if (this.#stage === 'open' && this.#linkVersion >= 2 && addresses.length > 0)
      this.#stream.send({ kind: 'servers', addresses })
  }

  /** Tells the agent the keys of its gossip pool, if it understands that. */
  tellGossipKeys(): void {
    const keys = this.#host.gossipKeys()
    if (this.#stage === 'open' && this.#linkVersion >= 3 && keys.length > 0)
      this.#stream.send({ kind: 'gossip-keys', keys })
  }

  #heard(frame: AgentFrame): void {
    if (this.#stage === 'closed') return
    this.#heardAtMs = this.#host.clock.monotonicMs()
    if (this.#stage === 'greeting') {
      if (frame.kind === 'hello') this.#greet(frame)
      else this.#refuse('bad-request', `the first frame is "${frame.kind}", not "hello"`)
      return
    }
    switch (frame.kind) {
      case 'hello':
        this.#refuse('bad-request', 'the agent greeted twice')
        break
      case 'subscribe':
        this.#subscribe(frame)
        break
      case 'unsubscribe':
        this.outbox.unsubscribe(frame.subject)
        break
      case 'enforced':
        this.#host.enforced(this, frame.destination, frame.indexes)
        break
      case 'ping':
        this.#pings.push(frame.nonce)
        if (this.outbox.isClean) this.#answerPings()
        else if (this.#pings.length > limits.pingsWaiting)
          this.#refuse('overloaded', `${limits.pingsWaiting} pings wait for their answers`)
    }
  }

  /**
   * A pong says that everything due when the ping came was sent before it: so an agent that resumed a subscription
   * knows that its view is live, although nothing had changed.
   */
  #answerPings(): void {
    if (this.#stage !== 'open') return
    for (const nonce of this.#pings.splice(0)) this.#stream.send({ kind: 'pong', nonce })
  }

  #greet(hello: Hello): void {
    const { minVersion, maxVersion } = hello
    const linkVersion = Math.min(maxVersion, linkVersions.max)
    if (linkVersion < Math.max(minVersion, linkVersions.min)) {
      const ours = `${linkVersions.min} to ${linkVersions.max}`
      this.#refuse('version-mismatch', `the agent speaks ${minVersion} to ${maxVersion}, the server ${ours}`)
    } else if (hello.node !== this.node || hello.nodeId !== this.principal.nodeId)
      this.#refuse('bad-token', `the certificate is of host "${this.node}", the greeting of another`)
    else {
      this.#stage = 'open'
      this.#linkVersion = linkVersion
      const { server, version } = this.#host
      this.#stream.send({ kind: 'welcome', server, version, linkVersion })
      this.tellServers()
      this.tellGossipKeys()
      this.#host.opened(this)
    }
  }

  #subscribe({ subject, cursor: given }: Subscribe): void {
    // Cursors of far subjects count what another server saw, so they say nothing here.
    const cursor = subject.topic === 'datacenter-health' ? 0 : given
    this.outbox.subscribe(subject, cursor)
    const most = limits.subscriptionsPerSession
    if (this.outbox.subscriptions > most)
      this.#refuse('overloaded', `a host has at most ${most} subscriptions`)
    else if (cursor > this.#host.newest()) this.#host.waiting(this)
  }

  #refuse(code: Failure['code'], message: string): void {
    this.sendAway(failed(code, message).failure, this.#host.retryAfterMs())
  }

  /** One timer per session that looks when the last sign of life was, instead of one reset by every frame. */
  #checkSilence(): void {
    if (this.#stage === 'closed') return
    const silentMs = this.#host.clock.monotonicMs() - this.#heardAtMs
    const allowedMs = this.#stage === 'greeting' ? limits.handshakeTimeoutMs : limits.controlSilenceMs
    if (silentMs < allowedMs) {
      this.#silence = this.#host.clock.after(allowedMs - silentMs, () => this.#checkSilence())
      return
    }
    const { failure } = failed('no-server', `the agent was silent for ${Math.round(silentMs)} ms`)
    this.#stream.destroy(failure)
    this.#close(failure)
  }

  #close(reason: Failure | undefined): void {
    if (this.#stage === 'closed') return
    this.#stage = 'closed'
    this.#silence.cancel()
    this.outbox.close()
    this.#host.closed(this, reason)
  }
}
