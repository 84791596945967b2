/**
 * What an OPEN says about the connection it asks for: a list of tag (1 byte), length (2), value. Values are UTF-8 text.
 * Unknown tags below 0x80 are skipped, unknown ones from 0x80 on are critical and make the OPEN unreadable, so that a
 * later version can add both hints and conditions. Checks form only; who may open what is decided in proxy/.
 */
import { limits } from '../../model/limits.ts'

export interface OpenMetadata {
  /** Service that calls; must be the one of the session's certificate. */
  readonly source: string
  /** Service that is called. */
  readonly target: string
  /** Datacenter of the target. */
  readonly datacenter: string
  /** Mesh instance that the dialler chose, `<node>/<service id>`. */
  readonly instance: string
  /** The stream carries datagrams (datagram.ts); absent: bytes. */
  readonly protocol?: 'udp'
}

/** `protocol` is critical: a peer that took datagrams for bytes would hand their lengths to the service. */
const tags = { source: 1, target: 2, datacenter: 3, instance: 4, protocol: 0x81 } as const
const criticalFrom = 0x80
const tagHeaderBytes = 3

const names = Object.keys(tags) as readonly (keyof OpenMetadata)[]
const nameOfTag = new Map<number, keyof OpenMetadata>(names.map((name) => [tags[name], name]))
const strictText = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The tags as bytes, or undefined where they exceed what a peer accepts. */
export function encodeMetadata(metadata: OpenMetadata): Buffer | undefined {
  const parts: Buffer[] = []
  for (const name of names) {
    const text = metadata[name]
    if (text === undefined) continue
    const value = Buffer.from(text)
    if (value.length > limits.tunnelMetadataBytes) return undefined
    const head = Buffer.allocUnsafe(tagHeaderBytes)
    head.writeUInt8(tags[name], 0)
    head.writeUInt16BE(value.length, 1)
    parts.push(head, value)
  }
  const whole = Buffer.concat(parts)
  return whole.length <= limits.tunnelMetadataBytes ? whole : undefined
}

/** Undefined where a tag is cut short, doubled, critical and unknown, not UTF-8, or source or target is missing. */
export function decodeMetadata(bytes: Buffer): OpenMetadata | undefined {
  const found = { source: '', target: '', datacenter: '', instance: '', protocol: '' }
  let seen = 0
  for (let at = 0; at < bytes.length; ) {
    if (bytes.length - at < tagHeaderBytes) return undefined
    const tag = bytes.readUInt8(at)
    const end = at + tagHeaderBytes + bytes.readUInt16BE(at + 1)
    if (end > bytes.length) return undefined
    const name = nameOfTag.get(tag)
    if (name === undefined) {
      if (tag >= criticalFrom) return undefined
    } else {
      const bit = 1 << names.indexOf(name)
      if ((seen & bit) !== 0) return undefined
      seen |= bit
      const value = readText(bytes.subarray(at + tagHeaderBytes, end))
      if (value === undefined) return undefined
      found[name] = value
    }
    at = end
  }
  const { protocol, ...rest } = found
  if (rest.source === '' || rest.target === '') return undefined
  if (protocol === 'udp') return { ...rest, protocol }
  return protocol === '' ? rest : undefined
}

/** Undefined where `bytes` is not UTF-8. */
export function readText(bytes: Buffer): string | undefined {
  try {
    return strictText.decode(bytes)
  } catch {
    return undefined
  }
}
