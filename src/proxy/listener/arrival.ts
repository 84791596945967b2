/**
 * Who came to a public listener, whatever it is going to speak: what the log says of it, and whether its certificate and the
 * name it asked for let it in. Whether it may reach the service is the policy's business, connection by connection.
 */
import type tls from 'node:tls'
import type { RefusalCode } from '../../model/refusal.ts'
import { checkPeer, type PeerProof } from '../identity/peer.ts'
import type { ServiceIdentity } from '../identity/service-identity.ts'
import type { ConnectionFacts } from '../telemetry/access-log.ts'
import type { ListenerContext } from './context.ts'
import { wrongName } from './inbound-name.ts'

export interface ArrivedAt {
  readonly listener: string
  readonly own: ServiceIdentity
}

export type Arrival = { readonly facts: ConnectionFacts } & (
  | { readonly kind: 'proven'; readonly proof: PeerProof }
  | { readonly kind: 'refused'; readonly code: RefusalCode; readonly text: string }
)

/** What is known before the certificate was looked at. */
export function arrivingFacts(socket: tls.TLSSocket, { listener, own }: ArrivedAt): ConnectionFacts {
  return {
    direction: 'inbound',
    listener,
    source: '',
    destination: own.service,
    instance: '',
    address: `${socket.remoteAddress ?? ''}:${socket.remotePort ?? 0}`,
    peerUri: '',
    tlsVersion: socket.getProtocol() ?? '',
  }
}

/** To be asked once per socket, after the handshake. */
export function judgeArrival(context: ListenerContext, socket: tls.TLSSocket, at: ArrivedAt): Arrival {
  const facts = arrivingFacts(socket, at)
  const peer = checkPeer(socket, context.tables().trust, context.clock.wallMs())
  if (peer.kind === 'refused')
    return { kind: 'refused', code: peer.code, text: '', facts: { ...facts, peerUri: peer.uri } }
  const named = { ...facts, peerUri: peer.uri, source: peer.identity.service }
  const wrong = wrongName(socket, at.own)
  if (wrong !== '') return { kind: 'refused', code: 'wrong-identity', text: wrong, facts: named }
  return { kind: 'proven', proof: peer, facts: named }
}
