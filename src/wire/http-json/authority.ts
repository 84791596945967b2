/**
 * Roots and leaves of the service plane in Consul's JSON (`CARootList`, the agent's leaf).
 */
import type { PublicCaRoot } from '../../model/authority.ts'
import type { RowIndexes } from '../../model/service.ts'
import { formatTime } from './time.ts'

export interface CaRootJson {
  readonly ID: string
  readonly Name: string
  /** A JSON number of up to 64 bits, kept exact by `JSON.rawJSON`. */
  readonly SerialNumber: unknown
  readonly SigningKeyID: string
  readonly ExternalTrustDomain: string
  readonly NotBefore: string
  readonly NotAfter: string
  readonly RootCert: string
  readonly IntermediateCerts: readonly string[]
  readonly Active: boolean
  readonly PrivateKeyType: string
  readonly PrivateKeyBits: number
  readonly CreateIndex: number
  readonly ModifyIndex: number
}

export interface CaRootListJson {
  readonly ActiveRootID: string
  readonly TrustDomain: string
  readonly Roots: readonly CaRootJson[]
}

export interface LeafJson {
  readonly SerialNumber: string
  readonly CertPEM: string
  readonly PrivateKeyPEM: string
  readonly Service: string
  readonly ServiceURI: string
  readonly ValidAfter: string
  readonly ValidBefore: string
  readonly CreateIndex: number
  readonly ModifyIndex: number
}

export function caRootListJson(
  trustDomain: string,
  roots: readonly (PublicCaRoot & RowIndexes)[],
): CaRootListJson {
  return {
    ActiveRootID: roots.find((root) => root.active)?.id ?? '',
    TrustDomain: trustDomain,
    Roots: roots.map(rootJson),
  }
}

function rootJson(root: PublicCaRoot & RowIndexes): CaRootJson {
  return {
    ID: root.id,
    Name: root.name,
    SerialNumber: exactNumber(lowBitsOfSerial(root.serialNumber)),
    SigningKeyID: root.signingKeyId,
    ExternalTrustDomain: root.trustDomain.replace(/\.consul$/, ''),
    NotBefore: formatTime(root.notBeforeMs),
    NotAfter: formatTime(root.notAfterMs),
    RootCert: root.certificatePem,
    IntermediateCerts: [],
    Active: root.active,
    PrivateKeyType: root.privateKeyType,
    PrivateKeyBits: root.privateKeyBits,
    CreateIndex: root.createIndex,
    ModifyIndex: root.modifyIndex,
  }
}

/** Consul's field is a uint64, so it shows the low 64 bits of longer serial numbers. `serial` is hex, colons allowed. */
function lowBitsOfSerial(serial: string): bigint {
  const hex = serial.replaceAll(':', '')
  return /^[0-9a-f]+$/i.test(hex) ? BigInt.asUintN(64, BigInt(`0x${hex}`)) : 0n
}

/** `JSON.rawJSON` (ES2026, in Node since 21) is not in the compiler's library yet. */
function exactNumber(value: bigint): unknown {
  return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(value.toString())
}

export interface LeafFacts {
  readonly service: string
  readonly uri: string
  readonly certificatePem: string
  readonly privateKeyPem: string
  readonly serialNumber: string
  readonly notBeforeMs: number
  readonly notAfterMs: number
  readonly generation: number
}

/** `generation` takes the place of the log index: a leaf is made on the host and never enters the log. */
export function leafJson(leaf: LeafFacts): LeafJson {
  return {
    SerialNumber: leaf.serialNumber,
    CertPEM: leaf.certificatePem,
    PrivateKeyPEM: leaf.privateKeyPem,
    Service: leaf.service,
    ServiceURI: leaf.uri,
    ValidAfter: formatTime(leaf.notBeforeMs),
    ValidBefore: formatTime(leaf.notAfterMs),
    CreateIndex: leaf.generation,
    ModifyIndex: leaf.generation,
  }
}
