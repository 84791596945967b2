/**
 * Writes MessagePack as HashiCorp's programs do: raw strings of the old specification for text and bytes, the shortest
 * form of each number, nil for what is empty bytes. Knows nothing of messages.
 */

export class MsgpackWriter {
  #bytes: Buffer
  #length = 0

  constructor(expectedBytes = 256) {
    this.#bytes = Buffer.allocUnsafe(expectedBytes)
  }

  /** What was written; valid until the next write. */
  result(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }

  byte(value: number): this {
    const at = this.#reserve(1)
    this.#bytes[at] = value
    return this
  }

  /** Bytes as they are. */
  append(bytes: Uint8Array): this {
    const at = this.#reserve(bytes.length)
    this.#bytes.set(bytes, at)
    return this
  }

  map(entries: number): this {
    return this.#counted(entries, 0x80, 0xde)
  }

  array(items: number): this {
    return this.#counted(items, 0x90, 0xdc)
  }

  nil(): this {
    return this.byte(0xc0)
  }

  boolean(value: boolean): this {
    return this.byte(value ? 0xc3 : 0xc2)
  }

  bytes(bytes: Uint8Array): this {
    if (bytes.length === 0) return this.nil()
    this.#rawHead(bytes.length)
    return this.append(bytes)
  }

  text(text: string): this {
    const length = Buffer.byteLength(text)
    this.#rawHead(length)
    const at = this.#reserve(length)
    this.#bytes.write(text, at, length, 'utf8')
    return this
  }

  /** A whole number that is not negative. */
  unsigned(value: number): this {
    if (value < 0x80) return this.byte(value)
    if (value < 0x100) return this.byte(0xcc).byte(value)
    if (value < 0x1_0000) return this.byte(0xcd).#fixed(value, 2)
    if (value < 0x1_0000_0000) return this.byte(0xce).#fixed(value, 4)
    this.byte(0xcf)
    const at = this.#reserve(8)
    this.#bytes.writeBigUInt64BE(BigInt(value), at)
    return this
  }

  /** The same for fields that are signed in Go, whose encoder then takes the signed forms. */
  integer(value: number): this {
    if (value < 0x80) return this.byte(value)
    if (value < 0x8000) return this.byte(0xd1).#fixed(value, 2)
    if (value < 0x8000_0000) return this.byte(0xd2).#fixed(value, 4)
    this.byte(0xd3)
    const at = this.#reserve(8)
    this.#bytes.writeBigInt64BE(BigInt(value), at)
    return this
  }

  float(value: number): this {
    this.byte(0xcb)
    const at = this.#reserve(8)
    this.#bytes.writeDoubleBE(value, at)
    return this
  }

  #rawHead(length: number): void {
    if (length < 32) this.byte(0xa0 | length)
    else if (length < 0x1_0000) this.byte(0xda).#fixed(length, 2)
    else this.byte(0xdb).#fixed(length, 4)
  }

  #counted(count: number, short: number, wide: number): this {
    if (count < 16) return this.byte(short | count)
    if (count < 0x1_0000) return this.byte(wide).#fixed(count, 2)
    return this.byte(wide + 1).#fixed(count, 4)
  }

  #fixed(value: number, length: number): this {
    const at = this.#reserve(length)
    this.#bytes.writeUIntBE(value, at, length)
    return this
  }

  /** Where the next `length` bytes go; call it before `#bytes` is read, which it may replace. */
  #reserve(length: number): number {
    const at = this.#length
    this.#length += length
    if (this.#length > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#length, this.#bytes.length * 2))
      this.#bytes.copy(larger, 0, 0, at)
      this.#bytes = larger
    }
    return at
  }
}
