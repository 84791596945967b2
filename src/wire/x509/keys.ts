/**
 * P-256 keys: made, written, and recognised. Every key of the mesh is one; anything else is refused, so that no weak or
 * slow key can be brought in through a request. The only random thing in wire/: OpenSSL takes no seed.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { failed, ok, type Result } from '../../model/errors.ts'

/** SubjectPublicKeyInfo of a P-256 key in uncompressed form (RFC 5480, section 2) up to the point: always the same. */
const p256Prefix = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex')
const spkiBytes = p256Prefix.length + 65

export function generateKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
}

/** PKCS #8 PEM. Secret: only into a 0600 file, a sealed row or a TLS context. */
export function privateKeyPem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString()
}

export function readPrivateKeyPem(pem: string): Result<KeyObject> {
  try {
    const key = createPrivateKey(pem)
    if (key.asymmetricKeyDetails?.namedCurve === 'prime256v1') return ok(key)
    return failed('bad-request', 'the key is not a P-256 key')
  } catch {
    return failed('bad-request', 'the private key cannot be read')
  }
}

/** SubjectPublicKeyInfo PEM of the public half: how the cluster's configuration names a server's key. */
export function publicKeyPem(key: KeyObject): string {
  return publicHalf(key).export({ type: 'spki', format: 'pem' }).toString()
}

/** SubjectPublicKeyInfo DER of the public half: what registrations compare, byte by byte. */
export function publicKeyInfo(key: KeyObject): Uint8Array {
  return publicHalf(key).export({ type: 'spki', format: 'der' })
}

const publicHalf = (key: KeyObject): KeyObject => (key.type === 'private' ? createPublicKey(key) : key)

/** The key, if `info` is exactly one uncompressed P-256 point that lies on the curve. */
export function readPublicKeyInfo(info: Uint8Array): KeyObject | undefined {
  if (info.length !== spkiBytes || !p256Prefix.equals(info.subarray(0, p256Prefix.length))) return undefined
  if (info[p256Prefix.length] !== 4) return undefined
  try {
    return createPublicKey({ key: Buffer.from(info), format: 'der', type: 'spki' })
  } catch {
    return undefined
  }
}

/** The point in a P-256 SubjectPublicKeyInfo: what key identifiers are hashed over. */
export const publicPoint = (info: Uint8Array): Uint8Array => info.subarray(p256Prefix.length)
