/**
 * Writes DNS answers: header, question as asked, records with names compressed (RFC 1035, section 4.1.4), OPT last. What
 * does not fit is left out in a useful order. One scratch buffer serves all messages, so writing allocates only the result.
 */
import { assert } from '../../model/errors.ts'
import {
  classIn,
  flags,
  headerBytes,
  largestMessageBytes,
  optBytes,
  type Rcode,
  recordTypes,
} from './codes.ts'
import type { DnsAnswer, DnsRecord } from './record.ts'

export interface DnsMessage {
  readonly id: number
  /** Bits of `flags`, without the response bit. */
  readonly bits: number
  readonly rcode: Rcode
  /** The question section as asked; empty where it could not be read. */
  readonly question: Uint8Array
  /** The same name as text, in lower case. */
  readonly name: string
  readonly answers: readonly DnsAnswer[]
  readonly authority: readonly DnsRecord[]
  /** What we take over UDP, where the client spoke EDNS. */
  readonly ednsBytes: number | undefined
}

export interface WriteOptions {
  readonly maxBytes: number
  readonly compress: boolean
  /** Say in the header that answers were left out for want of room. */
  readonly markTruncated: boolean
}

/** What stays of the additional section. */
type Extras = 'all' | 'addresses' | 'none'

const maxNameBytes = 255
/** A pointer has 14 bits. */
const furthestPointer = 0x3fff
const textPieceBytes = 255
const encoder = new TextEncoder()
/** Room for one record beyond the largest message, so that a record is written first and judged then. */
const scratch = new Uint8Array(2 * largestMessageBytes)
const scratchView = new DataView(scratch.buffer)

/**
 * The bytes of the message, at most `maxBytes`. Where it is too large, TXT records beside the answers go first, then
 * answers from the end with what stands beside them; a single answer that is too large loses what stands beside it.
 */
export function writeMessage(message: DnsMessage, options: WriteOptions): Uint8Array {
  const all = message.answers.length
  const attempt = (kept: number, extras: Extras): Uint8Array | undefined => {
    const isCut = kept < all && (options.markTruncated || kept === 0)
    const bytes = new Writer(message, options.compress).write(kept, extras, isCut)
    return bytes !== undefined && bytes.length <= options.maxBytes ? bytes : undefined
  }
  const whole = attempt(all, 'all') ?? attempt(all, 'addresses') ?? mostAnswers(all, attempt)
  const least = whole ?? attempt(Math.min(1, all), 'none') ?? attempt(0, 'none')
  assert(least !== undefined, 'an answer without records has room')
  return least
}

/** As many answers as fit with their addresses, found by halving; undefined where not even one does. */
function mostAnswers(
  all: number,
  attempt: (kept: number, extras: Extras) => Uint8Array | undefined,
): Uint8Array | undefined {
  let best: Uint8Array | undefined
  let fits = 0
  let tooMany = all
  while (fits + 1 < tooMany) {
    const middle = (fits + tooMany) >> 1
    const bytes = attempt(middle, 'addresses')
    if (bytes === undefined) tooMany = middle
    else {
      best = bytes
      fits = middle
    }
  }
  return best
}

class Writer {
  readonly #message: DnsMessage
  readonly #compress: boolean
  /** Where each name and end of a name was written, in lower case. */
  readonly #places = new Map<string, number>()
  #at = 0

  constructor(message: DnsMessage, compress: boolean) {
    this.#message = message
    this.#compress = compress
  }

  /** Undefined where the message outgrows every transport. */
  write(answers: number, extras: Extras, truncated: boolean): Uint8Array | undefined {
    const { question, authority, ednsBytes } = this.#message
    scratch.set(question, headerBytes)
    this.#at = headerBytes + question.length
    this.#rememberQuestion()
    const kept = this.#message.answers.slice(0, answers)
    if (!kept.every(({ record }) => this.#record(record))) return undefined
    if (!authority.every((record) => this.#record(record))) return undefined
    const beside = extrasOf(kept, extras)
    for (const record of beside) if (!this.#record(record)) return undefined
    if (ednsBytes !== undefined) this.#opt(ednsBytes)
    this.#header(kept.length, beside.size + (ednsBytes === undefined ? 0 : 1), truncated)
    return scratch.slice(0, this.#at)
  }

  #header(answers: number, additional: number, truncated: boolean): void {
    const { id, bits, rcode, question, authority } = this.#message
    scratchView.setUint16(0, id)
    scratchView.setUint16(2, bits | flags.response | (truncated ? flags.truncated : 0) | (rcode & 0xf))
    scratchView.setUint16(4, question.length === 0 ? 0 : 1)
    scratchView.setUint16(6, answers)
    scratchView.setUint16(8, authority.length)
    scratchView.setUint16(10, additional)
  }

  #opt(udpBytes: number): void {
    scratch.fill(0, this.#at, this.#at + optBytes)
    scratchView.setUint16(this.#at + 1, recordTypes.OPT)
    scratchView.setUint16(this.#at + 3, udpBytes)
    scratch[this.#at + 5] = this.#message.rcode >> 4
    this.#at += optBytes
  }

  #rememberQuestion(): void {
    const { name, question } = this.#message
    if (question.length === 0 || name === '') return
    this.#places.set(name, headerBytes)
    if (!this.#compress) return
    for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1))
      this.#places.set(name.slice(dot + 1), headerBytes + dot + 1)
  }

  /** False where there is no room for it in any message. */
  #record(record: DnsRecord): boolean {
    this.#name(record.name)
    scratchView.setUint16(this.#at, recordTypes[record.type])
    scratchView.setUint16(this.#at + 2, classIn)
    scratchView.setUint32(this.#at + 4, record.ttlSeconds)
    const start = this.#at + 10
    this.#at = start
    this.#data(record)
    scratchView.setUint16(start - 2, this.#at - start)
    return this.#at <= largestMessageBytes
  }

  #data(record: DnsRecord): void {
    switch (record.type) {
      case 'A':
      case 'AAAA':
        scratch.set(record.address, this.#at)
        this.#at += record.address.length
        return
      case 'NS':
      case 'CNAME':
      case 'PTR':
        this.#name(record.target)
        return
      case 'SRV':
        for (const value of [record.priority, record.weight, record.port]) {
          scratchView.setUint16(this.#at, value)
          this.#at += 2
        }
        this.#name(record.target)
        return
      case 'TXT':
        this.#text(record.text)
        return
      case 'SOA':
        this.#name(record.primary)
        this.#name(record.mailbox)
        for (const value of [
          record.serial,
          record.refreshSeconds,
          record.retrySeconds,
          record.expireSeconds,
          record.minimumSeconds,
        ]) {
          scratchView.setUint32(this.#at, value)
          this.#at += 4
        }
    }
  }

  /** Character strings of at most 255 bytes each. */
  #text(text: string): void {
    const bytes = encoder.encode(text)
    for (let from = 0; from === 0 || from < bytes.length; from += textPieceBytes) {
      const piece = bytes.subarray(from, from + textPieceBytes)
      scratch[this.#at] = piece.length
      scratch.set(piece, this.#at + 1)
      this.#at += 1 + piece.length
    }
  }

  #name(name: string): void {
    const lower = name.toLowerCase()
    if (!this.#compress && lower === this.#message.name && this.#message.question.length > 0) {
      this.#asked()
      return
    }
    let from = 0
    while (from < name.length) {
      const rest = lower.slice(from)
      const place = this.#compress ? this.#places.get(rest) : undefined
      if (place !== undefined) {
        scratchView.setUint16(this.#at, 0xc000 | place)
        this.#at += 2
        return
      }
      if (this.#at <= furthestPointer) this.#places.set(rest, this.#at)
      const dot = name.indexOf('.', from)
      this.#label(name.slice(from, dot < 0 ? undefined : dot))
      from = dot < 0 ? name.length : dot + 1
    }
    scratch[this.#at] = 0
    this.#at += 1
  }

  /** The name of the question, in the letters in which it was asked. */
  #asked(): void {
    const { question } = this.#message
    const name = question.subarray(0, question.length - 4)
    scratch.set(name, this.#at)
    this.#at += name.length
  }

  #label(label: string): void {
    assert(label.length > 0 && label.length < 64, 'a label has 1 to 63 letters')
    scratch[this.#at] = label.length
    for (let at = 0; at < label.length; at++) scratch[this.#at + 1 + at] = label.charCodeAt(at)
    this.#at += 1 + label.length
  }
}

function extrasOf(answers: readonly DnsAnswer[], extras: Extras): ReadonlySet<DnsRecord> {
  const beside = new Set<DnsRecord>()
  if (extras === 'none') return beside
  for (const { additional } of answers)
    for (const record of additional) if (extras === 'all' || record.type !== 'TXT') beside.add(record)
  return beside
}

/** Whether `name` can be written: labels of 1 to 63 visible ASCII letters, 255 bytes in all. */
export function isWritableName(name: string): boolean {
  if (name.length + 2 > maxNameBytes) return false
  return name.split('.').every((label) => /^[!-~]{1,63}$/.test(label))
}
