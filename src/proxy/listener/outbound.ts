/**
 * An outbound listener: accepts local clients, unread, and brings each to an instance of its target. A client whose
 * connection is refused sees a reset, as with Consul; the log and the counters say why.
 */
import net from 'node:net'
import type { Endpoint } from '../../model/proxy-config.ts'
import type { RefusalCode } from '../../model/refusal.ts'
import type { EndCode } from '../../wire/tunnel/codes.ts'
import { type Route, resolveRoute } from '../route/routes.ts'
import type { ConnectionFacts } from '../telemetry/access-log.ts'
import { Attempts, type AttemptsAnswer } from '../transport/attempts.ts'
import { abort, acceptedEnd } from '../transport/local-socket.ts'
import { Relay } from '../transport/relay.ts'
import type { ByteStream, PeerFacts } from '../transport/transport.ts'
import type { ListenerContext } from './context.ts'
import type { OpenListener } from './open-listener.ts'

export class OutboundListener implements OpenListener {
  readonly server: net.Server
  private readonly connections = new Set<OutboundConnection>()

  /** `name` gives the outbound resource that the address belongs to now. */
  constructor(context: ListenerContext, name: () => string) {
    const options = { allowHalfOpen: true, pauseOnConnect: true, noDelay: true }
    this.server = net.createServer(options, (socket) => {
      const connection = new OutboundConnection(context, name(), socket, () => {
        this.connections.delete(connection)
      })
      this.connections.add(connection)
      connection.start()
    })
  }

  count(): number {
    return this.connections.size
  }

  leave(): void {
    this.server.close()
  }

  cut(code: EndCode): void {
    for (const connection of [...this.connections]) connection.cut(code)
  }
}

class OutboundConnection implements AttemptsAnswer {
  private readonly context: ListenerContext
  private readonly listener: string
  private readonly socket: net.Socket
  private readonly onGone: () => void
  private readonly startedMs: number
  private facts: ConnectionFacts
  private counted: boolean = false
  private attempts: Attempts | undefined
  private relay: Relay | undefined
  private over: boolean = false

  constructor(context: ListenerContext, listener: string, socket: net.Socket, onGone: () => void) {
    this.context = context
    this.listener = listener
    this.socket = socket
    this.onGone = onGone
    this.startedMs = context.clock.monotonicMs()
    this.facts = {
      direction: 'outbound',
      listener,
      source: '',
      destination: '',
      instance: '',
      address: '',
      peerUri: '',
      tlsVersion: '',
    }
  }

  start(): void {
    const { context, socket } = this
    socket.on('error', () => this.onClientGone())
    socket.once('close', () => this.onClientGone())
    const outbound = context.tables().outbounds.get(this.listener)
    if (outbound !== undefined)
      this.facts = { ...this.facts, source: outbound.service, destination: outbound.target }
    this.counted = context.budget.take()
    if (!this.counted) {
      this.refuse('too-many-connections', `${context.budget.max} connections in this worker`)
      return
    }
    if (outbound?.allowedUids === undefined) this.route()
    else this.askOwner(outbound.allowedUids)
  }

  /** Asked before anything is routed: who may not come in learns nothing of what stands behind. */
  private askOwner(allowed: readonly number[]): void {
    const { remoteAddress = '', remotePort = 0, localAddress = '', localPort = 0 } = this.socket
    this.context.owners.ownerOf({ remoteAddress, remotePort, localAddress, localPort }, (uid) => {
      if (this.over) return
      if (uid !== undefined && allowed.includes(uid)) this.route()
      else this.refuse('caller-not-allowed', uid === undefined ? 'the caller cannot be seen' : `user ${uid}`)
    })
  }

  private route(): void {
    const { context } = this
    const routed = resolveRoute(context.tables(), context.balancers, this.listener)
    if (routed.kind === 'refused') {
      this.refuse(routed.code, routed.text)
      return
    }
    this.open(routed.route)
  }

  cut(code: EndCode): void {
    if (this.relay !== undefined) {
      this.relay.cut(code, '')
      return
    }
    this.refuse(code === 'closed' ? 'draining' : code, 'the proxy is stopping')
  }

  onAccepted(stream: ByteStream, peer: PeerFacts, endpoint: Endpoint): void {
    const { counters } = this.context
    this.facts = { ...factsOf(this.facts, endpoint), peerUri: peer.uri, tlsVersion: peer.tlsVersion }
    const slot = counters.slot('outbound', this.facts.source, this.facts.destination)
    counters.connection(slot)
    const ends = { socket: this.socket, end: acceptedEnd(this.socket), stream, socketIs: 'source' } as const
    this.relay = new Relay(ends, { counters, slot }, (code) => this.onRelayed(code))
    this.relay.start()
  }

  onRefused(code: RefusalCode, text: string, endpoint: Endpoint | undefined): void {
    if (endpoint !== undefined) this.facts = factsOf(this.facts, endpoint)
    this.refuse(code, text)
  }

  private open(route: Route): void {
    const { clock, sessions } = this.context
    const { balancer, outbound, identity } = route
    this.facts = { ...this.facts, destination: balancer.service }
    const transport = sessions.transport(identity)
    this.attempts = new Attempts({ transport, balancer, timeoutMs: outbound.connectTimeoutMs }, clock, this)
    this.attempts.start()
  }

  private onRelayed(code: EndCode): void {
    const { relay } = this
    if (relay === undefined || this.over) return
    this.context.accessLog.ended(this.facts, {
      code,
      bytesToDestination: relay.sent,
      bytesToSource: relay.received,
      durationMs: this.context.clock.monotonicMs() - this.startedMs,
    })
    this.gone()
  }

  /** While a relay runs it sees the same events and ends the connection itself. */
  private onClientGone(): void {
    if (this.relay !== undefined || this.over) return
    this.gone()
  }

  private refuse(code: RefusalCode, text: string): void {
    if (this.over) return
    this.context.accessLog.refused(this.facts, code, text)
    this.gone()
    abort(this.socket)
  }

  private gone(): void {
    this.over = true
    this.attempts?.finish()
    if (this.counted) this.context.budget.release()
    this.onGone()
  }
}

const factsOf = (facts: ConnectionFacts, endpoint: Endpoint): ConnectionFacts => ({
  ...facts,
  instance: endpoint.id,
  address: `${endpoint.address}:${endpoint.port}`,
})
