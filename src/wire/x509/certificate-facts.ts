/**
 * What a certificate says, read strictly from its DER (RFC 5280, section 4.1): names, validity, what its key may do.
 * It verifies no signature and trusts nothing; chain.ts does. Read here and not from node:crypto, whose text form of
 * names has to be taken apart again and has been a source of forged names.
 */
import { limits } from '../../model/limits.ts'
import { contextTag, derTag } from './der.ts'
import {
  asciiText,
  type DerValue,
  readDerBoolean,
  readDerConstructed,
  readDerElements,
  readDerObjectId,
  readDerSmallInteger,
  readDerTime,
} from './der-reader.ts'
import { generalName } from './extensions.ts'
import { keyUsageBit, objectIds } from './object-ids.ts'

export interface CertificateFacts {
  /** Big-endian, as written. */
  readonly serial: Uint8Array
  /** Distinguished names as DER. */
  readonly issuer: Uint8Array
  readonly subject: Uint8Array
  readonly notBeforeMs: number
  readonly notAfterMs: number
  /** SubjectPublicKeyInfo as DER. */
  readonly publicKey: Uint8Array
  readonly isAuthority: boolean
  /** Intermediates allowed below; undefined: any number. */
  readonly pathLength: number | undefined
  /** Bits that are set; undefined where the extension is absent, which allows everything. */
  readonly keyUsage: ReadonlySet<number> | undefined
  /** Object ids; undefined where the extension is absent. */
  readonly extendedKeyUsage: readonly string[] | undefined
  readonly uris: readonly string[]
  readonly dnsNames: readonly string[]
  readonly subjectKeyId: Uint8Array | undefined
  readonly authorityKeyId: Uint8Array | undefined
}

type Extensions = Omit<
  CertificateFacts,
  'serial' | 'issuer' | 'subject' | 'notBeforeMs' | 'notAfterMs' | 'publicKey'
>

const noExtensions: Extensions = {
  isAuthority: false,
  pathLength: undefined,
  keyUsage: undefined,
  extendedKeyUsage: undefined,
  uris: [],
  dnsNames: [],
  subjectKeyId: undefined,
  authorityKeyId: undefined,
}

/** Undefined for what is not a version 3 certificate, is too large, or has a critical extension that we do not know. */
export function readCertificateFacts(der: Uint8Array): CertificateFacts | undefined {
  if (der.length > limits.certificateBytes) return undefined
  const [tbs, , signature, ...rest] = readDerConstructed(der, derTag.sequence) ?? []
  if (tbs === undefined || signature === undefined || rest.length > 0) return undefined
  const [version, serial, , issuer, validity, subject, publicKey, ...optional] =
    readDerConstructed(tbs.whole, derTag.sequence) ?? []
  if (version === undefined || !isVersion3(version) || serial?.tag !== derTag.integer) return undefined
  if (issuer?.tag !== derTag.sequence || subject?.tag !== derTag.sequence) return undefined
  if (validity === undefined || publicKey?.tag !== derTag.sequence) return undefined
  const [notBefore, notAfter, ...more] = readDerConstructed(validity.whole, derTag.sequence) ?? []
  if (notBefore === undefined || notAfter === undefined || more.length > 0) return undefined
  const notBeforeMs = readDerTime(notBefore)
  const notAfterMs = readDerTime(notAfter)
  const extensions = readExtensions(optional)
  if (notBeforeMs === undefined || notAfterMs === undefined || extensions === undefined) return undefined
  return {
    ...extensions,
    serial: serial.content,
    issuer: issuer.whole,
    subject: subject.whole,
    notBeforeMs,
    notAfterMs,
    publicKey: publicKey.whole,
  }
}

function isVersion3(value: DerValue): boolean {
  if (value.tag !== contextTag(0, 'constructed')) return false
  const [version, ...rest] = readDerElements(value.content) ?? []
  return version !== undefined && rest.length === 0 && readDerSmallInteger(version) === 2
}

/** `optional` may only be the extensions: unique ids (RFC 5280 section 4.1.2.8) are not in use anywhere. */
function readExtensions(optional: readonly DerValue[]): Extensions | undefined {
  const [explicit, ...rest] = optional
  if (explicit === undefined) return noExtensions
  if (rest.length > 0 || explicit.tag !== contextTag(3, 'constructed')) return undefined
  const list = readDerConstructed(explicit.content, derTag.sequence)
  if (list === undefined) return undefined
  let facts = noExtensions
  const seen = new Set<string>()
  for (const item of list) {
    const read = readExtension(item)
    if (read === undefined || seen.has(read.objectId)) return undefined
    seen.add(read.objectId)
    const added = readKnownExtension(read.objectId, read.value)
    if (added === 'malformed' || (added === 'unknown' && read.critical)) return undefined
    if (added !== 'unknown') facts = { ...facts, ...added }
  }
  return facts
}

function readExtension(
  item: DerValue,
): { readonly objectId: string; readonly critical: boolean; readonly value: Uint8Array } | undefined {
  const [id, ...rest] = readDerConstructed(item.whole, derTag.sequence) ?? []
  const objectId = id === undefined ? undefined : readDerObjectId(id)
  const value = rest.at(-1)
  const flag = rest.length === 2 && rest[0] !== undefined ? readDerBoolean(rest[0]) : false
  if (objectId === undefined || rest.length > 2 || value?.tag !== derTag.octetString) return undefined
  return flag === undefined ? undefined : { objectId, critical: flag, value: value.content }
}

type Known = Partial<Extensions> | 'malformed' | 'unknown'

function readKnownExtension(objectId: string, value: Uint8Array): Known {
  switch (objectId) {
    case objectIds.basicConstraints:
      return readBasicConstraints(value)
    case objectIds.keyUsage:
      return readKeyUsage(value)
    case objectIds.extendedKeyUsage:
      return readExtendedKeyUsage(value)
    case objectIds.subjectAlternativeName:
      return readAlternativeNames(value)
    case objectIds.subjectKeyIdentifier: {
      const [id, ...rest] = readDerElements(value) ?? []
      return id?.tag === derTag.octetString && rest.length === 0 ? { subjectKeyId: id.content } : 'malformed'
    }
    case objectIds.authorityKeyIdentifier: {
      const parts = readDerConstructed(value, derTag.sequence)
      if (parts === undefined) return 'malformed'
      const id = parts.find((part) => part.tag === contextTag(0, 'primitive'))
      return { authorityKeyId: id?.content }
    }
    default:
      return 'unknown'
  }
}

function readBasicConstraints(value: Uint8Array): Known {
  const parts = readDerConstructed(value, derTag.sequence)
  if (parts === undefined || parts.length > 2) return 'malformed'
  const [first, second] = parts
  if (first === undefined) return { isAuthority: false }
  const isAuthority = readDerBoolean(first)
  const pathLength = second === undefined ? undefined : readDerSmallInteger(second)
  if (isAuthority !== true || (second !== undefined && pathLength === undefined)) return 'malformed'
  return { isAuthority, pathLength }
}

function readKeyUsage(value: Uint8Array): Known {
  const [bits, ...rest] = readDerElements(value) ?? []
  const [unused = 8, ...octets] = bits?.content ?? []
  if (bits?.tag !== derTag.bitString || rest.length > 0 || unused > 7 || octets.length > 2) return 'malformed'
  const set = new Set<number>()
  octets.forEach((octet, index) => {
    for (let bit = 0; bit < 8; bit += 1) if ((octet & (0x80 >> bit)) !== 0) set.add(index * 8 + bit)
  })
  return { keyUsage: set }
}

function readExtendedKeyUsage(value: Uint8Array): Known {
  const ids = readDerConstructed(value, derTag.sequence)?.map(readDerObjectId)
  if (ids === undefined) return 'malformed'
  const known = ids.filter((id) => id !== undefined)
  return known.length === ids.length ? { extendedKeyUsage: known } : 'malformed'
}

/** All that RFC 5280 section 4.2.1.6 knows; OpenSSL takes a certificate with any other for malformed as well. */
const generalNameTags = new Set([0xa0, 0x81, 0x82, 0xa3, 0xa4, 0xa5, 0x86, 0x87, 0x88])

function readAlternativeNames(value: Uint8Array): Known {
  const names = readDerConstructed(value, derTag.sequence)
  if (names?.every((name) => generalNameTags.has(name.tag)) !== true) return 'malformed'
  const texts = (tag: number): readonly (string | undefined)[] =>
    names.filter((name) => name.tag === contextTag(tag, 'primitive')).map((name) => asciiText(name.content))
  const uris = texts(generalName.uri)
  const dnsNames = texts(generalName.dns)
  if (uris.includes(undefined) || dnsNames.includes(undefined)) return 'malformed'
  const defined = (text: string | undefined): text is string => text !== undefined
  return { uris: uris.filter(defined), dnsNames: dnsNames.filter(defined) }
}

/** The key may sign certificates: an authority whose key usage, if it has one, says so. */
export function maySignCertificates(facts: CertificateFacts): boolean {
  return facts.isAuthority && (facts.keyUsage === undefined || facts.keyUsage.has(keyUsageBit.keyCertSign))
}

/** The key may stand for a peer in TLS, in both directions. */
export function mayBePeer(facts: CertificateFacts): boolean {
  const { keyUsage, extendedKeyUsage } = facts
  if (facts.isAuthority || (keyUsage !== undefined && !keyUsage.has(keyUsageBit.digitalSignature)))
    return false
  return (
    extendedKeyUsage === undefined ||
    (extendedKeyUsage.includes(objectIds.clientAuth) && extendedKeyUsage.includes(objectIds.serverAuth))
  )
}
