/**
 * The TLS of a public listener. Version 1.3, as everywhere in the mesh; a service may let in peers that know only 1.2
 * (Envoy's dialling side by default). What holds for 1.3 is kept there: forward secrecy, AEAD ciphers, no resumption.
 */
import { constants } from 'node:crypto'
import type tls from 'node:tls'
import type { InboundResource } from '../../model/proxy-config.ts'
import type { ServiceIdentity } from '../identity/service-identity.ts'

/** Leaves are of P-256, so there is no cipher for RSA. */
const ciphersOf12 =
  'ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305'

export type TlsMinVersion = NonNullable<InboundResource['tlsMinVersion']>

export function inboundContext(identity: ServiceIdentity, min: TlsMinVersion): tls.SecureContextOptions {
  const { contextOptions } = identity
  switch (min) {
    case 'TLSv1_3':
      return contextOptions
    case 'TLSv1_2':
      return {
        ...contextOptions,
        minVersion: 'TLSv1.2',
        ciphers: `${contextOptions.ciphers ?? ''}:${ciphersOf12}`,
        // A second handshake could bring another certificate than the one that was looked at.
        secureOptions: (contextOptions.secureOptions ?? 0) | constants.SSL_OP_NO_RENEGOTIATION,
      }
  }
}
