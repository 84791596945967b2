/**
 * The TLS connection to a far proxy, whatever is spoken on it afterwards: how it is dialled, and that the far side is the
 * service that was wanted. Both sides present leaves; nothing is resumed. Knows neither frames nor streams.
 */
import net from 'node:net'
import tls from 'node:tls'
import { formatSpiffeId, sniOf } from '../../model/identity.ts'
import type { RefusalCode } from '../../model/refusal.ts'
import type { Clock } from '../../platform/ports.ts'
import type { Trust } from '../../wire/x509/chain.ts'
import { checkPeer, type PeerProof } from '../identity/peer.ts'
import type { ServiceIdentity } from '../identity/service-identity.ts'
import type { Target } from './transport.ts'

/** A TLS socket and the TCP socket below it, which alone can be reset. */
export interface FarSocket {
  readonly raw: net.Socket
  readonly socket: tls.TLSSocket
}

/** A connection whose far side has proven to be the wanted service. */
export interface ProvenFar extends FarSocket {
  readonly proof: PeerProof
}

/** Longest name that fits the TLS extension; without it the far listener, which serves one service, still knows. */
const maxSniBytes = 255

/** `protocols` are offered by ALPN, none where empty. The sockets' own events tell how it went. */
export function dialFar(identity: ServiceIdentity, target: Target, protocols: readonly string[]): FarSocket {
  const { endpoint, service, datacenter } = target
  const sni = sniOf(service, datacenter, target.trustDomain ?? identity.identity.trustDomain)
  // Trying several addresses of a name would change the handle under the TLS socket.
  const raw = net.connect({
    host: endpoint.address,
    port: endpoint.port,
    noDelay: true,
    autoSelectFamily: false,
  })
  // Its errors come up through the TLS socket as well.
  raw.on('error', () => {})
  const socket = tls.connect({
    socket: raw,
    secureContext: identity.context,
    servername: sni.length <= maxSniBytes ? sni : '',
    ...(protocols.length === 0 ? {} : { ALPNProtocols: [...protocols] }),
    // Checked by us after the handshake, against the roots of the peer's own trust domain and the wanted service.
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
  })
  // On the TLS socket itself: the option of connect() does not reach the TCP socket below.
  socket.setNoDelay(true)
  return { raw, socket }
}

/** The far side's proof after the handshake, or why it is not the one that was wanted. */
export function proveFar(
  socket: tls.TLSSocket,
  wantedBy: { readonly identity: ServiceIdentity; readonly target: Target },
  at: { readonly clock: Clock; readonly trust: () => Trust },
): PeerProof | { readonly code: RefusalCode; readonly text: string } {
  const peer = checkPeer(socket, at.trust(), at.clock.wallMs())
  if (peer.kind === 'refused')
    return { code: peer.code, text: `the far proxy presented ${peer.uri || 'nothing'}` }
  const { service, datacenter } = wantedBy.target
  const trustDomain = wantedBy.target.trustDomain ?? wantedBy.identity.identity.trustDomain
  const wanted = formatSpiffeId({ kind: 'service', trustDomain, datacenter, service })
  if (peer.uri !== wanted)
    return { code: 'wrong-identity', text: `the far proxy is ${peer.uri}, wanted is ${wanted}` }
  return peer
}

/** The far side speaks TLS and would have none of the protocols that we offered. */
export const isAlpnRefusal = (error: NodeJS.ErrnoException): boolean =>
  error.code === 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL'
