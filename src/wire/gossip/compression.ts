/** memberlist's compressed message: a map with the algorithm, which is LZW, and the packed bytes of another message. */
import { limits } from '../../model/limits.ts'
import { decompressLzw } from './lzw.ts'
import { MsgpackReader } from './msgpack-reader.ts'

const lzw = 0

/** Text that says why more bytes are needed. */
export const incomplete = 'truncated'

/** The message inside, at most `most` bytes, or what is wrong. `bytes` starts with the type. */
export function readCompressed(bytes: Uint8Array, most: number): Uint8Array | string {
  const reader = new MsgpackReader(bytes, 1)
  let algorithm = -1
  let packed: Uint8Array | undefined
  for (let entries = reader.map(); entries > 0 && reader.fault === ''; entries -= 1) {
    const key = reader.text(16)
    if (key === 'Algo') algorithm = reader.unsigned(0xff)
    else if (key === 'Buf') packed = reader.bytes(limits.gossipStreamBytes)
    else reader.skip()
  }
  if (reader.isTruncated) return incomplete
  if (reader.fault !== '') return reader.fault
  if (algorithm !== lzw || packed === undefined) return `compression ${algorithm} is not known`
  return decompressLzw(packed, most) ?? 'compressed bytes are damaged or too many'
}
