// Conversations of a tunnel as a hostile or broken peer would have them: plausible frames, then damage. From a seed.
import {
  FrameBytes,
  putAck,
  putData,
  putFin,
  putGoaway,
  putHello,
  putOpen,
  putPing,
  putRefused,
  putReset,
  putWindow,
} from '../../src/wire/tunnel/encode.ts'
import { encodeMetadata } from '../../src/wire/tunnel/metadata.ts'

/** mulberry32: 32 bits of state, good enough to vary inputs. */
export function seeded(seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

export const metadata = encodeMetadata({ source: 'web', target: 'backend', datacenter: 'dc1', instance: 'i' })
const datagramMetadata = encodeMetadata({
  source: 'web',
  target: 'backend',
  datacenter: 'dc1',
  instance: 'i',
  protocol: 'udp',
})
export const payload = Buffer.alloc(70_000, 7)

/** Of a stream of bytes, or more rarely of datagrams. */
const anyMetadata = (random: (below: number) => number): Buffer =>
  (random(4) === 0 ? datagramMetadata : metadata) ?? payload

export function putRandomFrame(to: FrameBytes, random: (below: number) => number): void {
  const stream = 1 + 2 * random(3)
  switch (random(12)) {
    case 0:
      putHello(to, { min: 1, max: 1 + random(3) })
      return
    case 1:
    case 2:
      putOpen(to, stream, {
        version: 1 + random(2),
        credit: random(100_000),
        metadata: anyMetadata(random),
      })
      return
    case 3:
      putAck(to, stream, random(100_000))
      return
    case 4:
      putRefused(to, stream, 'draining', 'x'.repeat(random(300)))
      return
    case 5:
    case 6:
      putData(to, stream, payload.subarray(0, 1 + random(random(8) === 0 ? 65_536 : 200)))
      return
    case 7:
      putFin(to, stream)
      return
    case 8:
      putReset(to, stream, 'closed', '')
      return
    case 9:
      putWindow(to, stream, 1 + random(200_000))
      return
    case 10:
      putPing(to, random(2) === 0 ? 'ping' : 'pong', payload)
      return
    default:
      putGoaway(to, random(2) === 0 ? 'draining' : 'closed', random(5), '')
      return
  }
}

/** A plausible conversation of one side, then damaged: bytes changed, cut out, doubled, or left as they are. */
export function sequence(role: 'dialler' | 'acceptor', random: (below: number) => number): Buffer {
  const frames = new FrameBytes()
  if (random(20) > 0) putHello(frames)
  for (let stream = 1; stream <= 5; stream += 2) {
    if (random(10) === 0) continue
    if (role === 'dialler') putAck(frames, stream, random(100_000))
    else putOpen(frames, stream, { version: 1, credit: random(100_000), metadata: anyMetadata(random) })
  }
  for (let count = random(8); count > 0; count -= 1) putRandomFrame(frames, random)
  const bytes = Buffer.from(frames.bytes())
  if (bytes.length === 0) return bytes
  switch (random(4)) {
    case 0:
      for (let changes = 1 + random(4); changes > 0; changes -= 1) bytes[random(bytes.length)] = random(256)
      return bytes
    case 1:
      return bytes.subarray(0, random(bytes.length))
    case 2: {
      const at = random(bytes.length)
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(random(bytes.length))])
    }
    default:
      return bytes
  }
}
