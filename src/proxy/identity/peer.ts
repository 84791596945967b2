/**
 * Who the other side of a TLS session is, as far as its certificate proves it against the roots of its own trust domain.
 * Whether it may do anything is decided elsewhere (policy on the accepting side, the wanted target on the dialling one).
 */
import type { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import type { Identity } from '../../model/identity.ts'
import { limits } from '../../model/limits.ts'
import type { RefusalCode } from '../../model/refusal.ts'
import { isEvicted, refusalOf, type Trust, trustsRoot, verifyChain } from '../../wire/x509/chain.ts'

export type ServiceId = Extract<Identity, { kind: 'service' }>

/** Who the peer is, with what proved it: a session lives longer than the roots of the day it was made. */
export interface PeerProof {
  readonly identity: ServiceId
  readonly uri: string
  /** When the first certificate of the chain ends. */
  readonly notAfterMs: number
  /** As presented, DER, leaf first. */
  readonly chain: readonly Uint8Array[]
  /** The root that proved it: SHA-256 of its certificate, as text. */
  readonly root: string
  /** Of the peer's host; undefined where its certificate says nothing of one. */
  readonly hostTag: string | undefined
}

export type PeerCheck =
  | ({ readonly kind: 'proven' } & PeerProof)
  /** `uri` is what the certificate claims, '' where it claims nothing readable. */
  | { readonly kind: 'refused'; readonly code: RefusalCode; readonly uri: string }

/** To be asked once per socket, after the handshake: reading the chain uses it up inside Node. */
export function checkPeer(socket: TLSSocket, trust: Trust, nowMs: number): PeerCheck {
  const chain = presentedChain(socket)
  const outcome = verifyChain({ chain, trust, plane: 'service', nowMs })
  if (outcome.kind === 'ok' && outcome.identity.kind === 'service')
    return {
      kind: 'proven',
      identity: outcome.identity,
      uri: outcome.uri,
      notAfterMs: outcome.notAfterMs,
      chain,
      root: outcome.root,
      hostTag: outcome.hostTag,
    }
  return {
    kind: 'refused',
    code: outcome.kind === 'ok' ? 'wrong-plane' : refusalOf(outcome),
    uri: 'uri' in outcome ? outcome.uri : '',
  }
}

export type Reproof =
  | { readonly kind: 'proven'; readonly proof: PeerProof }
  | { readonly kind: 'refused'; readonly code: RefusalCode; readonly text: string }

/**
 * The proof under the trust of now. Time plays no part: a certificate that has run out admits nothing new, but does not end
 * what it opened in its time. Only a session whose root is gone costs signature checks; its chain may end in another one.
 */
export function proveAgain(proof: PeerProof, trust: Trust): Reproof {
  if (isEvicted(trust, proof.hostTag))
    return { kind: 'refused', code: 'host-evicted', text: 'the host of the peer was evicted' }
  if (trustsRoot(trust, proof.identity.trustDomain, proof.root)) return { kind: 'proven', proof }
  const { chain, notAfterMs } = proof
  const outcome = verifyChain({ chain, trust, plane: 'service', nowMs: notAfterMs })
  switch (outcome.kind) {
    case 'ok':
    case 'expired':
    case 'not-yet-valid':
      return { kind: 'proven', proof: { ...proof, root: outcome.root } }
    default:
      return {
        kind: 'refused',
        code: 'untrusted-certificate',
        text: 'the root of the peer’s certificate was removed',
      }
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
