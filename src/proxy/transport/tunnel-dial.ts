/**
 * The tunnel's dialling side: one TLS session to the chosen instance, the far proxy's identity checked, one stream
 * opened on it. One stream per session here; putting several on one is a matter of this file alone.
 */
import type net from 'node:net'
import tls from 'node:tls'
import { formatSpiffeId, sniOf } from '../../model/identity.ts'
import { limits } from '../../model/limits.ts'
import type { RefusalCode } from '../../model/refusal.ts'
import type { Clock } from '../../platform/ports.ts'
import type { EndCode } from '../../wire/tunnel/codes.ts'
import { tunnelAlpn } from '../../wire/tunnel/frame.ts'
import { encodeMetadata } from '../../wire/tunnel/metadata.ts'
import type { Trust } from '../../wire/x509/chain.ts'
import { checkPeer } from '../identity/peer.ts'
import type { ServiceIdentity } from '../identity/service-identity.ts'
import type { BufferPool } from './buffers.ts'
import { keepAlive } from './local-socket.ts'
import { Outbox, type TurnEnd } from './outbox.ts'
import { type SessionListener, type StreamAnswer, TunnelSession } from './session.ts'
import type { TunnelStream } from './stream.ts'
import type { OpenAnswer, Target, Transport } from './transport.ts'

export interface TunnelPlace {
  readonly clock: Clock
  readonly pool: BufferPool
  readonly turnEnd: TurnEnd
  /** Roots of now. */
  readonly trust: () => Trust
}

/** Longest name that fits the TLS extension; without it the far listener, which serves one service, still knows. */
const maxSniBytes = 255

export function createTunnelTransport(place: TunnelPlace, identity: ServiceIdentity): Transport {
  return {
    open(target, answer) {
      const dial = new TunnelDial(place, identity, target, answer)
      dial.start()
      return { cancel: () => dial.cancel() }
    },
  }
}

class TunnelDial implements SessionListener, StreamAnswer {
  private readonly place: TunnelPlace
  private readonly identity: ServiceIdentity
  private readonly target: Target
  private readonly answer: OpenAnswer
  private socket: tls.TLSSocket | undefined
  private session: TunnelSession | undefined
  private outbox: Outbox | undefined
  private connected: boolean = false
  private answered: boolean = false
  private closing: boolean = false
  private peerUri = ''

  constructor(place: TunnelPlace, identity: ServiceIdentity, target: Target, answer: OpenAnswer) {
    this.place = place
    this.identity = identity
    this.target = target
    this.answer = answer
  }

  start(): void {
    const { endpoint, service, datacenter } = this.target
    const sni = sniOf(service, datacenter, this.identity.identity.trustDomain)
    const socket = tls.connect({
      host: endpoint.address,
      port: endpoint.port,
      secureContext: this.identity.context,
      servername: sni.length <= maxSniBytes ? sni : '',
      ALPNProtocols: [tunnelAlpn],
      // Checked by us after the handshake, against the roots of the peer's own trust domain and the wanted service.
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
    })
    this.socket = socket
    // On the TLS socket itself: the option of connect() does not reach the TCP socket below.
    socket.setNoDelay(true)
    socket.once('connect', () => {
      this.connected = true
    })
    socket.once('secureConnect', () => this.onSecure(socket))
    socket.on('error', (error: NodeJS.ErrnoException) => this.onSocketError(error))
    socket.once('close', () => this.onSocketClose())
  }

  /** Nobody waits for the answer any more. */
  cancel(): void {
    if (this.answered) return
    this.answered = true
    this.socket?.destroy()
  }

  onAck(stream: TunnelStream): void {
    if (this.answered) return
    this.answered = true
    const tlsVersion = this.socket?.getProtocol() ?? ''
    this.answer.onAccepted(stream, { uri: this.peerUri, tlsVersion })
  }

  onRefused(code: EndCode, text: string): void {
    this.refuse(code === 'closed' ? 'connect-failed' : code, text)
    this.close()
  }

  onOpen(stream: TunnelStream): void {
    stream.refuse('protocol-error', 'a dialler takes no openings')
  }

  onIdle(): void {
    this.close()
  }

  onOver(): void {
    this.close()
  }

  private onSecure(socket: tls.TLSSocket): void {
    if (this.answered) return
    if (socket.alpnProtocol !== tunnelAlpn) {
      this.giveUp('handshake-failed', `the far side does not speak ${tunnelAlpn}`)
      return
    }
    const { clock, trust, pool, turnEnd } = this.place
    const peer = checkPeer(socket, trust(), clock.wallMs())
    this.peerUri = peer.uri
    if (peer.kind === 'refused') {
      this.giveUp(peer.code, `the far proxy presented ${peer.uri || 'nothing'}`)
      return
    }
    const { service, datacenter, endpoint } = this.target
    const { trustDomain, service: source } = this.identity.identity
    const wanted = formatSpiffeId({ kind: 'service', trustDomain, datacenter, service })
    if (peer.uri !== wanted) {
      this.giveUp('wrong-identity', `the far proxy is ${peer.uri}, wanted is ${wanted}`)
      return
    }
    const metadata = encodeMetadata({ source, target: service, datacenter, instance: endpoint.id })
    if (metadata === undefined) {
      this.giveUp('internal-error', 'names too long for an OPEN frame')
      return
    }
    keepAlive(socket)
    const outbox = new Outbox(socket, pool, turnEnd, () => this.session?.onRoom())
    const session = new TunnelSession('dialler', outbox, this)
    this.outbox = outbox
    this.session = session
    session.open(metadata, this)
    socket.on('data', (chunk: Buffer) => session.receive(chunk))
  }

  private onSocketError(error: NodeJS.ErrnoException): void {
    // What the far side said in a frame is worth more than how the connection then ended.
    if (this.session !== undefined) return
    const reason = error.code ?? error.message
    this.refuse(this.connected ? 'handshake-failed' : 'connect-failed', reason)
  }

  private onSocketClose(): void {
    this.session?.lost()
    this.refuse(this.connected ? 'handshake-failed' : 'connect-failed', 'the connection was closed')
  }

  private giveUp(code: RefusalCode, text: string): void {
    this.refuse(code, text)
    this.socket?.destroy()
  }

  private refuse(code: RefusalCode, text: string): void {
    if (this.answered) return
    this.answered = true
    this.answer.onRefused(code, text)
  }

  private close(): void {
    if (this.closing) return
    this.closing = true
    this.outbox?.end()
    closeLater(this.socket, this.place.clock)
  }
}

/** Destroys a socket that the other side does not close within the time for it. */
export function closeLater(socket: net.Socket | undefined, clock: Clock): void {
  if (socket === undefined || socket.destroyed) return
  const timer = clock.after(limits.lingerMs, () => socket.destroy())
  socket.once('close', () => timer.cancel())
}
