/**
 * Unpacks LZW as Go's compress/lzw packs it with least significant bits first and 8-bit literals (the GIF variant): codes
 * grow from 9 to 12 bits, a clear code starts the table anew when it is full. Output is bounded: input may be hostile.
 * We send nothing packed: gossip fits its packets without, and an exchange would hold the event loop.
 */

const clearCode = 256
const endCode = 257
const widestBits = 12
const lastCode = (1 << widestBits) - 1

/** Undefined if it is not LZW, or longer than `most` bytes when unpacked. */
export function decompressLzw(bytes: Uint8Array, most: number): Uint8Array | undefined {
  return new LzwReader(bytes, most).read()
}

const prefixes = new Uint16Array(1 << widestBits)
const suffixes = new Uint8Array(1 << widestBits)
const lengths = new Uint32Array(1 << widestBits)

class LzwReader {
  readonly #input: Uint8Array
  readonly #most: number
  #output: Buffer
  #length = 0
  #at = 0
  #bits = 0
  #bitCount = 0

  constructor(input: Uint8Array, most: number) {
    this.#input = input
    this.#most = most
    this.#output = Buffer.allocUnsafe(Math.min(most, input.length * 4 + 64))
  }

  read(): Uint8Array | undefined {
    let width = 9
    let highest = endCode
    let previous = -1
    for (;;) {
      const code = this.#code(width)
      if (code === undefined) return undefined
      if (code === clearCode) {
        width = 9
        highest = endCode
        previous = -1
        continue
      }
      if (code === endCode) return this.#output.subarray(0, this.#length)
      if (!this.#put(code, previous, highest)) return undefined
      if (previous >= 0 && highest < lastCode) {
        highest += 1
        suffixes[highest] = this.#output[this.#length - this.#lengthOf(code, previous, highest)] ?? 0
        prefixes[highest] = previous
        lengths[highest] = (previous < clearCode ? 1 : (lengths[previous] ?? 0)) + 1
      }
      previous = code
      if (highest + 1 >= 1 << width && width < widestBits) width += 1
    }
  }

  #lengthOf(code: number, previous: number, highest: number): number {
    if (code < clearCode) return 1
    if (code === highest) return (previous < clearCode ? 1 : (lengths[previous] ?? 0)) + 1
    return lengths[code] ?? 1
  }

  #code(width: number): number | undefined {
    while (this.#bitCount < width) {
      const byte = this.#input[this.#at]
      if (byte === undefined) return undefined
      this.#at += 1
      this.#bits |= byte << this.#bitCount
      this.#bitCount += 8
    }
    const code = this.#bits & ((1 << width) - 1)
    this.#bits >>>= width
    this.#bitCount -= width
    return code
  }

  /** Unpacks one code; false if it stands for nothing or there is no room. */
  #put(code: number, previous: number, highest: number): boolean {
    if (code < clearCode) {
      if (!this.#grow(1)) return false
      this.#output[this.#length - 1] = code
      return true
    }
    // The one code that may be used in the same step in which it is defined: previous text plus its own first byte.
    const isNext = code === highest + 1 && previous >= 0 && highest < lastCode
    if (code > highest && !isNext) return false
    const from = isNext ? previous : code
    const length = from < clearCode ? 1 : (lengths[from] ?? 0)
    if (!this.#grow(isNext ? length + 1 : length)) return false
    let at = this.#length - (isNext ? 2 : 1)
    let one = from
    while (one >= clearCode) {
      this.#output[at] = suffixes[one] ?? 0
      at -= 1
      one = prefixes[one] ?? 0
    }
    this.#output[at] = one
    if (isNext) this.#output[this.#length - 1] = one
    return true
  }

  #grow(by: number): boolean {
    const length = this.#length + by
    if (length > this.#most) return false
    if (length > this.#output.length) {
      const larger = Buffer.allocUnsafe(Math.min(this.#most, Math.max(length, this.#output.length * 2)))
      this.#output.copy(larger, 0, 0, this.#length)
      this.#output = larger
    }
    this.#length = length
    return true
  }
}
