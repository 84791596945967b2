// Frames as a test reads and writes them on a raw connection.

import { FrameDecoder, readEnd, readGoaway } from '../../../src/wire/tunnel/decode.ts'
import { FrameBytes, putHello, putOpen } from '../../../src/wire/tunnel/encode.ts'
import { frameTypes } from '../../../src/wire/tunnel/frame.ts'
import type { OpenMetadata } from '../../../src/wire/tunnel/metadata.ts'
import { encodeMetadata } from '../../../src/wire/tunnel/metadata.ts'

const nameOfType = new Map<number, string>(Object.entries(frameTypes).map(([name, type]) => [type, name]))

/** Frames in order, as short texts: `hello`, `data "x"`, `goaway no-certificate`. */
export function describeFrames(bytes: Buffer): readonly string[] {
  const seen: string[] = []
  const decoder = new FrameDecoder()
  decoder.push(bytes, {
    onData: (_stream, part) => {
      seen.push(`data ${JSON.stringify(part.toString())}`)
      return true
    },
    onFrame: (type, _stream, payload) => {
      const name = nameOfType.get(type) ?? String(type)
      const end =
        type === frameTypes.goaway
          ? readGoaway(payload)?.code
          : type === frameTypes.refused || type === frameTypes.reset
            ? readEnd(payload)?.code
            : undefined
      seen.push(end === undefined ? name : `${name} ${end}`)
      return true
    },
  })
  if (decoder.fault !== '') seen.push(`fault: ${decoder.fault}`)
  return seen
}

/** What a dialler sends first: HELLO and one OPEN. */
export function opening(metadata: OpenMetadata, version = 1): Buffer {
  const frames = new FrameBytes()
  putHello(frames)
  const encoded = encodeMetadata(metadata)
  if (encoded === undefined) throw new Error('the metadata is too long')
  putOpen(frames, 1, { version, credit: 65_536, metadata: encoded })
  return Buffer.from(frames.bytes())
}
