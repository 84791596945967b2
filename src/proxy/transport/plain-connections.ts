/**
 * Connections to far sides that do not speak the tunnel: one TLS session each. Remembers which destinations those are, so
 * that they are not asked for the tunnel every time. That a far side is one of them is found out by tunnel-dial.ts, whose
 * connection then is the first of these.
 */
import { limits } from '../../model/limits.ts'
import type { RefusalCode } from '../../model/refusal.ts'
import type { Timer } from '../../platform/ports.ts'
import { type PeerProof, proveAgain } from '../identity/peer.ts'
import type { ServiceIdentity } from '../identity/service-identity.ts'
import { dialFar, type FarSocket, type ProvenFar, proveFar } from './far-socket.ts'
import { PlainStream } from './plain-stream.ts'
import type { OpenAnswer, Target } from './transport.ts'
import type { TunnelPlace } from './tunnel-dial.ts'

export interface PlainRequest {
  readonly identity: ServiceIdentity
  readonly target: Target
}

interface Live {
  readonly stream: PlainStream
  proof: PeerProof
}

export class PlainConnections {
  private readonly place: TunnelPlace
  /** Destinations without the tunnel, with the time until which that is believed. */
  private readonly known = new Map<string, number>()
  private readonly live = new Set<Live>()

  constructor(place: TunnelPlace) {
    this.place = place
  }

  knows(key: string): boolean {
    const untilMs = this.known.get(key)
    if (untilMs === undefined) return false
    if (this.place.clock.monotonicMs() < untilMs) return true
    this.known.delete(key)
    return false
  }

  learn(key: string): void {
    this.known.delete(key)
    const [oldest] = this.known.keys()
    if (this.known.size >= limits.tunnelDestinations && oldest !== undefined) this.known.delete(oldest)
    this.known.set(key, this.place.clock.monotonicMs() + limits.plainBelievedMs)
  }

  /** `far`: a connection that is made already. */
  open(request: PlainRequest, answer: OpenAnswer, far?: ProvenFar): { cancel(): void } {
    if (far !== undefined) {
      this.accept(far, answer)
      return { cancel: () => {} }
    }
    return new PlainDial(this.place, request, {
      onAccepted: (proven) => this.accept(proven, answer),
      onRefused: (code, text) => answer.onRefused(code, text),
    })
  }

  /** Ends connections whose far side the roots of now do not prove. */
  recheckTrust(): void {
    for (const each of [...this.live]) {
      const again = proveAgain(each.proof, this.place.trust())
      if (again.kind === 'proven') each.proof = again.proof
      else each.stream.cut(again.code, again.text)
    }
  }

  private accept(far: ProvenFar, answer: OpenAnswer): void {
    const stream = new PlainStream(far, this.place, () => this.live.delete(live))
    const live: Live = { stream, proof: far.proof }
    this.live.add(live)
    answer.onAccepted(stream, { uri: far.proof.uri, tlsVersion: far.socket.getProtocol() ?? '' })
    stream.accept()
  }
}

interface DialAnswer {
  onAccepted(far: ProvenFar): void
  onRefused(code: RefusalCode, text: string): void
}

/** One handshake without the tunnel's ALPN. */
class PlainDial {
  private readonly far: FarSocket
  private readonly answer: DialAnswer
  private readonly timer: Timer
  private connected: boolean = false
  private over: boolean = false

  constructor(place: TunnelPlace, { identity, target }: PlainRequest, answer: DialAnswer) {
    this.answer = answer
    this.far = dialFar(identity, target, [])
    const { socket } = this.far
    this.timer = place.clock.after(limits.handshakeTimeoutMs, () => {
      this.refuse('connect-timeout', 'the handshake was not finished in time')
    })
    socket.once('connect', () => {
      this.connected = true
    })
    socket.on('error', (error: NodeJS.ErrnoException) => this.onLost(error.code ?? error.message))
    socket.once('close', () => this.onLost('the connection was closed'))
    socket.once('secureConnect', () => {
      const proof = proveFar(socket, { identity, target }, place)
      if ('code' in proof) this.refuse(proof.code, proof.text)
      else if (this.settle()) answer.onAccepted({ ...this.far, proof })
    })
  }

  /** Nobody waits for the answer any more. */
  cancel(): void {
    if (this.settle()) this.far.socket.destroy()
  }

  private onLost(text: string): void {
    this.refuse(this.connected ? 'handshake-failed' : 'connect-failed', text)
  }

  private refuse(code: RefusalCode, text: string): void {
    if (!this.settle()) return
    this.far.socket.destroy()
    this.answer.onRefused(code, text)
  }

  private settle(): boolean {
    if (this.over) return false
    this.over = true
    this.timer.cancel()
    return true
  }
}
