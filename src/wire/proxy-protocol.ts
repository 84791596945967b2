/**
 * The header of the PROXY protocol, version 2, that a service may be sent ahead of a connection's bytes: who calls.
 * Source: "The PROXY protocol", section 2.2 (haproxy.org/download/2.9/doc/proxy-protocol.txt). Knows no sockets.
 */
import net from 'node:net'

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
/** Version 2, and a connection on behalf of another. */
const versionAndCommand = 0x21
const families = { tcp4: 0x11, tcp6: 0x21 } as const

/** Types of the fields after the addresses; 0xe0 to 0xef are for applications, and ours carries the SPIFFE id. */
export const proxyHeaderFields = { tls: 0x20, tlsVersion: 0x21, spiffeId: 0xe0 } as const
/** The peer came over TLS and has shown a certificate on this connection. */
const tlsClientFlags = 0x01 | 0x02
/** Result of the check of the certificate. */
const verified = 0

/** The header whole, to be sent before anything else. */
export function encodeProxyHeader(facts: ProxyHeaderFacts): Buffer {
  const source = plainAddress(facts.sourceAddress)
  const destination = plainAddress(facts.destinationAddress)
  const isTcp4 = net.isIPv4(source) && net.isIPv4(destination)
  const toBytes = isTcp4 ? ipv4Bytes : ipv6Bytes
  const ports = Buffer.alloc(4)
  ports.writeUInt16BE(facts.sourcePort, 0)
  ports.writeUInt16BE(facts.destinationPort, 2)
  const body = Buffer.concat([
    toBytes(source),
    toBytes(destination),
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

/** A dual-stack socket shows IPv4 peers in IPv6's clothes. */
function plainAddress(address: string): string {
  const mapped = address.toLowerCase().startsWith('::ffff:') ? address.slice('::ffff:'.length) : ''
  return net.isIPv4(mapped) ? mapped : address
}

const ipv4Bytes = (address: string): Buffer => Buffer.from(address.split('.').map(Number))

/** 16 bytes; an IPv4 address becomes a mapped one, because both ends share a family. */
function ipv6Bytes(address: string): Buffer {
  if (net.isIPv4(address)) return Buffer.concat([Buffer.from('00000000000000000000ffff', 'hex'), ipv4Bytes(address)])
  const [unscoped = ''] = address.split('%')
  const [before = '', after] = unscoped.split('::')
  const left = groupsOf(before)
  const right = groupsOf(after ?? '')
  const middle = Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => 0)
  const bytes = Buffer.alloc(16)
  for (const [at, group] of [...left, ...middle, ...right].slice(0, 8).entries()) bytes.writeUInt16BE(group, at * 2)
  return bytes
}

const groupsOf = (text: string): readonly number[] =>
  text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16))
