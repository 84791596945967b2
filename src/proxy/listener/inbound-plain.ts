/**
 * A connection to a public listener without the tunnel, as Envoy and openssl make it: one TLS session for one connection
 * to the local service. The same certificate, name and policy decide; why it was refused only our log can say, because the
 * peer knows nothing but a reset. Knows no listeners; inbound.ts makes it.
 */
import type { RefusalCode } from '../../model/refusal.ts'
import type { EndCode } from '../../wire/tunnel/codes.ts'
import { checkPeer, type PeerProof, proveAgain } from '../identity/peer.ts'
import type { ServiceIdentity } from '../identity/service-identity.ts'
import type { ConnectionFacts } from '../telemetry/access-log.ts'
import type { FarSocket } from '../transport/far-socket.ts'
import { PlainStream } from '../transport/plain-stream.ts'
import type { ListenerContext } from './context.ts'
import { wrongName } from './inbound-name.ts'
import { InboundStream } from './inbound-stream.ts'

export class InboundPlain {
  readonly streams = new Set<InboundStream>()
  private readonly context: ListenerContext
  private readonly far: FarSocket
  private readonly own: ServiceIdentity
  private readonly stream: PlainStream
  private facts: ConnectionFacts
  private proof: PeerProof | undefined

  /** `onGone`: the connection is closed; once. */
  constructor(
    context: ListenerContext,
    far: FarSocket,
    at: { readonly listener: string; readonly own: ServiceIdentity },
    onGone: () => void,
  ) {
    const { socket } = far
    this.context = context
    this.far = far
    this.own = at.own
    this.facts = {
      direction: 'inbound',
      listener: at.listener,
      source: '',
      destination: at.own.service,
      instance: '',
      address: `${socket.remoteAddress ?? ''}:${socket.remotePort ?? 0}`,
      peerUri: '',
      tlsVersion: socket.getProtocol() ?? '',
    }
    this.stream = new PlainStream(far, context.place, onGone)
  }

  start(): void {
    const { context, far } = this
    const peer = checkPeer(far.socket, context.tables().trust, context.clock.wallMs())
    this.facts = { ...this.facts, peerUri: peer.uri }
    if (peer.kind === 'refused') {
      this.refuse(peer.code, '')
      return
    }
    this.proof = peer
    this.facts = { ...this.facts, source: peer.identity.service }
    const wrong = wrongName(far.socket, this.own)
    if (wrong !== '') {
      this.refuse('wrong-identity', wrong)
      return
    }
    const from = { facts: this.facts, socket: far.socket }
    const inbound = new InboundStream(context, this.stream, from, () => this.streams.delete(inbound))
    this.streams.add(inbound)
    inbound.start()
  }

  /** Cuts the connection if the policy of now denies it. */
  recheck(): void {
    for (const stream of [...this.streams]) stream.recheck()
  }

  /** Ends the connection if nothing proves its peer under the roots of now. */
  recheckTrust(): void {
    if (this.proof === undefined) return
    const again = proveAgain(this.proof, this.context.tables().trust)
    if (again.kind === 'proven') this.proof = again.proof
    else this.refuse(again.code, again.text)
  }

  /** Nothing to say: the connection goes on to its own end, and the listener takes no further one. */
  leave(): void {}

  /** Cuts what is open now. */
  cut(code: EndCode): void {
    for (const stream of [...this.streams]) stream.cut(code, '')
    this.stream.reset(code, '')
  }

  private refuse(code: RefusalCode, text: string): void {
    this.context.accessLog.refused(this.facts, code, text)
    this.cut(code)
  }
}
