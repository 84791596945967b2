/**
 * A public listener: TLS 1.3 with client certificates in front of one local service. Handshakes that fail and peers
 * beyond the connection limit end here; the rest is inbound-session.ts.
 */
import type net from 'node:net'
import tls from 'node:tls'
import { limits } from '../../model/limits.ts'
import type { RefusalCode } from '../../model/refusal.ts'
import type { EndCode } from '../../wire/tunnel/codes.ts'
import { tunnelAlpn } from '../../wire/tunnel/frame.ts'
import type { ServiceIdentity } from '../identity/service-identity.ts'
import type { ListenerContext } from './context.ts'
import { InboundSession } from './inbound-session.ts'
import type { OpenListener } from './open-listener.ts'

export class InboundListener implements OpenListener {
  readonly server: tls.Server
  private readonly context: ListenerContext
  private readonly name: () => string
  private readonly sessions = new Set<InboundSession>()
  private identity: ServiceIdentity
  private connections = 0
  private leaving: boolean = false
  private gone: boolean = false

  /** `name` gives the inbound resource that the address belongs to now. */
  constructor(context: ListenerContext, name: () => string, identity: ServiceIdentity) {
    this.context = context
    this.name = name
    this.identity = identity
    this.server = tls.createServer({
      ...identity.contextOptions,
      requestCert: true,
      // The peer is let through the handshake to be told in a frame why it is refused.
      rejectUnauthorized: false,
      ALPNProtocols: [tunnelAlpn],
      handshakeTimeout: limits.handshakeTimeoutMs,
      noDelay: true,
    })
    this.server.on('connection', (socket: net.Socket) => this.onConnection(socket))
    this.server.on('secureConnection', (socket) => this.onSecure(socket))
    this.server.on('tlsClientError', (error, socket) => this.onHandshakeFailed(error, socket))
  }

  count(): number {
    return this.connections
  }

  /** New handshakes use this identity; open sessions go on. */
  setIdentity(identity: ServiceIdentity): void {
    if (identity === this.identity) return
    this.identity = identity
    this.server.setSecureContext(identity.contextOptions)
  }

  /** Cuts open streams that the policy of now denies. */
  recheck(): void {
    for (const session of [...this.sessions]) session.recheck()
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
    socket.once('close', () => {
      this.connections -= 1
      budget.release()
    })
  }

  private onSecure(socket: tls.TLSSocket): void {
    if (this.gone) {
      socket.destroy()
      return
    }
    const at = { listener: this.name(), own: this.identity }
    const session = new InboundSession(this.context, socket, at, () => this.sessions.delete(session))
    this.sessions.add(session)
    session.start()
    if (this.leaving) session.leave()
  }

  private onHandshakeFailed(error: NodeJS.ErrnoException, socket: net.Socket): void {
    // Who connects and leaves without a word is a health check of the port.
    if (socket.bytesRead === 0 && error.code === 'ECONNRESET') return
    if (error.code === 'ERR_TLS_HANDSHAKE_TIMEOUT')
      this.refuse(socket, 'idle-timeout', 'handshake not finished')
    else this.refuse(socket, 'handshake-failed', error.code ?? error.message)
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
