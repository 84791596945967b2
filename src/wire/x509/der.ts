/**
 * Writes DER (ITU-T X.690, section 10): the few types that certificates and requests are made of. Knows nothing of
 * X.509; the structures stand in certificate.ts, extensions.ts and request.ts. Reading is der-reader.ts.
 */
import { assert } from '../../model/errors.ts'

/** Identifier octets, X.690 section 8.1.2; context tags are made by `contextTag`. */
export const derTag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectId: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const

/** Tag `[number]`, constructed for EXPLICIT tagging and sets of elements, primitive for IMPLICIT simple types. */
export const contextTag = (number: number, form: 'constructed' | 'primitive'): number =>
  (form === 'constructed' ? 0xa0 : 0x80) | number

export function derValue(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const content of contents) length += content.length
  const header = lengthOctets(length)
  const bytes = new Uint8Array(1 + header.length + length)
  bytes[0] = tag
  bytes.set(header, 1)
  let offset = 1 + header.length
  for (const content of contents) {
    bytes.set(content, offset)
    offset += content.length
  }
  return bytes
}

function lengthOctets(length: number): readonly number[] {
  if (length < 0x80) return [length]
  if (length < 0x100) return [0x81, length]
  assert(length < 0x10000, 'a DER value that we write is under 64 KiB')
  return [0x82, length >> 8, length & 0xff]
}

export const derSequence = (...items: readonly Uint8Array[]): Uint8Array =>
  derValue(derTag.sequence, ...items)

export const derBoolean = (value: boolean): Uint8Array =>
  derValue(derTag.boolean, Uint8Array.of(value ? 0xff : 0))

/**
 * A non-negative integer from its big-endian bytes: leading zeros go, one comes back where the sign bit would be set.
 */
export function derInteger(magnitude: Uint8Array): Uint8Array {
  let start = 0
  while (start < magnitude.length - 1 && magnitude[start] === 0) start += 1
  const digits = magnitude.subarray(start)
  const negative = ((digits[0] ?? 0) & 0x80) !== 0
  return negative
    ? derValue(derTag.integer, Uint8Array.of(0), digits)
    : derValue(derTag.integer, digits.length === 0 ? Uint8Array.of(0) : digits)
}

/** From dotted text, such as `1.2.840.10045.2.1`; X.690 section 8.19. */
export function derObjectId(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  const bytes: number[] = [first * 40 + second]
  for (const arc of rest) {
    const groups = [arc & 0x7f]
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128))
      groups.unshift((left & 0x7f) | 0x80)
    bytes.push(...groups)
  }
  return derValue(derTag.objectId, Uint8Array.from(bytes))
}

/** Whole octets, no unused bits: keys and signatures. */
export const derBitString = (bytes: Uint8Array): Uint8Array =>
  derValue(derTag.bitString, Uint8Array.of(0), bytes)

/** Named bits, the first one in the highest place; trailing zero bits are left away as DER demands (section 11.2.2). */
export function derNamedBits(bits: readonly number[]): Uint8Array {
  const last = Math.max(...bits)
  const bytes = new Uint8Array(Math.floor(last / 8) + 1)
  for (const bit of bits) bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) | (0x80 >> (bit & 7))
  return derValue(derTag.bitString, Uint8Array.of(7 - (last & 7)), bytes)
}

export const derOctetString = (bytes: Uint8Array): Uint8Array => derValue(derTag.octetString, bytes)

const encoder = new TextEncoder()

export const derUtf8 = (text: string): Uint8Array => derValue(derTag.utf8String, encoder.encode(text))

/** ASCII under a context tag: how names stand in a subject alternative name. */
export const derTaggedText = (number: number, text: string): Uint8Array =>
  derValue(contextTag(number, 'primitive'), encoder.encode(text))

/** Whole seconds; UTCTime until 2049 and GeneralizedTime after, as RFC 5280 section 4.1.2.5 demands. */
export function derTime(atMs: number): Uint8Array {
  const digits = new Date(atMs).toISOString().slice(0, 19).replace(/[-:T]/g, '')
  return digits < '2050'
    ? derValue(derTag.utcTime, encoder.encode(`${digits.slice(2)}Z`))
    : derValue(derTag.generalizedTime, encoder.encode(`${digits}Z`))
}
