// 120,000 damaged frame sequences against both ends of a session: nothing throws, nothing grows, and no stream gets a
// byte more than it granted. Sequences come from a seed, which a failure names.
import { expect, test } from 'vitest'
import { limits } from '../../src/model/limits.ts'
import type { TunnelStream } from '../../src/proxy/transport/stream.ts'
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
import { type End, MemorySocket, makeEnd, Recorder } from '../unit/tunnel/memory.ts'

const sequences = 120_000

/** mulberry32: 32 bits of state, good enough to vary inputs. */
function seeded(seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

const metadata = encodeMetadata({ source: 'web', target: 'backend', datacenter: 'dc1', instance: 'i' })
const payload = Buffer.alloc(70_000, 7)

function putRandomFrame(to: FrameBytes, random: (below: number) => number): void {
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
        metadata: metadata ?? payload,
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
function sequence(role: 'dialler' | 'acceptor', random: (below: number) => number): Buffer {
  const frames = new FrameBytes()
  if (random(20) > 0) putHello(frames)
  for (let stream = 1; stream <= 5; stream += 2) {
    if (random(10) === 0) continue
    if (role === 'dialler') putAck(frames, stream, random(100_000))
    else putOpen(frames, stream, { version: 1, credit: random(100_000), metadata: metadata ?? payload })
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

/** The local side does something allowed with a stream that it has. */
function act(stream: TunnelStream, random: (below: number) => number): void {
  switch (random(6)) {
    case 0:
      if (stream.phase === 'offered') stream.refuse('local-connect-failed', '')
      return
    case 1:
      stream.end()
      return
    case 2:
      stream.reset('closed', '')
      return
    case 3: {
      const room = Math.min(stream.room(), payload.length)
      if (room > 0) stream.send(payload.subarray(0, 1 + random(room)))
      return
    }
    default:
      if (stream.phase === 'offered') stream.accept()
  }
}

let bytesRead = 0

class Granted extends Recorder {
  private left = limits.streamWindowBytes

  override onData(bytes: Buffer): void {
    bytesRead += bytes.length
    this.left -= bytes.length
    if (this.left < 0) throw new Error('more bytes than were granted')
  }
}

function play(role: 'dialler' | 'acceptor', random: (below: number) => number): End {
  const streams: TunnelStream[] = []
  const end = makeEnd(role, new MemorySocket(), (stream) => {
    new Granted(stream, false)
    streams.push(stream)
    if (random(4) > 0) act(stream, random)
  })
  if (role === 'dialler')
    for (let count = 3; count > 0; count -= 1) {
      const stream = end.session.open(metadata ?? payload, {
        onAck: (acked) => new Granted(acked, false),
        onRefused: () => {},
      })
      if (stream !== undefined) streams.push(stream)
    }
  const bytes = sequence(role, random)
  for (let at = 0; at < bytes.length; ) {
    const size = random(3) === 0 ? 1 + random(20) : bytes.length
    end.session.receive(bytes.subarray(at, at + size))
    at += size
    const stream = streams[random(streams.length + 1)]
    if (stream !== undefined && stream.phase !== 'asked') act(stream, random)
    end.turnEnd.run()
  }
  return end
}

test('damaged frame sequences neither throw nor grow, on either side', () => {
  const seed = 20_260_101
  let overs = 0
  let openings = 0
  for (let round = 0; round < sequences; round += 1) {
    const role = round % 2 === 0 ? 'acceptor' : 'dialler'
    let end: End
    try {
      end = play(role, seeded(seed + round))
    } catch (error) {
      throw new Error(`sequence ${round} of seed ${seed}, ${role}`, { cause: error })
    }
    if (end.session.openStreams > 8 || end.outbox.backlogBytes > limits.tunnelBacklogBytes)
      throw new Error(`sequence ${round} of seed ${seed}: something grew`)
    if (end.session.isOver) overs += 1
    openings += end.offered.length
  }
  // The sequences are worth their time: many go deep, many are found out.
  expect(overs).toBeGreaterThan(sequences / 5)
  expect(overs).toBeLessThan(sequences * 0.9)
  expect(openings).toBeGreaterThan(sequences / 2)
  expect(bytesRead).toBeGreaterThan(sequences * 100)
})

test('after its end a session writes nothing and calls nobody', () => {
  for (let round = 0; round < 5_000; round += 1) {
    const random = seeded(77 + round)
    const end = play('acceptor', random)
    if (!end.session.isOver) continue
    end.turnEnd.run()
    end.socket.take()
    const events = end.events.length
    const more = new FrameBytes()
    for (let count = 5; count > 0; count -= 1) putRandomFrame(more, random)
    end.session.receive(Buffer.from(more.bytes()))
    end.turnEnd.run()
    if (end.socket.take().length > 0 || end.events.length > events) throw new Error(`round ${round}`)
  }
})
