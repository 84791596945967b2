/**
 * The tunnel's dialling side: one TLS session to one address, the far proxy's identity checked, then any number of
 * streams. Knows who waits for it and whether it still takes streams; which session a connection gets is
 * tunnel-sessions.ts.
 */
import type net from 'node:net'
import type tls from 'node:tls'
import { limits } from '../../model/limits.ts'
import type { RefusalCode } from '../../model/refusal.ts'
import type { Clock, Timer } from '../../platform/ports.ts'
import type { EndCode } from '../../wire/tunnel/codes.ts'
import { tunnelAlpn } from '../../wire/tunnel/frame.ts'
import type { Trust } from '../../wire/x509/chain.ts'
import { type PeerProof, proveAgain } from '../identity/peer.ts'
import type { ServiceIdentity } from '../identity/service-identity.ts'
import type { BufferPool } from './buffers.ts'
import { dialFar, type FarSocket, isAlpnRefusal, type ProvenFar, proveFar } from './far-socket.ts'
import { keepAlive } from './local-socket.ts'
import { Outbox, type TurnEnd } from './outbox.ts'
import { readRecords } from './read-buffer.ts'
import { type SessionListener, type StreamAnswer, TunnelSession } from './session.ts'
import type { TunnelStream } from './stream.ts'
import type { PeerFacts, Target } from './transport.ts'

export interface TunnelPlace {
  readonly clock: Clock
  readonly pool: BufferPool
  readonly turnEnd: TurnEnd
  /** Roots of now. */
  readonly trust: () => Trust
}

/** One that waits for the session to come up. */
export interface Waiting {
  /** The session takes streams now. */
  onUp(): void
  onFailed(code: RefusalCode, text: string): void
  /** The far side does not speak the tunnel. At most one of those who wait gets the connection that found it out. */
  onPlain(far: ProvenFar | undefined): void
}

export interface DialListener {
  /** No session came about; not called when nobody waited any more. */
  onFailed(code: RefusalCode, text: string): void
  onUp(): void
  /** The far side does not speak the tunnel. */
  onPlain(): void
  /** It takes no streams any more: said goodbye, was lost, or is too old. Once. */
  onRetired(): void
  /** Its connection is closed. Once. */
  onGone(): void
}

export class TunnelDial implements SessionListener {
  readonly identity: ServiceIdentity
  peer: PeerFacts = { uri: '', tlsVersion: '' }
  readonly target: Target
  private readonly place: TunnelPlace
  private readonly listener: DialListener
  private readonly waiting = new Set<Waiting>()
  private socket: tls.TLSSocket | undefined
  private session: TunnelSession | undefined
  private outbox: Outbox | undefined
  private idleTimer: Timer | undefined
  private proof: PeerProof | undefined
  private connected: boolean = false
  private retired: boolean = false
  private closing: boolean = false
  /** New streams go to a session that is younger from then on. */
  private oldMs = Number.POSITIVE_INFINITY
  /** Openings without an answer since the last byte was read; the oldest of them. */
  private askedAtMs = Number.POSITIVE_INFINITY

  constructor(place: TunnelPlace, identity: ServiceIdentity, target: Target, listener: DialListener) {
    this.place = place
    this.identity = identity
    this.target = target
    this.listener = listener
  }

  get isUp(): boolean {
    return this.session !== undefined
  }

  get openStreams(): number {
    return this.session?.openStreams ?? this.waiting.size
  }

  /** Whether one more connection may be given to it. A far side that answers nothing any more gets none. */
  takesStreams(): boolean {
    if (this.retired || this.openStreams >= limits.streamsPerSession) return false
    const nowMs = this.place.clock.monotonicMs()
    if (nowMs < this.oldMs && nowMs - this.askedAtMs < limits.tunnelSilenceMs) return true
    this.retire()
    return false
  }

  start(): void {
    const far = dialFar(this.identity, this.target, [tunnelAlpn])
    const { socket } = far
    this.socket = socket
    socket.once('connect', () => {
      this.connected = true
    })
    socket.once('secureConnect', () => this.onSecure(far))
    socket.on('error', (error: NodeJS.ErrnoException) => this.onSocketError(error))
    socket.once('close', () => this.onSocketClose())
  }

  wait(waiting: Waiting): void {
    this.waiting.add(waiting)
  }

  /** A dial for which nobody waits any more is given up. */
  stopWaiting(waiting: Waiting): void {
    this.waiting.delete(waiting)
    if (this.isUp || this.waiting.size > 0) return
    this.retire()
    this.socket?.destroy()
  }

  /** Undefined where the session takes no more; the caller then has another one made. */
  open(metadata: Buffer, answer: StreamAnswer): TunnelStream | undefined {
    const stream = this.session?.open(metadata, answer)
    if (stream === undefined) {
      this.retire()
      return undefined
    }
    this.idleTimer?.cancel()
    this.idleTimer = undefined
    if (this.askedAtMs === Number.POSITIVE_INFINITY) this.askedAtMs = this.place.clock.monotonicMs()
    return stream
  }

  /** Takes no new streams; ends with the last one. Who waits for it already is still served. */
  retire(): void {
    if (this.retired) return
    this.retired = true
    this.listener.onRetired()
    if (this.session !== undefined && this.session.openStreams === 0) this.close()
  }

  /** Ends the session, and its streams with that code, if nothing proves the far side under the trust of now. */
  recheckTrust(): void {
    if (this.proof === undefined) return
    const again = proveAgain(this.proof, this.place.trust())
    if (again.kind === 'proven') this.proof = again.proof
    else this.session?.fail(again.code, again.text)
  }

  onOpen(stream: TunnelStream): void {
    stream.refuse('protocol-error', 'a dialler takes no openings')
  }

  /** Kept a while for the next connection, shorter than the far side does, so that the two rarely part at once. */
  onIdle(): void {
    if (this.retired) this.close()
    else this.idleTimer = this.place.clock.after(limits.tunnelIdleMs / 2, () => this.retire())
  }

  onGoaway(): void {
    this.retire()
  }

  onOver(_code: EndCode, _text: string): void {
    this.retire()
    this.close()
  }

  private onSecure(far: FarSocket): void {
    if (this.isAbandoned) return
    const { socket } = far
    const { clock, pool, turnEnd } = this.place
    const peer = proveFar(socket, this, this.place)
    if ('code' in peer) {
      this.fail(peer.code, peer.text)
      return
    }
    if (socket.alpnProtocol !== tunnelAlpn) {
      this.partAsPlain({ ...far, proof: peer })
      return
    }
    this.proof = peer
    this.peer = { uri: peer.uri, tlsVersion: socket.getProtocol() ?? '' }
    keepAlive(socket)
    const outbox = new Outbox(socket, pool, turnEnd, () => this.session?.onRoom())
    const session = new TunnelSession('dialler', outbox, this, () => clock.monotonicMs())
    this.outbox = outbox
    this.session = session
    readRecords(socket, (chunk) => {
      this.askedAtMs = Number.POSITIVE_INFINITY
      return session.receive(chunk)
    })
    this.comeUp(Math.min(peer.notAfterMs, this.identity.notAfterMs) - clock.wallMs())
  }

  /** `validMs`: how long both certificates are still valid. A session is young for half of that. */
  private comeUp(validMs: number): void {
    this.oldMs = this.place.clock.monotonicMs() + Math.min(limits.tunnelAgeMs, validMs / 2)
    this.listener.onUp()
    for (const waiting of this.waiting) waiting.onUp()
    this.waiting.clear()
    if (this.retired && this.openStreams === 0) this.close()
  }

  private onSocketError(error: NodeJS.ErrnoException): void {
    // What the far side said in a frame is worth more than how the connection then ended.
    if (this.isUp) return
    if (isAlpnRefusal(error)) this.partAsPlain(undefined)
    else this.fail(this.failureCode(), error.code ?? error.message)
  }

  /** The far side has no tunnel: who waits gets connections of their own, the first of them the one that is there. */
  private partAsPlain(far: ProvenFar | undefined): void {
    if (this.isAbandoned) return
    const waiting = [...this.waiting]
    this.waiting.clear()
    this.listener.onPlain()
    this.retire()
    if (far === undefined) this.socket?.destroy()
    let left = far
    for (const each of waiting) {
      each.onPlain(left)
      left = undefined
    }
  }

  private onSocketClose(): void {
    this.idleTimer?.cancel()
    if (this.session === undefined) this.fail(this.failureCode(), 'the connection was closed')
    else this.session.lost()
    this.retire()
    this.listener.onGone()
  }

  /** Retired while it was being dialled, and nobody waits any more. */
  private get isAbandoned(): boolean {
    return this.retired && this.waiting.size === 0
  }

  private failureCode(): RefusalCode {
    return this.connected ? 'handshake-failed' : 'connect-failed'
  }

  private fail(code: RefusalCode, text: string): void {
    if (this.isAbandoned) return
    if (!this.retired) this.listener.onFailed(code, text)
    this.retire()
    this.socket?.destroy()
    for (const waiting of [...this.waiting]) waiting.onFailed(code, text)
    this.waiting.clear()
  }

  private close(): void {
    if (this.closing) return
    this.closing = true
    this.idleTimer?.cancel()
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
