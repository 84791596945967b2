/**
 * Reads a DNS query as it came from the network: the header, one question, and the OPT record if there is one. Everything
 * is bounded by the packet itself, pointers are never followed, and nothing but the question is believed.
 * Sources: RFC 1035, section 4; RFC 6891, section 6. Answers are written in message.ts.
 */
import { classIn, flags, headerBytes, type Rcode, rcodes, recordTypes } from './codes.ts'

export interface Edns {
  /** Largest answer that the client takes over UDP. */
  readonly udpBytes: number
  readonly version: number
  readonly dnssecOk: boolean
}

export interface DnsQuery {
  readonly id: number
  readonly recursionDesired: boolean
  readonly checkingDisabled: boolean
  /** The name's labels as asked, from left to right; bytes as Latin-1. */
  readonly labels: readonly string[]
  /** The question section as asked: the answer repeats it byte by byte, whatever its letters' case. */
  readonly question: Uint8Array
  readonly type: number
  readonly class: number
  readonly edns: Edns | undefined
}

export type QueryReading =
  | { readonly kind: 'query'; readonly query: DnsQuery }
  /** Not a query, or too short to be answered. */
  | { readonly kind: 'ignored' }
  | {
      readonly kind: 'refused'
      readonly rcode: Rcode
      readonly reason: 'dns-malformed' | 'dns-not-a-query'
      readonly id: number
      /** What the answer repeats of the header: the operation, and whether recursion was wanted. */
      readonly bits: number
    }

/** Records behind the question that are looked through for OPT. */
const recordsLookedAt = 16
const maxNameBytes = 255
const opcodeMask = 0x7800

export function readQuery(bytes: Uint8Array): QueryReading {
  if (bytes.length < headerBytes) return { kind: 'ignored' }
  const bits = number16(bytes, 2)
  if ((bits & flags.response) !== 0) return { kind: 'ignored' }
  const id = number16(bytes, 0)
  const recursionDesired = (bits & flags.recursionDesired) !== 0
  const refused = (
    rcode: Rcode,
    reason: 'dns-malformed' | 'dns-not-a-query',
  ): QueryReading & { kind: 'refused' } => {
    const repeated = bits & (opcodeMask | flags.recursionDesired)
    return { kind: 'refused', rcode, reason, id, bits: repeated }
  }
  if ((bits & opcodeMask) !== 0) return refused(rcodes.notImp, 'dns-not-a-query')
  if (number16(bytes, 4) !== 1) return refused(rcodes.formErr, 'dns-malformed')
  const labels: string[] = []
  const end = readName(bytes, labels)
  if (end === undefined || end + 4 > bytes.length) return refused(rcodes.formErr, 'dns-malformed')
  const edns = readEdns(bytes, end + 4)
  if (edns === 'malformed') return refused(rcodes.formErr, 'dns-malformed')
  const query: DnsQuery = {
    id,
    recursionDesired,
    checkingDisabled: (bits & flags.checkingDisabled) !== 0,
    labels,
    question: bytes.subarray(headerBytes, end + 4),
    type: number16(bytes, end),
    class: number16(bytes, end + 2),
    edns,
  }
  return { kind: 'query', query }
}

/** Puts the labels of the question's name into `labels`; where the name ends, or undefined for what is none. */
function readName(bytes: Uint8Array, labels: string[]): number | undefined {
  let at = headerBytes
  for (;;) {
    const length = bytes[at]
    if (length === undefined || length > 63) return undefined
    at += 1
    if (length === 0) return at
    if (at + length - headerBytes >= maxNameBytes || at + length > bytes.length) return undefined
    labels.push(latin1(bytes, at, at + length))
    at += length
  }
}

function readEdns(bytes: Uint8Array, from: number): Edns | undefined | 'malformed' {
  const before = number16(bytes, 6) + number16(bytes, 8)
  const records = before + number16(bytes, 10)
  if (records > recordsLookedAt) return 'malformed'
  let found: Edns | undefined
  let at = from
  for (let n = 0; n < records; n++) {
    const owner = at
    const fixed = skipName(bytes, at)
    if (fixed === undefined || fixed + 10 > bytes.length) return 'malformed'
    at = fixed + 10 + number16(bytes, fixed + 8)
    if (at > bytes.length) return 'malformed'
    if (number16(bytes, fixed) !== recordTypes.OPT || n < before) continue
    // Of a root name, and once; RFC 6891, section 6.1.1.
    if (bytes[owner] !== 0 || found !== undefined) return 'malformed'
    found = {
      udpBytes: number16(bytes, fixed + 2),
      version: bytes[fixed + 5] ?? 0,
      dnssecOk: ((bytes[fixed + 6] ?? 0) & 0x80) !== 0,
    }
  }
  return found
}

/** Where a name ends that nobody needs; a pointer ends it. */
function skipName(bytes: Uint8Array, from: number): number | undefined {
  let at = from
  for (;;) {
    const length = bytes[at]
    if (length === undefined) return undefined
    if (length === 0) return at + 1
    if (length >= 0xc0) return at + 2
    if (length > 63) return undefined
    at += 1 + length
  }
}

/** 0 beyond the end, which every caller has ruled out. */
function number16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
}

function latin1(bytes: Uint8Array, from: number, to: number): string {
  let text = ''
  for (let at = from; at < to; at++) text += String.fromCharCode(bytes[at] ?? 0)
  return text
}

/** A question as its bytes: for asking others. Undefined for a name that is none. */
export function writeQuestion(name: string, type: number): Uint8Array | undefined {
  const labels = name.replace(/\.$/, '').split('.')
  const bytes: number[] = []
  for (const label of labels) {
    if (label === '' || label.length > 63) return undefined
    bytes.push(label.length, ...Array.from(label, (letter) => letter.charCodeAt(0) & 0xff))
  }
  if (bytes.length + 1 > maxNameBytes) return undefined
  bytes.push(0, type >> 8, type & 0xff, 0, classIn)
  return Uint8Array.from(bytes)
}
