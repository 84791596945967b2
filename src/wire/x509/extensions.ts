/**
 * Writes the certificate extensions that the mesh uses (RFC 5280, section 4.2). Which certificate carries which one is
 * decided in certificate.ts; reading them is certificate-facts.ts.
 */
import { isIP } from 'node:net'
import { assert } from '../../model/errors.ts'
import {
  contextTag,
  derBoolean,
  derNamedBits,
  derObjectId,
  derOctetString,
  derSequence,
  derTaggedText,
  derValue,
} from './der.ts'
import { keyUsageBit, objectIds } from './object-ids.ts'

/** Tags of GeneralName, RFC 5280 section 4.2.1.6. */
export const generalName = { dns: 2, uri: 6, ip: 7 } as const

export interface AlternativeNames {
  readonly uri: string
  readonly dnsNames: readonly string[]
  readonly ipAddresses: readonly string[]
}

function extension(objectId: string, critical: boolean, value: Uint8Array): Uint8Array {
  const flag = critical ? [derBoolean(true)] : []
  return derSequence(derObjectId(objectId), ...flag, derOctetString(value))
}

/** An authority without path length: cross-signed roots and regional intermediates stay possible. */
export const authorityConstraints = (): Uint8Array =>
  extension(objectIds.basicConstraints, true, derSequence(derBoolean(true)))

export const notAnAuthority = (): Uint8Array => extension(objectIds.basicConstraints, true, derSequence())

export const keyUsage = (usages: readonly (keyof typeof keyUsageBit)[]): Uint8Array =>
  extension(objectIds.keyUsage, true, derNamedBits(usages.map((usage) => keyUsageBit[usage])))

/** Both directions: every peer of the mesh dials and is dialled. */
export const clientAndServerUsage = (): Uint8Array =>
  extension(
    objectIds.extendedKeyUsage,
    false,
    derSequence(derObjectId(objectIds.clientAuth), derObjectId(objectIds.serverAuth)),
  )

export const subjectKeyIdentifier = (keyId: Uint8Array): Uint8Array =>
  extension(objectIds.subjectKeyIdentifier, false, derOctetString(keyId))

export const authorityKeyIdentifier = (keyId: Uint8Array): Uint8Array =>
  extension(objectIds.authorityKeyIdentifier, false, derSequence(derValue(contextTag(0, 'primitive'), keyId)))

/** Critical where the subject is empty, as RFC 5280 section 4.2.1.6 demands: then these are the only names. */
export function alternativeNames(names: AlternativeNames, critical: boolean): Uint8Array {
  const items = [
    derTaggedText(generalName.uri, names.uri),
    ...names.dnsNames.map((name) => derTaggedText(generalName.dns, name)),
    ...names.ipAddresses.map((ip) => derValue(contextTag(generalName.ip, 'primitive'), ipOctets(ip))),
  ]
  return extension(objectIds.subjectAlternativeName, critical, derSequence(...items))
}

/** 4 or 16 octets in network order; the address was validated where it was configured. */
export function ipOctets(address: string): Uint8Array {
  const version = isIP(address)
  assert(version !== 0, 'an address in a certificate is an IP address')
  if (version === 4) return Uint8Array.from(address.split('.').map(Number))
  const [head = '', tail] = address.replace(/%.*$/, '').split('::')
  const before = hexGroups(head)
  const after = tail === undefined ? [] : hexGroups(tail)
  const gap = tail === undefined ? [] : new Array<number>(8 - before.length - after.length).fill(0)
  const groups = [...before, ...gap, ...after]
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]))
}

/** 16-bit groups; a dotted IPv4 tail counts as two. */
function hexGroups(text: string): readonly number[] {
  if (text === '') return []
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)]
    const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number)
    return [a * 256 + b, c * 256 + d]
  })
}
