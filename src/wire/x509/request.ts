/**
 * Certificate requests (PKCS #10, RFC 2986): made by the holder of a key, read by the authority.
 * A request proves possession of its key and nothing else; names in it are ignored, because the authority decides who
 * the holder is from the connection and the enrollment.
 */
import { type KeyObject, sign, verify } from 'node:crypto'
import { failed, ok, type Result } from '../../model/errors.ts'
import { limits } from '../../model/limits.ts'
import { contextTag, derBitString, derInteger, derObjectId, derSequence, derTag, derValue } from './der.ts'
import {
  readDerBitString,
  readDerConstructed,
  readDerElements,
  readDerObjectId,
  readDerSmallInteger,
} from './der-reader.ts'
import { publicKeyInfo, readPublicKeyInfo } from './keys.ts'
import { objectIds } from './object-ids.ts'

/** DER of a request for `key`, without names and attributes. */
export function createCertificateRequest(key: KeyObject): Uint8Array {
  const info = derSequence(
    derInteger(Uint8Array.of(0)),
    derSequence(),
    publicKeyInfo(key),
    derValue(contextTag(0, 'constructed')),
  )
  return derSequence(
    info,
    derSequence(derObjectId(objectIds.ecdsaWithSha256)),
    derBitString(sign('sha256', info, key)),
  )
}

/**
 * SubjectPublicKeyInfo of a request whose signature shows that the sender holds the key. Refused, as `bad-request` or
 * `too-large`: anything but a P-256 key and ECDSA with SHA-256, and anything that is not strict DER.
 */
export function readCertificateRequest(der: Uint8Array): Result<Uint8Array> {
  if (der.length > limits.certificateRequestBytes)
    return failed(
      'too-large',
      `the certificate request is ${der.length} bytes, the limit is ${limits.certificateRequestBytes}`,
    )
  const parts = readParts(der)
  if (parts === undefined) return failed('bad-request', 'the certificate request is not PKCS #10 in DER')
  const key = readPublicKeyInfo(parts.publicKey)
  if (key === undefined || parts.algorithm !== objectIds.ecdsaWithSha256)
    return failed('bad-request', 'the certificate request must have a P-256 key and ECDSA with SHA-256')
  if (!verify('sha256', parts.info, key, parts.signature))
    return failed('bad-request', 'the certificate request is not signed by the key that it names')
  return ok(Uint8Array.from(parts.publicKey))
}

interface Parts {
  readonly info: Uint8Array
  readonly publicKey: Uint8Array
  readonly algorithm: string
  readonly signature: Uint8Array
}

function readParts(der: Uint8Array): Parts | undefined {
  const [info, algorithm, signatureBits, ...rest] = readDerConstructed(der, derTag.sequence) ?? []
  if (info === undefined || algorithm === undefined || signatureBits === undefined) return undefined
  const [version, subject, publicKey, attributes, ...more] =
    readDerConstructed(info.whole, derTag.sequence) ?? []
  if (rest.length > 0 || more.length > 0 || version === undefined || readDerSmallInteger(version) !== 0)
    return undefined
  if (subject?.tag !== derTag.sequence || publicKey?.tag !== derTag.sequence) return undefined
  if (attributes?.tag !== contextTag(0, 'constructed')) return undefined
  const [id, ...parameters] = readDerConstructed(algorithm.whole, derTag.sequence) ?? []
  const algorithmId = id === undefined || parameters.length > 0 ? undefined : readDerObjectId(id)
  const signature = readDerBitString(signatureBits)
  if (algorithmId === undefined || signature === undefined) return undefined
  if (readDerElements(subject.content) === undefined || readDerElements(attributes.content) === undefined)
    return undefined
  return { info: info.whole, publicKey: publicKey.whole, algorithm: algorithmId, signature }
}
