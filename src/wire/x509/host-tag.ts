/**
 * Marks the leaves of one host, so that all of them can be refused at once without anybody knowing which there are: the
 * first half of a leaf's serial number is made from the key that the host registered. Serial numbers are what X.509
 * revokes by, so no reader of certificates meets anything new. Which tags are refused is the trust's business (chain.ts).
 */
import { createHash } from 'node:crypto'
import type { CertificateFacts } from './certificate-facts.ts'

const tagBytes = 10
/** As long as a serial number may be (RFC 5280, section 4.1.2.2): tag and as many random bytes. */
const serialBytes = 2 * tagBytes

/** Lower-case hex of 80 bits of SHA-256 over the host's SubjectPublicKeyInfo DER, in the form that a serial number keeps. */
export function hostTagOf(publicKey: Uint8Array): string {
  const tag = createHash('sha256').update(publicKey).digest().subarray(0, tagBytes)
  // As in certificate.ts: positive, and never shorter when written.
  tag[0] = ((tag[0] ?? 0) & 0x7f) | 0x40
  return tag.toString('hex')
}

/** Random bytes that a tagged serial number needs. */
export const tagSaltBytes = serialBytes - tagBytes

/** `salt` is `tagSaltBytes` random bytes. */
export function taggedSerial(hostTag: string, salt: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(hostTag, 'hex'), salt])
}

/** Undefined for a certificate that was not signed for a service of a host. */
export function hostTagIn({ serial }: Pick<CertificateFacts, 'serial'>): string | undefined {
  if (serial.length !== serialBytes) return undefined
  return Buffer.from(serial.subarray(0, tagBytes)).toString('hex')
}

/** The same from a serial number as text: lower-case hex with colons. */
export function hostTagOfSerial(serialNumber: string): string | undefined {
  return hostTagIn({ serial: Buffer.from(serialNumber.replaceAll(':', ''), 'hex') })
}
