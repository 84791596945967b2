/**
 * Reads DER strictly (ITU-T X.690, section 10): one spelling per value, no indefinite lengths, nothing left over.
 * What is odd is refused, never repaired: two readers that repair differently are how forged names get in.
 * Knows nothing of X.509; see certificate-facts.ts and request.ts.
 */
import { derTag } from './der.ts'

export interface DerValue {
  readonly tag: number
  readonly content: Uint8Array
  /** Header and content: what signatures are made over. */
  readonly whole: Uint8Array
}

/** More elements on one level than anything legitimate has. */
const maxElements = 256

/** The values that stand one after another in `bytes`, or undefined where that is not what they are. */
export function readDerElements(bytes: Uint8Array): readonly DerValue[] | undefined {
  const values: DerValue[] = []
  let offset = 0
  while (offset < bytes.length) {
    const value = readAt(bytes, offset)
    if (value === undefined || values.length === maxElements) return undefined
    values.push(value)
    offset += value.whole.length
  }
  return values
}

/** The elements inside the one constructed value that `bytes` is, if it has this tag. */
export function readDerConstructed(bytes: Uint8Array, tag: number): readonly DerValue[] | undefined {
  const value = readAt(bytes, 0)
  if (value === undefined || value.tag !== tag || value.whole.length !== bytes.length) return undefined
  return readDerElements(value.content)
}

function readAt(bytes: Uint8Array, start: number): DerValue | undefined {
  const tag = bytes[start]
  const first = bytes[start + 1]
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) return undefined
  let length = first
  let header = 2
  if (first >= 0x80) {
    const octets = first & 0x7f
    if (octets === 0 || octets > 3) return undefined
    length = 0
    for (let i = 0; i < octets; i += 1) length = length * 256 + (bytes[start + 2 + i] ?? Number.NaN)
    const shortest = octets === 1 ? 0x80 : 256 ** (octets - 1)
    if (!(length >= shortest)) return undefined
    header = 2 + octets
  }
  const end = start + header + length
  if (end > bytes.length) return undefined
  return { tag, content: bytes.subarray(start + header, end), whole: bytes.subarray(start, end) }
}

export function readDerBoolean(value: DerValue): boolean | undefined {
  if (value.tag !== derTag.boolean || value.content.length !== 1) return undefined
  if (value.content[0] === 0xff) return true
  return value.content[0] === 0 ? false : undefined
}

/** A small non-negative integer: versions and path lengths. */
export function readDerSmallInteger(value: DerValue): number | undefined {
  const { tag, content } = value
  const [first, second] = content
  if (tag !== derTag.integer || first === undefined || first >= 0x80 || content.length > 3) return undefined
  if (first === 0 && second !== undefined && second < 0x80) return undefined
  return content.reduce((sum, byte) => sum * 256 + byte, 0)
}

/** Dotted text; undefined for an arc that no registered identifier has. */
export function readDerObjectId(value: DerValue): string | undefined {
  const { tag, content } = value
  if (tag !== derTag.objectId || content.length === 0 || content.length > 32) return undefined
  const arcs: number[] = []
  let arc = 0
  let inside = false
  for (const byte of content) {
    if (!inside && byte === 0x80) return undefined
    arc = arc * 128 + (byte & 0x7f)
    inside = byte >= 0x80
    if (arc > Number.MAX_SAFE_INTEGER / 128) return undefined
    if (!inside) {
      arcs.push(arc)
      arc = 0
    }
  }
  const first = arcs[0]
  if (inside || first === undefined) return undefined
  const root = first < 40 ? 0 : first < 80 ? 1 : 2
  return [root, first - root * 40, ...arcs.slice(1)].join('.')
}

/** Content of a bit string of whole octets. */
export function readDerBitString(value: DerValue): Uint8Array | undefined {
  return value.tag === derTag.bitString && value.content[0] === 0 ? value.content.subarray(1) : undefined
}

/** Milliseconds since the epoch; only the two forms that RFC 5280 section 4.1.2.5 allows, in UTC with seconds. */
export function readDerTime(value: DerValue): number | undefined {
  const text = asciiText(value.content)
  if (text === undefined) return undefined
  if (value.tag === derTag.utcTime && /^\d{12}Z$/.test(text))
    return timeOf(`${text.slice(0, 2) < '50' ? '20' : '19'}${text}`)
  if (value.tag === derTag.generalizedTime && /^\d{14}Z$/.test(text)) return timeOf(text)
  return undefined
}

function timeOf(digits: string): number | undefined {
  const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(digits)
  if (parts === null) return undefined
  const [, year, month, day, hour, minute, second] = parts
  const iso = `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`
  const atMs = Date.parse(iso)
  return Number.isFinite(atMs) && new Date(atMs).toISOString() === iso ? atMs : undefined
}

/** Printable ASCII as text, or undefined: names with anything else are not names that we compare. */
export function asciiText(bytes: Uint8Array): string | undefined {
  let text = ''
  for (const byte of bytes) {
    if (byte < 0x20 || byte > 0x7e) return undefined
    text += String.fromCharCode(byte)
  }
  return text
}
