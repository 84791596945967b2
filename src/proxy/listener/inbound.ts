/**
 * A public listener: TLS with client certificates in front of one local service. Handshakes that fail and peers beyond
 * the connection limit end here; the rest is inbound-session.ts for the tunnel and inbound-plain.ts for peers without it.
 */
import type net from 'node:net'
import tls from 'node:tls'
import { limits } from '../../model/limits.ts'
import type { RefusalCode } from '../../model/refusal.ts'
import type { Timer } from '../../platform/ports.ts'
import type { EndCode } from '../../wire/tunnel/codes.ts'
import { tunnelAlpn } from '../../wire/tunnel/frame.ts'
import type { ServiceIdentity } from '../identity/service-identity.ts'
import type { ListenerContext } from './context.ts'
import { chooseProtocol } from './inbound-name.ts'
import { InboundPlain } from './inbound-plain.ts'
import { InboundSession } from './inbound-session.ts'
import { inboundContext, type TlsMinVersion } from './inbound-tls.ts'
import type { OpenListener } from './open-listener.ts'

export class InboundListener implements OpenListener {
  readonly server: tls.Server
  private readonly context: ListenerContext
  private readonly name: () => string
  private readonly sessions = new Set<InboundSession | InboundPlain>()
  /** TCP sockets below the TLS ones, by the peer's address and port. */
  private readonly raws = new Map<string, net.Socket>()
  /** Of connections that are shaking hands, by the same key. */
  private readonly deadlines = new Map<string, Timer>()
  /** Handshakes that we ended and whose failure TLS has not reported yet. */
  private late = 0
  private identity: ServiceIdentity
  private minVersion: TlsMinVersion
  private connections = 0
  private leaving: boolean = false
  private gone: boolean = false

  /** `name` gives the inbound resource that the address belongs to now. */
  constructor(context: ListenerContext, name: () => string, identity: ServiceIdentity) {
    this.context = context
    this.name = name
    this.identity = identity
    this.minVersion = this.wantedMinVersion()
    this.server = tls.createServer({
      ...inboundContext(identity, this.minVersion),
      requestCert: true,
      // The peer is let through the handshake to be told in a frame why it is refused.
      rejectUnauthorized: false,
      ALPNCallback: ({ protocols }) => chooseProtocol(protocols),
      // Ours is in onConnection; this one comes later, so that each is reported once.
      handshakeTimeout: 2 * limits.handshakeTimeoutMs,
      noDelay: true,
    })
    this.server.on('connection', (socket: net.Socket) => this.onConnection(socket))
    this.server.on('secureConnection', (socket) => this.onSecure(socket))
    this.server.on('tlsClientError', (error, socket) => this.onHandshakeFailed(error, socket))
  }

  count(): number {
    return this.connections
  }

  /** New handshakes use this identity, and the versions of now; open sessions go on with what they carry. */
  setIdentity(identity: ServiceIdentity): void {
    const minVersion = this.wantedMinVersion()
    if (identity === this.identity && minVersion === this.minVersion) return
    const renewed = identity !== this.identity
    this.identity = identity
    this.minVersion = minVersion
    this.server.setSecureContext(inboundContext(identity, minVersion))
    if (!renewed) return
    for (const session of this.sessions) if (session instanceof InboundSession) session.onIdentityRenewed()
  }

  /** Cuts open streams that the policy of now denies. */
  recheck(): void {
    for (const session of [...this.sessions]) session.recheck()
  }

  /** Ends sessions whose peer the roots of now do not prove. */
  recheckTrust(): void {
    for (const session of [...this.sessions]) session.recheckTrust()
  }

  /** Streams that carry a connection now. */
  openStreams(): number {
    let open = 0
    for (const session of this.sessions) open += session.streams.size
    return open
  }

  /** Ends what is open; the listener itself stays and goes on saying why it takes nothing new. */
  cutStreams(code: EndCode): void {
    for (const session of [...this.sessions]) if (session.streams.size > 0) session.cut(code)
  }

  leave(): void {
    this.leaving = true
    this.server.close()
    for (const session of [...this.sessions]) session.leave()
  }

  cut(code: EndCode): void {
    this.gone = true
    for (const session of [...this.sessions]) session.cut(code)
  }

  private onConnection(socket: net.Socket): void {
    const { budget } = this.context
    if (!budget.take()) {
      this.refuse(socket, 'too-many-connections', `${budget.max} connections in this worker`)
      socket.destroy()
      return
    }
    this.connections += 1
    const from = peerAddress(socket)
    this.raws.set(from, socket)
    // Node's own limit begins anew with every byte that trickles in.
    const deadline = this.context.clock.after(limits.handshakeTimeoutMs, () => {
      this.refuse(socket, 'idle-timeout', 'handshake not finished')
      this.late += 1
      socket.destroy()
    })
    this.deadlines.set(from, deadline)
    socket.once('close', () => {
      deadline.cancel()
      if (this.deadlines.get(from) === deadline) this.deadlines.delete(from)
      if (this.raws.get(from) === socket) this.raws.delete(from)
      this.connections -= 1
      budget.release()
    })
  }

  private onSecure(socket: tls.TLSSocket): void {
    if (this.gone) {
      socket.destroy()
      return
    }
    const from = peerAddress(socket)
    this.deadlines.get(from)?.cancel()
    this.deadlines.delete(from)
    const raw = this.raws.get(from)
    // The peer has gone meanwhile.
    if (raw === undefined || raw.destroyed) {
      socket.destroy()
      return
    }
    const at = { listener: this.name(), own: this.identity }
    const onGone = (): void => {
      this.sessions.delete(session)
    }
    const session =
      socket.alpnProtocol === tunnelAlpn
        ? new InboundSession(this.context, socket, at, onGone)
        : new InboundPlain(this.context, { raw, socket }, at, onGone)
    this.sessions.add(session)
    session.start()
    if (this.leaving) session.leave()
  }

  private wantedMinVersion(): TlsMinVersion {
    return this.context.tables().inbounds.get(this.name())?.tlsMinVersion ?? 'TLSv1_3'
  }

  private onHandshakeFailed(error: NodeJS.ErrnoException, socket: net.Socket): void {
    if (this.late > 0 && error.code === 'ECONNRESET') {
      this.late -= 1
      return
    }
    // Who connects and leaves without a word is a health check of the port.
    if (socket.bytesRead === 0 && error.code === 'ECONNRESET') return
    this.refuse(socket, 'handshake-failed', error.code ?? error.message)
  }

  private refuse(socket: net.Socket, code: RefusalCode, text: string): void {
    const facts = {
      direction: 'inbound',
      listener: this.name(),
      source: '',
      destination: this.identity.service,
      instance: '',
      address: `${socket.remoteAddress ?? ''}:${socket.remotePort ?? 0}`,
      peerUri: '',
      tlsVersion: '',
    } as const
    this.context.accessLog.refused(facts, code, text)
  }
}

const peerAddress = (socket: net.Socket): string => `${socket.remoteAddress ?? ''} ${socket.remotePort ?? 0}`
