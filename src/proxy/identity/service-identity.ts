/**
 * Who a local service is in TLS: its leaf as a context, with the settings that hold on both sides of every session:
 * version 1.3 only, no resumption, peers checked by us. Knows whom a context speaks for, not whom it speaks to.
 */
import { constants } from 'node:crypto'
import tls from 'node:tls'
import { failed, ok, type Result } from '../../model/errors.ts'
import { type Identity, parseSpiffeId } from '../../model/identity.ts'
import type { LeafResource } from '../../model/proxy-config.ts'
import { readCertificateFacts } from '../../wire/x509/certificate-facts.ts'
import { decodeCertificatePems } from '../../wire/x509/pem.ts'

export interface ServiceIdentity {
  readonly service: string
  readonly uri: string
  readonly identity: Extract<Identity, { kind: 'service' }>
  readonly notBeforeMs: number
  readonly notAfterMs: number
  /** For dialling. */
  readonly context: tls.SecureContext
  /** For `tls.createServer` and `setSecureContext`, which make a context of their own. */
  readonly contextOptions: tls.SecureContextOptions
}

/** Certificate, key and name belong together, or a failure that names none of their content. */
export function createServiceIdentity(leaf: LeafResource): Result<ServiceIdentity> {
  const identity = parseSpiffeId(leaf.uri)
  if (identity?.kind !== 'service' || identity.service !== leaf.name)
    return failed('bad-request', `leaf/${leaf.name}: the URI is not the SPIFFE id of that service`)
  const [der] = decodeCertificatePems(leaf.certificatePem)
  const facts = der === undefined ? undefined : readCertificateFacts(der)
  if (facts === undefined || facts.uris.length !== 1 || facts.uris[0] !== leaf.uri)
    return failed('bad-request', `leaf/${leaf.name}: the certificate does not name ${leaf.uri}`)
  const contextOptions = contextOptionsOf(leaf)
  try {
    const context = tls.createSecureContext(contextOptions)
    const { notBeforeMs, notAfterMs } = facts
    return ok({
      service: leaf.name,
      uri: leaf.uri,
      identity,
      notBeforeMs,
      notAfterMs,
      context,
      contextOptions,
    })
  } catch {
    // The error of OpenSSL is not passed on: it may quote what it could not read, and that may be the key.
    return failed(
      'bad-request',
      `leaf/${leaf.name}: certificate and key cannot be read or do not belong together`,
    )
  }
}

function contextOptionsOf(leaf: LeafResource): tls.SecureContextOptions {
  return {
    cert: leaf.certificatePem,
    key: leaf.privateKeyPem,
    // Empty on purpose: trust is decided by wire/x509/chain.ts. With roots in here, Node's own look at a certificate
    // that OpenSSL had verified would also use up the intermediates before we can read them.
    ca: [],
    minVersion: 'TLSv1.3',
    // AES-128 first: the cheapest where the processor has AES instructions.
    ciphers: 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256',
    // On a resumed session the peer's certificate is not shown and would not be checked.
    secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_CIPHER_SERVER_PREFERENCE,
  }
}
