/**
 * Reads the part of MessagePack that gossip uses: both the old raw strings and the newer text and binary types. A fault
 * is remembered instead of thrown; after one, every read gives an empty value and the caller looks at `fault` once.
 */
import { noBytes } from '../../model/gossip-message.ts'

/** Deeper values of fields that we do not know are refused, not followed. */
const deepestSkip = 16
const truncated = 'truncated'
const decoder = new TextDecoder('utf-8', { fatal: true })

export class MsgpackReader {
  readonly #bytes: Buffer
  /** Next byte to be read. */
  at: number
  /** What was wrong first; '' while all is well. */
  fault = ''

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.at = at
  }

  /** The fault is only that more bytes are needed. */
  get isTruncated(): boolean {
    return this.fault === truncated
  }

  get left(): number {
    return this.#bytes.length - this.at
  }

  fail(fault: string): void {
    if (this.fault === '') this.fault = fault
  }

  /** Bytes without a header of their own, for example behind a message. */
  take(length: number): Uint8Array {
    const at = this.#advance(length)
    return this.fault === '' && length > 0 ? this.#bytes.subarray(at, at + length) : noBytes
  }

  /** Count of entries. */
  map(): number {
    const head = this.byte()
    if (head >= 0x80 && head <= 0x8f) return this.#bounded(head & 0x0f, 2)
    if (head === 0xde) return this.#bounded(this.#unsigned(2), 2)
    if (head === 0xdf) return this.#bounded(this.#unsigned(4), 2)
    if (head !== 0xc0) this.fail('a map was expected')
    return 0
  }

  /** Count of items; nil counts as empty. */
  array(): number {
    const head = this.byte()
    if (head >= 0x90 && head <= 0x9f) return this.#bounded(head & 0x0f, 1)
    if (head === 0xdc) return this.#bounded(this.#unsigned(2), 1)
    if (head === 0xdd) return this.#bounded(this.#unsigned(4), 1)
    if (head !== 0xc0) this.fail('a list was expected')
    return 0
  }

  /** Whether the next value is nil; it stays in place. */
  get isNil(): boolean {
    return this.#bytes[this.at] === 0xc0
  }

  /** A view into what is read, nil counts as empty. At most `most` bytes. */
  bytes(most: number): Uint8Array {
    const length = this.#rawLength()
    if (length > most) this.fail(`${length} bytes where ${most} are the most`)
    return this.take(length)
  }

  text(most: number): string {
    const length = this.#rawLength()
    if (length > most) this.fail(`text of ${length} bytes where ${most} are the most`)
    const at = this.#advance(length)
    if (this.fault !== '') return ''
    for (let one = at; one < at + length; one += 1)
      if ((this.#bytes[one] ?? 0) > 0x7f) return this.#decode(at, length)
    return this.#bytes.toString('latin1', at, at + length)
  }

  boolean(): boolean {
    const head = this.byte()
    if (head === 0xc3 || head === 0xc2) return head === 0xc3
    this.fail('true or false was expected')
    return false
  }

  /** A whole number from 0 to `most`; anything else is a fault. */
  unsigned(most: number): number {
    const value = this.integer()
    if (value >= 0 && value <= most) return value
    this.fail(`${value} is not from 0 to ${most}`)
    return 0
  }

  /** A whole number that JavaScript holds exactly. */
  integer(): number {
    const head = this.byte()
    if (head <= 0x7f) return head
    if (head >= 0xe0) return head - 0x100
    if (head >= 0xcc && head <= 0xce) return this.#unsigned(1 << (head - 0xcc))
    if (head === 0xcf || head === 0xd3) return this.#wide(head === 0xd3)
    if (head >= 0xd0 && head <= 0xd2) return this.#signed(1 << (head - 0xd0))
    this.fail('a whole number was expected')
    return 0
  }

  float(): number {
    const head = this.#bytes[this.at]
    if (head !== 0xca && head !== 0xcb) return this.integer()
    this.at += 1
    const at = this.#advance(head === 0xca ? 4 : 8)
    if (this.fault !== '') return 0
    return head === 0xca ? this.#bytes.readFloatBE(at) : this.#bytes.readDoubleBE(at)
  }

  /** Steps over one value of any kind. */
  skip(depth = 0): void {
    if (depth > deepestSkip) this.fail('nested too deeply')
    const head = this.#bytes[this.at] ?? 0
    if (this.left < 1) this.fail(truncated)
    if (this.fault !== '') return
    const kind = kindOf(head)
    if (kind === 'map' || kind === 'array') {
      const values = kind === 'map' ? this.map() * 2 : this.array()
      for (let skipped = 0; skipped < values && this.fault === ''; skipped += 1) this.skip(depth + 1)
    } else if (kind === 'raw') this.bytes(Number.MAX_SAFE_INTEGER)
    else if (kind === 'number') this.take(1 + numberLength(head))
    else this.fail(`type ${head} is not part of gossip`)
  }

  byte(): number {
    const at = this.#advance(1)
    return this.fault === '' ? (this.#bytes[at] ?? 0) : 0xc0
  }

  #decode(at: number, length: number): string {
    try {
      return decoder.decode(this.#bytes.subarray(at, at + length))
    } catch {
      this.fail('text is not UTF-8')
      return ''
    }
  }

  #rawLength(): number {
    const head = this.byte()
    if (head >= 0xa0 && head <= 0xbf) return head & 0x1f
    if (head === 0xc0) return 0
    if (head === 0xc4 || head === 0xd9) return this.#unsigned(1)
    if (head === 0xc5 || head === 0xda) return this.#unsigned(2)
    if (head === 0xc6 || head === 0xdb) return this.#unsigned(4)
    this.fail('text or bytes were expected')
    return 0
  }

  /** More entries than bytes are a lie; believing it would cost memory. */
  #bounded(count: number, bytesEach: number): number {
    if (count * bytesEach <= this.left) return count
    this.fail(truncated)
    return 0
  }

  #advance(length: number): number {
    const at = this.at
    if (this.fault !== '') return at
    if (length > this.left) this.fail(truncated)
    else this.at = at + length
    return at
  }

  #unsigned(length: number): number {
    const at = this.#advance(length)
    return this.fault === '' ? this.#bytes.readUIntBE(at, length) : 0
  }

  #signed(length: number): number {
    const at = this.#advance(length)
    return this.fault === '' ? this.#bytes.readIntBE(at, length) : 0
  }

  #wide(isSigned: boolean): number {
    const at = this.#advance(8)
    if (this.fault !== '') return 0
    const value = Number(isSigned ? this.#bytes.readBigInt64BE(at) : this.#bytes.readBigUInt64BE(at))
    if (Number.isSafeInteger(value)) return value
    this.fail('a number beyond 2^53')
    return 0
  }
}

function kindOf(head: number): 'map' | 'array' | 'raw' | 'number' | 'unknown' {
  if ((head >= 0x80 && head <= 0x8f) || head === 0xde || head === 0xdf) return 'map'
  if ((head >= 0x90 && head <= 0x9f) || head === 0xdc || head === 0xdd) return 'array'
  const isRaw = (head >= 0xa0 && head <= 0xbf) || (head >= 0xc4 && head <= 0xc6)
  if (isRaw || (head >= 0xd9 && head <= 0xdb)) return 'raw'
  if (head <= 0x7f || head >= 0xe0 || head === 0xc0 || head === 0xc2 || head === 0xc3) return 'number'
  return head >= 0xca && head <= 0xd3 ? 'number' : 'unknown'
}

/** Bytes behind the head of nil, a truth value or a number. */
function numberLength(head: number): number {
  if (head === 0xca) return 4
  if (head === 0xcb) return 8
  if (head >= 0xcc && head <= 0xcf) return 1 << (head - 0xcc)
  return head >= 0xd0 && head <= 0xd3 ? 1 << (head - 0xd0) : 0
}
