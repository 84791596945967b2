/**
 * One TLS session that another proxy opened to a public listener: who it is, then its streams. Everything it may do was
 * decided by its certificate and by the policy of the moment. Knows no listeners; inbound.ts makes it.
 */
import type tls from 'node:tls'
import { limits } from '../../model/limits.ts'
import type { RefusalCode } from '../../model/refusal.ts'
import type { Timer } from '../../platform/ports.ts'
import type { EndCode } from '../../wire/tunnel/codes.ts'
import type { OpenMetadata } from '../../wire/tunnel/metadata.ts'
import { type PeerProof, proveAgain } from '../identity/peer.ts'
import type { ConnectionFacts } from '../telemetry/access-log.ts'
import { keepAlive } from '../transport/local-socket.ts'
import { Outbox } from '../transport/outbox.ts'
import { readRecords } from '../transport/read-buffer.ts'
import { type SessionListener, TunnelSession } from '../transport/session.ts'
import type { TunnelStream } from '../transport/stream.ts'
import { closeLater } from '../transport/tunnel-dial.ts'
import { type ArrivedAt, arrivingFacts, judgeArrival } from './arrival.ts'
import type { ListenerContext } from './context.ts'
import { InboundStream } from './inbound-stream.ts'

export class InboundSession implements SessionListener {
  readonly streams = new Set<InboundStream>()
  private readonly context: ListenerContext
  private readonly socket: tls.TLSSocket
  private readonly at: ArrivedAt
  private readonly onGone: () => void
  private readonly outbox: Outbox
  private readonly session: TunnelSession
  private facts: ConnectionFacts
  private peer: PeerProof | undefined
  private openTimer: Timer | undefined
  private idleTimer: Timer | undefined
  private leaving: boolean = false

  constructor(context: ListenerContext, socket: tls.TLSSocket, at: ArrivedAt, onGone: () => void) {
    this.context = context
    this.socket = socket
    this.at = at
    this.onGone = onGone
    this.facts = arrivingFacts(socket, at)
    this.outbox = new Outbox(socket, context.place.pool, context.place.turnEnd, () => this.session.onRoom())
    this.session = new TunnelSession('acceptor', this.outbox, this, () => context.clock.monotonicMs())
  }

  start(): void {
    const { socket, context } = this
    socket.on('error', () => socket.destroy())
    socket.once('close', () => this.onSocketClose())
    socket.setNoDelay(true)
    keepAlive(socket)
    const arrival = judgeArrival(context, socket, this.at)
    this.facts = arrival.facts
    if (arrival.kind === 'refused') {
      this.refuse(arrival.code, arrival.text)
      return
    }
    this.peer = arrival.proof
    if (socket.getProtocol() !== 'TLSv1.3') {
      this.refuse('handshake-failed', 'the tunnel is spoken over TLS 1.3 only')
      return
    }
    this.openTimer = context.clock.after(limits.openTimeoutMs, () => {
      this.refuse('idle-timeout', 'no stream was opened in time')
    })
    readRecords(socket, (chunk) => this.session.receive(chunk))
  }

  onOpen(stream: TunnelStream, metadata: OpenMetadata): void {
    this.openTimer?.cancel()
    this.openTimer = undefined
    this.idleTimer?.cancel()
    this.admit(stream, metadata)
    if (this.leaving) this.leave()
  }

  /** A session whose streams have ended stays a while for the next one, unless we are leaving. */
  onIdle(): void {
    if (this.leaving) this.close()
    else this.idleTimer = this.context.clock.after(limits.tunnelIdleMs, () => this.leave())
  }

  onOver(code: EndCode, text: string): void {
    if (code === 'protocol-error' || code === 'version-mismatch')
      this.context.accessLog.refused(this.facts, code, text)
    this.close()
  }

  /**
   * No new streams; ends when the open ones have. A session that has just been made may still open its first one:
   * its dialler could not know.
   */
  leave(): void {
    this.leaving = true
    if (this.openTimer !== undefined) return
    this.session.leave('draining', 'the proxy is stopping')
    if (this.session.openStreams === 0) this.close()
  }

  /** Cuts what is open now. */
  cut(code: EndCode): void {
    this.leaving = true
    this.session.leave('draining', 'the service is not served here any more')
    for (const stream of [...this.streams]) stream.cut(code, '')
    this.close()
  }

  /** Cuts the streams that the policy of now denies. Sends the resets at once. */
  recheck(): void {
    let cut = 0
    for (const stream of [...this.streams]) if (stream.recheck()) cut += 1
    if (cut > 0) this.outbox.flush()
  }

  /** The listener presents another certificate from now on: the peer's next streams belong on a session under that one. */
  onIdentityRenewed(): void {
    if (this.peer !== undefined) this.session.sendAway('the certificate of this service was renewed')
  }

  /** Ends the session if nothing proves its peer under the roots of now. */
  recheckTrust(): void {
    if (this.peer === undefined) return
    const again = proveAgain(this.peer, this.context.tables().trust)
    if (again.kind === 'proven') this.peer = again.proof
    else this.refuse(again.code, again.text)
  }

  private admit(stream: TunnelStream, metadata: OpenMetadata): void {
    const { instance, protocol } = metadata
    const facts = { ...this.facts, instance, ...(protocol === undefined ? {} : { protocol }) }
    // The session's own place is for its first stream; each further one is one more connection to the local service.
    const isFurther = this.streams.size > 0
    const refusal = this.refusalOf(metadata, isFurther)
    if (refusal !== undefined) {
      this.context.accessLog.refused(facts, refusal.code, refusal.text)
      stream.refuse(refusal.code, refusal.text)
      if (refusal.code === 'expired-certificate') this.leave()
      return
    }
    const inbound = new InboundStream(this.context, stream, { facts, socket: this.socket }, () => {
      this.streams.delete(inbound)
      if (isFurther) this.context.budget.release()
    })
    this.streams.add(inbound)
    inbound.start()
  }

  /** Undefined for a stream that is let in; a further one has taken its place then. */
  private refusalOf(
    metadata: OpenMetadata,
    isFurther: boolean,
  ): { readonly code: RefusalCode; readonly text: string } | undefined {
    const { budget, clock } = this.context
    const wrong = this.wrongMetadata(metadata)
    if (wrong !== '') return { code: 'wrong-identity', text: wrong }
    // Or a session could outlive its certificate for ever; streams that are open go on.
    if (clock.wallMs() > (this.peer?.notAfterMs ?? 0))
      return { code: 'expired-certificate', text: 'the certificate of the session has expired' }
    if (isFurther && !budget.take())
      return { code: 'too-many-connections', text: `${budget.max} connections in this worker` }
    return undefined
  }

  private wrongMetadata(metadata: OpenMetadata): string {
    const { service, datacenter } = this.at.own.identity
    if (metadata.source !== this.peer?.identity.service)
      return `the certificate is of ${this.peer?.identity.service ?? ''}, the opening says ${metadata.source}`
    if (metadata.target !== service || (metadata.datacenter !== '' && metadata.datacenter !== datacenter))
      return `this is ${service} in ${datacenter}, wanted is ${metadata.target} in ${metadata.datacenter}`
    return ''
  }

  private refuse(code: RefusalCode, text: string): void {
    this.context.accessLog.refused(this.facts, code, text)
    // Read on, so that the peer's own end is seen.
    this.socket.resume()
    this.session.fail(code, text)
  }

  private onSocketClose(): void {
    this.session.lost()
    this.openTimer?.cancel()
    this.idleTimer?.cancel()
    this.onGone()
  }

  private close(): void {
    this.openTimer?.cancel()
    this.idleTimer?.cancel()
    this.outbox.end()
    closeLater(this.socket, this.context.clock)
  }
}
