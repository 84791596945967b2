// A key and a certificate that nobody trusts, for TLS tests.
import { createRootCertificate } from '../../../src/wire/x509/certificate.ts'
import { generateKey, privateKeyPem } from '../../../src/wire/x509/keys.ts'
import { encodeCertificatePem } from '../../../src/wire/x509/pem.ts'

export function selfSigned(): { readonly key: string; readonly cert: string } {
  const key = generateKey()
  const { der } = createRootCertificate({
    commonName: 'nobody',
    trustDomain: 'nobody.example',
    key,
    serial: Uint8Array.from({ length: 16 }, (_, i) => i + 1),
    notBeforeMs: Date.now() - 60_000,
    notAfterMs: Date.now() + 3_600_000,
  })
  return { key: privateKeyPem(key), cert: encodeCertificatePem(der) }
}
