/**
 * One connection that another service asked for: allowed or not, connected to the local service, relayed, and cut when a
 * policy of later denies it. Its session has checked who asks and for whom.
 */
import type net from 'node:net'
import type { InboundResource } from '../../model/proxy-config.ts'
import type { RefusalCode } from '../../model/refusal.ts'
import type { Timer } from '../../platform/ports.ts'
import { encodeProxyHeader } from '../../wire/proxy-protocol.ts'
import type { EndCode } from '../../wire/tunnel/codes.ts'
import type { ConnectionFacts } from '../telemetry/access-log.ts'
import type { DatagramRelay } from '../transport/datagram-relay.ts'
import { abort, dialLocal, type ReadableEnd } from '../transport/local-socket.ts'
import { Relay, type RelayMeter } from '../transport/relay.ts'
import type { OfferedStream, StreamListener } from '../transport/transport.ts'
import type { ListenerContext } from './context.ts'
import { DatagramService } from './inbound-datagrams.ts'

/** Where the connection came from. */
export interface InboundOrigin {
  readonly facts: ConnectionFacts
  /** The other proxy's connection to us. */
  readonly socket: Pick<net.Socket, 'remoteAddress' | 'remotePort' | 'localAddress' | 'localPort'>
}

export class InboundStream implements StreamListener {
  private readonly context: ListenerContext
  private readonly stream: OfferedStream
  private readonly from: InboundOrigin
  private readonly facts: ConnectionFacts
  private readonly onGone: () => void
  private readonly startedMs: number
  private socket: net.Socket | undefined
  private timer: Timer | undefined
  private datagrams: DatagramService | undefined
  private relay: Relay | DatagramRelay | undefined
  private hasPlace: boolean = false
  private over: boolean = false

  constructor(context: ListenerContext, stream: OfferedStream, from: InboundOrigin, onGone: () => void) {
    this.context = context
    this.stream = stream
    this.from = from
    this.facts = from.facts
    this.onGone = onGone
    this.startedMs = context.clock.monotonicMs()
  }

  start(): void {
    const denied = this.verdict()
    if (denied !== '') {
      this.refuse(denied, '')
      return
    }
    const inbound = this.context.tables().inbounds.get(this.facts.listener)
    if (inbound === undefined) {
      this.refuse('not-ready', 'the service is not configured any more')
      return
    }
    if (inbound.drain !== undefined) {
      this.refuse('draining', 'the instance is taken out of use')
      return
    }
    this.hasPlace = this.context.places.take(inbound.name, inbound.maxConnections ?? Number.POSITIVE_INFINITY)
    if (!this.hasPlace) {
      this.refuse('too-many-connections', `max_inbound_connections = ${inbound.maxConnections} is reached`)
      return
    }
    this.stream.listen(this)
    if (this.facts.protocol === 'udp') this.dialDatagrams(inbound)
    else this.dial(inbound)
  }

  private dial(inbound: InboundResource): void {
    const { socket, end } = dialLocal({
      address: inbound.localAddress,
      port: inbound.localPort,
      socketPath: inbound.localSocketPath,
    })
    this.socket = socket
    const where =
      inbound.localSocketPath === ''
        ? `${inbound.localAddress}:${inbound.localPort}`
        : inbound.localSocketPath
    this.giveUpAfter(inbound, where)
    socket.once('connect', () => this.onConnected(socket, end))
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.refuse('local-connect-failed', `${where}: ${error.code ?? error.message}`)
    })
  }

  private dialDatagrams(inbound: InboundResource): void {
    const { localAddress: address, localUdpPort: port } = inbound
    if (port === undefined) {
      this.refuse('no-datagrams', 'the service takes no datagrams: `local_udp_port` is not set')
      return
    }
    // A name must be looked up before there is a connection.
    this.giveUpAfter(inbound, `udp ${address}:${port}`)
    this.datagrams = new DatagramService(
      { address, port },
      {
        onConnected: (service) => this.onDatagramsConnected(service),
        onFailed: (text) => this.refuse('local-connect-failed', text),
      },
    )
  }

  private giveUpAfter({ localConnectTimeoutMs }: InboundResource, where: string): void {
    this.timer = this.context.clock.after(localConnectTimeoutMs, () => {
      this.refuse('local-connect-failed', `${where}: no answer in ${localConnectTimeoutMs} ms`)
    })
  }

  /** Cuts the connection if the policy of now denies it; returns whether it did. */
  recheck(): boolean {
    const denied = this.verdict()
    if (denied === '' || this.over) return false
    this.context.accessLog.refused(this.facts, denied, 'the policy changed while the connection was open')
    this.cut(denied, '')
    return true
  }

  cut(code: EndCode, text: string): void {
    if (this.over) return
    if (this.relay !== undefined) {
      this.relay.cut(code, text)
      return
    }
    this.stream.reset(code, text)
    this.gone()
  }

  onData(): void {
    // Cannot come: the far side has no credit before the stream is accepted, and then a relay listens.
  }

  onEnd(): void {
    // Cannot come before the stream is accepted either.
  }

  onRoom(): void {
    // Nothing waits for room before there is a relay.
  }

  /** The far side took its opening back. */
  onReset(): void {
    this.gone()
  }

  private verdict(): '' | RefusalCode {
    const policy = this.context.tables().policies.get(this.facts.destination)
    return policy === undefined ? 'not-ready' : policy.verdictOn(this.facts.source)
  }

  private onConnected(socket: net.Socket, end: ReadableEnd): void {
    if (this.over) return
    this.timer?.cancel()
    const ends = { socket, end, stream: this.stream, socketIs: 'destination' } as const
    this.relay = new Relay(ends, this.meter(), (code) => this.onRelayed(code))
    this.stream.accept()
    if (this.context.tables().inbounds.get(this.facts.listener)?.localProxyProtocol === 'v2')
      socket.write(this.proxyHeader())
    this.relay.start()
  }

  private onDatagramsConnected(service: DatagramService): void {
    if (this.over) return
    this.timer?.cancel()
    this.relay = service.join(this.stream, this.meter(), (code) => this.onRelayed(code))
    this.stream.accept()
    this.relay.start()
  }

  /** Counts one connection more of the pair. */
  private meter(): RelayMeter {
    const { counters } = this.context
    const slot = counters.slot('inbound', this.facts.source, this.facts.destination)
    counters.connection(slot)
    return { counters, slot }
  }

  private proxyHeader(): Buffer {
    const { facts, socket } = this.from
    return encodeProxyHeader({
      sourceAddress: socket.remoteAddress ?? '::',
      sourcePort: socket.remotePort ?? 0,
      destinationAddress: socket.localAddress ?? '::',
      destinationPort: socket.localPort ?? 0,
      uri: facts.peerUri,
      tlsVersion: facts.tlsVersion,
    })
  }

  private onRelayed(code: EndCode): void {
    if (this.relay === undefined || this.over) return
    this.over = true
    this.context.accessLog.ended(this.facts, {
      code,
      bytesToDestination: this.relay.received,
      bytesToSource: this.relay.sent,
      durationMs: this.context.clock.monotonicMs() - this.startedMs,
    })
    this.leave()
  }

  private refuse(code: RefusalCode, text: string): void {
    if (this.over || this.relay !== undefined) return
    this.context.accessLog.refused(this.facts, code, text)
    this.stream.refuse(code, text)
    this.gone()
  }

  private gone(): void {
    this.over = true
    this.timer?.cancel()
    if (this.socket !== undefined) abort(this.socket)
    this.datagrams?.close()
    this.leave()
  }

  private leave(): void {
    if (this.hasPlace) this.context.places.release(this.facts.listener)
    this.hasPlace = false
    this.onGone()
  }
}
