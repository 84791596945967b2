/**
 * Who the other side of a TLS session is, as far as its certificate proves it against the roots of its own trust domain.
 * Whether it may do anything is decided elsewhere (policy on the accepting side, the wanted target on the dialling one).
 */
import type { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import type { Identity } from '../../model/identity.ts'
import { limits } from '../../model/limits.ts'
import type { RefusalCode } from '../../model/refusal.ts'
import { refusalOf, type Trust, verifyChain } from '../../wire/x509/chain.ts'

export type ServiceId = Extract<Identity, { kind: 'service' }>

export type PeerCheck =
  | {
      readonly kind: 'proven'
      readonly identity: ServiceId
      readonly uri: string
      /** When the first certificate of the chain ends. */
      readonly notAfterMs: number
    }
  /** `uri` is what the certificate claims, '' where it claims nothing readable. */
  | { readonly kind: 'refused'; readonly code: RefusalCode; readonly uri: string }

/** To be asked once per socket, after the handshake: reading the chain uses it up inside Node. */
export function checkPeer(socket: TLSSocket, trust: Trust, nowMs: number): PeerCheck {
  const outcome = verifyChain({ chain: presentedChain(socket), trust, plane: 'service', nowMs })
  if (outcome.kind === 'ok' && outcome.identity.kind === 'service')
    return {
      kind: 'proven',
      identity: outcome.identity,
      uri: outcome.uri,
      notAfterMs: outcome.notAfterMs,
    }
  return {
    kind: 'refused',
    code: outcome.kind === 'ok' ? 'wrong-plane' : refusalOf(outcome),
    uri: 'uri' in outcome ? outcome.uri : '',
  }
}

/** DER, leaf first. */
function presentedChain(socket: TLSSocket): readonly Uint8Array[] {
  const chain: Uint8Array[] = []
  let certificate: X509Certificate | undefined = socket.getPeerX509Certificate()
  while (certificate !== undefined && chain.length <= limits.certificateChainLength) {
    chain.push(certificate.raw)
    certificate = certificate.issuerCertificate
  }
  return chain
}
