/**
 * The header of the PROXY protocol, version 2, that a service may be sent ahead of a connection's bytes: who calls.
 * Source: "The PROXY protocol", section 2.2 (haproxy.org/download/2.9/doc/proxy-protocol.txt). Knows no sockets.
 */
import { addressBytes } from './dns/address.ts'

export interface ProxyHeaderFacts {
  /** The other proxy, whose host is the caller's. */
  readonly sourceAddress: string
  readonly sourcePort: number
  /** Our public listener. */
  readonly destinationAddress: string
  readonly destinationPort: number
  /** SPIFFE id of the caller, as certified. */
  readonly uri: string
  /** Such as "TLSv1.3". */
  readonly tlsVersion: string
}

const signature = Buffer.from([0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a])
const mappedPrefix = Buffer.from('00000000000000000000ffff', 'hex')
/** Version 2, and a connection on behalf of another. */
const versionAndCommand = 0x21
const families = { tcp4: 0x11, tcp6: 0x21 } as const

/** Types of the fields after the addresses; 0xe0 to 0xef are for applications, and ours carries the SPIFFE id. */
const proxyHeaderFields = { tls: 0x20, tlsVersion: 0x21, spiffeId: 0xe0 } as const
/** The peer came over TLS and has shown a certificate on this connection. */
const tlsClientFlags = 0x01 | 0x02
/** Result of the check of the certificate. */
const verified = 0

/** The header whole, to be sent before anything else. */
export function encodeProxyHeader(facts: ProxyHeaderFacts): Buffer {
  const source = shortestBytes(facts.sourceAddress)
  const destination = shortestBytes(facts.destinationAddress)
  const isTcp4 = source.length === 4 && destination.length === 4
  const ports = Buffer.alloc(4)
  ports.writeUInt16BE(facts.sourcePort, 0)
  ports.writeUInt16BE(facts.destinationPort, 2)
  const body = Buffer.concat([
    isTcp4 ? source : longBytes(source),
    isTcp4 ? destination : longBytes(destination),
    ports,
    tlsField(facts.tlsVersion),
    field(proxyHeaderFields.spiffeId, Buffer.from(facts.uri)),
  ])
  const head = Buffer.alloc(4)
  head[0] = versionAndCommand
  head[1] = isTcp4 ? families.tcp4 : families.tcp6
  head.writeUInt16BE(body.length, 2)
  return Buffer.concat([signature, head, body])
}

function tlsField(version: string): Buffer {
  const start = Buffer.alloc(5)
  start[0] = tlsClientFlags
  start.writeUInt32BE(verified, 1)
  return field(
    proxyHeaderFields.tls,
    Buffer.concat([start, field(proxyHeaderFields.tlsVersion, Buffer.from(version))]),
  )
}

function field(type: number, value: Buffer): Buffer {
  const head = Buffer.alloc(3)
  head[0] = type
  head.writeUInt16BE(value.length, 1)
  return Buffer.concat([head, value])
}

/** 4 bytes, also where a dual-stack socket shows an IPv4 peer in IPv6's clothes; 16 otherwise, zeros for what is none. */
function shortestBytes(address: string): Uint8Array {
  const [unscoped = ''] = address.split('%')
  const bytes = addressBytes(unscoped) ?? new Uint8Array(16)
  return bytes.length === 16 && Buffer.from(bytes).indexOf(mappedPrefix) === 0 ? bytes.subarray(12) : bytes
}

/** Both ends share a family; an IPv4 address beside an IPv6 one becomes a mapped one. */
const longBytes = (bytes: Uint8Array): Uint8Array =>
  bytes.length === 16 ? bytes : Buffer.concat([mappedPrefix, bytes])
