/**
 * What a server answered to a leaf request, checked before it is used: for our key and for the service that was asked for.
 */
import { failed, type Result } from '../../model/errors.ts'
import { parseSpiffeId } from '../../model/identity.ts'
import type { LeafCertificate } from '../../rpc/contract.ts'
import { colonHex } from '../../wire/x509/certificate.ts'
import { readCertificateFacts } from '../../wire/x509/certificate-facts.ts'
import { decodeCertificatePems } from '../../wire/x509/pem.ts'

export interface CheckedLeaf {
  readonly certificate: LeafCertificate
  readonly uri: string
  readonly signedBy: string
}

/** The answer must be for the service and for the key just made: otherwise every handshake with it would fail. */
export function checkAnswer(
  service: string,
  certificate: LeafCertificate,
  publicKey: Uint8Array,
): Result<CheckedLeaf> {
  const [der] = decodeCertificatePems(certificate.certificatePem)
  const facts = der === undefined ? undefined : readCertificateFacts(der)
  const uri = facts?.uris[0]
  const identity = uri === undefined ? undefined : parseSpiffeId(uri)
  if (facts === undefined || uri === undefined || Buffer.compare(facts.publicKey, publicKey) !== 0)
    return failed('internal', 'the server answered with a certificate that is not for this key')
  if (identity?.kind !== 'service' || identity.service !== service)
    return failed('internal', `the server answered with the certificate of ${uri}`)
  return {
    ok: true,
    value: { certificate, uri, signedBy: colonHex(facts.authorityKeyId ?? new Uint8Array()) },
  }
}

/** Key id of the authority that signed a leaf, hex with colons. */
export function signerOf(certificatePem: string): string {
  const [der] = decodeCertificatePems(certificatePem)
  return colonHex(
    (der === undefined ? undefined : readCertificateFacts(der))?.authorityKeyId ?? new Uint8Array(),
  )
}
