// Packs as Go's compress/lzw and memberlist do, to say to our readers what a peer with compression says. Golden vectors made by
// Go hold it to the byte (test/unit/gossip/golden.test.ts).
import { messageTypes } from '../../src/wire/gossip/message-type.ts'
import { MsgpackWriter } from '../../src/wire/gossip/msgpack-writer.ts'

const clearCode = 256
const endCode = 257
const widestBits = 12
const lastCode = (1 << widestBits) - 1
const tableSlots = 1 << 14
const algorithm = 0

/** A message as memberlist packs it. */
export function writeCompressed(message: Uint8Array): Uint8Array {
  const packed = compressLzw(message)
  const to = new MsgpackWriter(packed.length + 32)
  to.byte(messageTypes.compressed).map(2).text('Algo').unsigned(algorithm).text('Buf').bytes(packed)
  return to.result()
}

/** Bits are written least significant first. */
class BitSink {
  #bytes: Buffer
  #length = 0
  #pending = 0
  #pendingBits = 0

  constructor(expectedBytes: number) {
    this.#bytes = Buffer.allocUnsafe(expectedBytes)
  }

  put(code: number, width: number): void {
    this.#pending |= code << this.#pendingBits
    this.#pendingBits += width
    while (this.#pendingBits >= 8) {
      this.#byte(this.#pending & 0xff)
      this.#pending >>>= 8
      this.#pendingBits -= 8
    }
  }

  finish(): Uint8Array {
    if (this.#pendingBits > 0) this.#byte(this.#pending & 0xff)
    return this.#bytes.subarray(0, this.#length)
  }

  #byte(value: number): void {
    if (this.#length === this.#bytes.length)
      this.#bytes = Buffer.concat([this.#bytes], this.#bytes.length * 2 + 64)
    this.#bytes[this.#length] = value
    this.#length += 1
  }
}

/** Of `prefix << 8 | byte` + 1; 0 is a free slot. Reused: compression never interleaves. */
const keys = new Uint32Array(tableSlots)
const codes = new Uint16Array(tableSlots)

function slotOf(key: number): number {
  let slot = ((key >>> widestBits) ^ key) & (tableSlots - 1)
  while (keys[slot] !== 0 && keys[slot] !== key) slot = (slot + 1) & (tableSlots - 1)
  return slot
}

export function compressLzw(bytes: Uint8Array): Uint8Array {
  const sink = new BitSink(bytes.length + 16)
  let width = 9
  let highest = endCode
  const first = bytes[0]
  sink.put(clearCode, width)
  if (first === undefined) {
    sink.put(endCode, width)
    return sink.finish()
  }
  keys.fill(0)
  let prefix = first
  for (let at = 1; at < bytes.length; at += 1) {
    const byte = bytes[at] ?? 0
    const key = ((prefix << 8) | byte) + 1
    const slot = slotOf(key)
    if (keys[slot] === key) {
      prefix = codes[slot] ?? 0
      continue
    }
    sink.put(prefix, width)
    prefix = byte
    highest += 1
    if (highest === 1 << width) width += 1
    if (highest === lastCode) {
      sink.put(clearCode, width)
      width = 9
      highest = endCode
      keys.fill(0)
    } else {
      keys[slot] = key
      codes[slot] = highest
    }
  }
  sink.put(prefix, width)
  highest += 1
  if (highest === 1 << width) width += 1
  sink.put(endCode, width)
  return sink.finish()
}
