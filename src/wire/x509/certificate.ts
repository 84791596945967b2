/**
 * Makes certificates: roots of both planes, and leaves for services, hosts and servers. The profile is Consul's (leaf
 * with empty subject, one SPIFFE URI, both usages, valid from a minute ago), so that either side's tools read it.
 * Who may have which certificate is decided in server/ca; checking a peer's chain is chain.ts.
 */
import { createHash, type KeyObject, sign } from 'node:crypto'
import {
  contextTag,
  derBitString,
  derInteger,
  derObjectId,
  derSequence,
  derTag,
  derTime,
  derUtf8,
  derValue,
} from './der.ts'
import {
  type AlternativeNames,
  alternativeNames,
  authorityConstraints,
  authorityKeyIdentifier,
  clientAndServerUsage,
  keyUsage,
  notAnAuthority,
  subjectKeyIdentifier,
} from './extensions.ts'
import { publicKeyInfo, publicPoint } from './keys.ts'
import { objectIds } from './object-ids.ts'

/**
 * A certificate begins before it is signed, so that a clock that is behind the signer's accepts it when it is fresh: an hour
 * behind, also where the signer is an hour ahead. Short lives begin a tenth of themselves earlier, because renewal counts
 * from the beginning and would else be due at once.
 */
const longestLeewayMs = 2 * 3_600_000
const shortestLeewayMs = 60_000
const leewayShare = 0.1

/** Begin of a certificate that is signed now and has `lifeMs` to go. */
export function beginningOf(nowMs: number, lifeMs: number): number {
  return nowMs - Math.min(longestLeewayMs, Math.max(shortestLeewayMs, Math.floor(lifeMs * leewayShare)))
}

export interface Validity {
  readonly notBeforeMs: number
  readonly notAfterMs: number
}

/** What signs: a root (or intermediate) with its private key. */
export interface Issuer {
  /** Distinguished name as DER. */
  readonly subject: Uint8Array
  readonly keyId: Uint8Array
  readonly key: KeyObject
  /** Nothing that it signs may outlive it. */
  readonly notAfterMs: number
}

export interface IssuedCertificate extends Validity {
  readonly der: Uint8Array
  /** Hex with colons. */
  readonly serialNumber: string
}

export interface RootRequest extends Validity {
  readonly commonName: string
  readonly trustDomain: string
  readonly key: KeyObject
  /** 16 random bytes. */
  readonly serial: Uint8Array
}

export interface LeafRequest extends Validity {
  readonly names: AlternativeNames
  /** SubjectPublicKeyInfo DER, P-256. */
  readonly publicKey: Uint8Array
  /** 16 random bytes; of a service the tag of its host and 10 random bytes. */
  readonly serial: Uint8Array
}

/** RFC 7093 section 2, method 1: the leftmost 160 bits of SHA-256 over the point. */
export function keyIdentifier(publicKey: Uint8Array): Uint8Array {
  return createHash('sha256').update(publicPoint(publicKey)).digest().subarray(0, 20)
}

/** Lower-case hex with colons, as Consul shows serial numbers and key ids. */
export function colonHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':')
}

/** Id of a certificate: SHA-256 of its DER, lower-case hex with colons. */
export const certificateId = (der: Uint8Array): string => colonHex(createHash('sha256').update(der).digest())

/** A self-signed root that names its trust domain in a URI, as Consul's does. */
export function createRootCertificate(request: RootRequest): IssuedCertificate {
  const publicKey = publicKeyInfo(request.key)
  const keyId = keyIdentifier(publicKey)
  const subject = distinguishedName(request.commonName)
  const names = { uri: `spiffe://${request.trustDomain}`, dnsNames: [], ipAddresses: [] }
  return signCertificate(
    { subject, keyId, key: request.key, notAfterMs: request.notAfterMs },
    {
      ...request,
      publicKey,
      subject,
      extensions: [
        authorityConstraints(),
        keyUsage(['keyCertSign', 'crlSign']),
        subjectKeyIdentifier(keyId),
        authorityKeyIdentifier(keyId),
        alternativeNames(names, false),
      ],
    },
  )
}

/**
 * A leaf with an empty subject and its names in a critical extension. It ends with its issuer, if that is sooner than
 * asked. Key usages are those of Consul's leaves.
 */
export function createLeaf(issuer: Issuer, request: LeafRequest): IssuedCertificate {
  return signCertificate(issuer, {
    ...request,
    notAfterMs: Math.min(request.notAfterMs, issuer.notAfterMs),
    subject: derSequence(),
    extensions: [
      notAnAuthority(),
      keyUsage(['digitalSignature', 'keyEncipherment', 'dataEncipherment', 'keyAgreement']),
      clientAndServerUsage(),
      subjectKeyIdentifier(keyIdentifier(request.publicKey)),
      authorityKeyIdentifier(issuer.keyId),
      alternativeNames(request.names, true),
    ],
  })
}

interface Body extends Validity {
  readonly subject: Uint8Array
  readonly publicKey: Uint8Array
  readonly serial: Uint8Array
  readonly extensions: readonly Uint8Array[]
}

const ecdsaWithSha256 = derSequence(derObjectId(objectIds.ecdsaWithSha256))
const version3 = derValue(contextTag(0, 'constructed'), derInteger(Uint8Array.of(2)))

function signCertificate(issuer: Issuer, body: Body): IssuedCertificate {
  const serial = positiveSerial(body.serial)
  const tbs = derSequence(
    version3,
    derInteger(serial),
    ecdsaWithSha256,
    issuer.subject,
    derSequence(derTime(body.notBeforeMs), derTime(body.notAfterMs)),
    body.subject,
    body.publicKey,
    derValue(contextTag(3, 'constructed'), derSequence(...body.extensions)),
  )
  const signature = sign('sha256', tbs, issuer.key)
  return {
    der: derSequence(tbs, ecdsaWithSha256, derBitString(signature)),
    serialNumber: colonHex(serial),
    notBeforeMs: wholeSecond(body.notBeforeMs),
    notAfterMs: wholeSecond(body.notAfterMs),
  }
}

/** Positive and never shorter when written: the first bit is 0 and the next one 1, which leaves 126 random bits. */
function positiveSerial(random: Uint8Array): Uint8Array {
  const serial = Uint8Array.from(random)
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40
  return serial
}

const wholeSecond = (atMs: number): number => Math.floor(atMs / 1_000) * 1_000

function distinguishedName(commonName: string): Uint8Array {
  const attribute = derSequence(derObjectId(objectIds.commonName), derUtf8(commonName))
  return derSequence(derValue(derTag.set, attribute))
}
