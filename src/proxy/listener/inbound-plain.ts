/**
 * A connection to a public listener without the tunnel, as Envoy and openssl make it: one TLS session for one connection
 * to the local service. The same certificate, name and policy decide; why it was refused only our log can say, because the
 * peer knows nothing but a reset. Knows no listeners; inbound.ts makes it.
 */
import type { RefusalCode } from '../../model/refusal.ts'
import type { EndCode } from '../../wire/tunnel/codes.ts'
import { type PeerProof, proveAgain } from '../identity/peer.ts'
import type { ConnectionFacts } from '../telemetry/access-log.ts'
import type { FarSocket } from '../transport/far-socket.ts'
import { PlainStream } from '../transport/plain-stream.ts'
import { type ArrivedAt, arrivingFacts, judgeArrival } from './arrival.ts'
import type { ListenerContext } from './context.ts'
import { InboundStream } from './inbound-stream.ts'

export class InboundPlain {
  readonly streams = new Set<InboundStream>()
  private readonly context: ListenerContext
  private readonly far: FarSocket
  private readonly at: ArrivedAt
  private readonly stream: PlainStream
  private facts: ConnectionFacts
  private proof: PeerProof | undefined

  /** `onGone`: the connection is closed; once. */
  constructor(context: ListenerContext, far: FarSocket, at: ArrivedAt, onGone: () => void) {
    this.context = context
    this.far = far
    this.at = at
    this.facts = arrivingFacts(far.socket, at)
    this.stream = new PlainStream(far, context.place, onGone)
  }

  start(): void {
    const { context, far } = this
    const arrival = judgeArrival(context, far.socket, this.at)
    this.facts = arrival.facts
    if (arrival.kind === 'refused') {
      this.refuse(arrival.code, arrival.text)
      return
    }
    this.proof = arrival.proof
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
