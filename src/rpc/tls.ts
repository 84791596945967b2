/**
 * TLS as both ends of the RPC use it: 1.3 only, both sides ask for a certificate, no session is ever resumed. Chains
 * are judged after the handshake by wire/x509/chain.ts and not by OpenSSL, so that a refusal can say why; the
 * handshake itself proves that the peer holds the key.
 */
import { constants } from 'node:crypto'
import type { DetailedPeerCertificate, SecureContextOptions, TLSSocket } from 'node:tls'
import { limits } from '../model/limits.ts'

/** A certificate chain with its key, PEM. */
export interface TlsIdentity {
  /** Leaf first. */
  readonly certificatePem: string
  readonly privateKeyPem: string
}

/**
 * On a resumed session Node asks no one about the peer, so there are no tickets; the option must stand in every
 * context, also in those that replace another. `ca` is empty so that Node neither loads the public web's roots nor
 * adds to a chain what the peer did not present.
 */
export function contextOptions(identity: TlsIdentity | undefined): SecureContextOptions {
  return {
    minVersion: 'TLSv1.3',
    secureOptions: constants.SSL_OP_NO_TICKET,
    ca: [],
    ...(identity === undefined ? {} : { cert: identity.certificatePem, key: identity.privateKeyPem }),
  }
}

/** The protocol that both sides offer in ALPN. */
export const alpnProtocol = 'h2'

/** The chain as presented, leaf first; empty where there was none or the connection is gone. Costs copies: ask once. */
export function presentedChain(socket: TLSSocket): readonly Uint8Array[] {
  try {
    return readChain(socket)
  } catch {
    // Node reads more of a certificate than we ask for, and throws over some that OpenSSL let pass.
    return []
  }
}

function readChain(socket: TLSSocket): readonly Uint8Array[] {
  const chain: Uint8Array[] = []
  const seen = new Set<DetailedPeerCertificate>()
  let next: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true) ?? undefined
  while (next?.raw !== undefined && !seen.has(next) && chain.length <= limits.certificateChainLength) {
    seen.add(next)
    chain.push(Uint8Array.from(next.raw))
    next = next.issuerCertificate
  }
  return chain
}
