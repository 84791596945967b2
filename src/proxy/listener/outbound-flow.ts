/**
 * The datagrams of one client of an upstream: routed with the first of them, carried over one stream, told of in one line of
 * the log. A client that is refused gets no answer, as on any network; it is not asked for again for a moment.
 */
import type dgram from 'node:dgram'
import { limits } from '../../model/limits.ts'
import type { Endpoint } from '../../model/proxy-config.ts'
import type { RefusalCode } from '../../model/refusal.ts'
import type { Timer } from '../../platform/ports.ts'
import type { EndCode } from '../../wire/tunnel/codes.ts'
import { resolveRoute } from '../route/routes.ts'
import type { ConnectionFacts } from '../telemetry/access-log.ts'
import { Attempts, type AttemptsAnswer } from '../transport/attempts.ts'
import { type DatagramEnd, DatagramRelay } from '../transport/datagram-relay.ts'
import type { ByteStream, PeerFacts } from '../transport/transport.ts'
import type { ListenerContext } from './context.ts'

/** What all flows of one listener keep while their streams are being opened. */
export interface HeldBytes {
  bytes: number
}

export interface DatagramClient {
  readonly address: string
  readonly port: number
  /** The listener's socket, from which the client is answered. */
  readonly socket: dgram.Socket
  readonly held: HeldBytes
}

export class OutboundFlow implements AttemptsAnswer, DatagramEnd {
  /** When a datagram went last, in either direction. */
  usedMs: number
  private readonly context: ListenerContext
  private readonly listener: string
  private readonly client: DatagramClient
  private readonly onGone: () => void
  private readonly startedMs: number
  private facts: ConnectionFacts
  private counted: boolean = false
  private attempts: Attempts | undefined
  private relay: DatagramRelay | undefined
  /** What came before the stream was accepted. */
  private held: Buffer[] = []
  private heldBytes = 0
  /** Stands in the way of new attempts after a refusal. */
  private refusedTimer: Timer | undefined
  private over: boolean = false

  constructor(context: ListenerContext, listener: string, client: DatagramClient, onGone: () => void) {
    this.context = context
    this.listener = listener
    this.client = client
    this.onGone = onGone
    this.startedMs = context.clock.monotonicMs()
    this.usedMs = this.startedMs
    const outbound = context.tables().outbounds.get(listener)
    this.facts = {
      direction: 'outbound',
      listener,
      source: outbound?.service ?? '',
      destination: outbound?.target ?? '',
      instance: '',
      address: '',
      peerUri: '',
      tlsVersion: '',
      protocol: 'udp',
    }
  }

  /** It was refused, and drops what comes for a moment. */
  get isPaused(): boolean {
    return this.over
  }

  start(): void {
    const { context } = this
    this.counted = context.budget.take()
    if (!this.counted) {
      this.refuse('too-many-connections', `${context.budget.max} connections in this worker`)
      return
    }
    const routed = resolveRoute(context.tables(), context.balancers, this.listener)
    if (routed.kind === 'refused') {
      this.refuse(routed.code, routed.text)
      return
    }
    const { balancer, outbound, identity } = routed.route
    this.facts = { ...this.facts, destination: balancer.service }
    const transport = context.sessions.transport(identity)
    const request = { transport, balancer, timeoutMs: outbound.connectTimeoutMs, protocol: 'udp' } as const
    this.attempts = new Attempts(request, context.clock, this)
    this.attempts.start()
  }

  /** One from the client. */
  take(payload: Buffer, nowMs: number): void {
    this.usedMs = nowMs
    if (this.relay !== undefined) this.relay.take(payload)
    else if (!this.over && this.mayHold(payload)) {
      this.held.push(payload)
      this.heldBytes += payload.length
      this.client.held.bytes += payload.length
    } else this.drop()
  }

  /** One for the client. */
  send(payload: Buffer): boolean {
    const { socket, address, port } = this.client
    if (socket.getSendQueueSize() > limits.datagramQueueBytes) return false
    this.usedMs = this.context.clock.monotonicMs()
    // The kernel may take it later. That a client is gone does not concern the others.
    socket.send(Buffer.from(payload), port, address, () => {})
    return true
  }

  /** Of a flow's end: the socket is everybody's. */
  close(): void {}

  cut(code: EndCode): void {
    if (this.relay !== undefined && !this.over) this.relay.cut(code, '')
    else if (!this.over) this.release()
    this.gone()
  }

  onAccepted(stream: ByteStream, peer: PeerFacts, endpoint: Endpoint): void {
    const { counters } = this.context
    this.facts = { ...factsOf(this.facts, endpoint), peerUri: peer.uri, tlsVersion: peer.tlsVersion }
    const slot = counters.slot('outbound', this.facts.source, this.facts.destination)
    counters.connection(slot)
    const relay = new DatagramRelay({ stream, end: this, endIs: 'source' }, { counters, slot }, (code) =>
      this.onRelayed(relay, code),
    )
    this.relay = relay
    relay.start()
    for (const payload of this.takeHeld()) relay.take(payload)
  }

  onRefused(code: RefusalCode, text: string, endpoint: Endpoint | undefined): void {
    if (endpoint !== undefined) this.facts = factsOf(this.facts, endpoint)
    this.refuse(code, text)
  }

  private mayHold(payload: Buffer): boolean {
    return (
      this.held.length < limits.datagramsHeld &&
      this.heldBytes + payload.length <= limits.datagramsHeldBytes &&
      this.client.held.bytes + payload.length <= limits.datagramsHeldInAllBytes
    )
  }

  private takeHeld(): readonly Buffer[] {
    const { held } = this
    this.held = []
    this.client.held.bytes -= this.heldBytes
    this.heldBytes = 0
    return held
  }

  private drop(): void {
    const { counters } = this.context
    counters.datagramDropped(counters.slot('outbound', this.facts.source, this.facts.destination))
  }

  private onRelayed(relay: DatagramRelay, code: EndCode): void {
    if (this.over) return
    this.context.accessLog.ended(this.facts, {
      code,
      bytesToDestination: relay.sent,
      bytesToSource: relay.received,
      durationMs: this.context.clock.monotonicMs() - this.startedMs,
    })
    this.relay = undefined
    this.release()
    if (code === 'closed') this.gone()
    else this.pause()
  }

  private refuse(code: RefusalCode, text: string): void {
    if (this.over) return
    this.context.accessLog.refused(this.facts, code, text)
    for (const _ of this.takeHeld()) this.drop()
    this.release()
    this.pause()
  }

  private pause(): void {
    this.refusedTimer = this.context.clock.after(limits.datagramRefusedMs, () => this.gone())
  }

  private release(): void {
    this.over = true
    this.takeHeld()
    this.attempts?.finish()
    if (this.counted) this.context.budget.release()
    this.counted = false
  }

  private gone(): void {
    this.refusedTimer?.cancel()
    this.onGone()
  }
}

const factsOf = (facts: ConnectionFacts, endpoint: Endpoint): ConnectionFacts => ({
  ...facts,
  instance: endpoint.id,
  address: `${endpoint.address}:${endpoint.port}`,
})
