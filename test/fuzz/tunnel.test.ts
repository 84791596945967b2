// Damaged frame sequences (MESH_TUNNEL_SEQUENCES says how many) against both ends of a session: nothing throws, nothing grows, and no stream gets a
// byte more than it granted. Sequences come from a seed, which a failure names.
import { expect, test } from 'vitest'
import { limits } from '../../src/model/limits.ts'
import type { TunnelStream } from '../../src/proxy/transport/stream.ts'
import { FrameBytes } from '../../src/wire/tunnel/encode.ts'
import { type End, MemorySocket, makeEnd, Recorder } from '../unit/tunnel/memory.ts'
import { metadata, payload, putRandomFrame, seeded, sequence } from './tunnel-sequences.ts'

const sequences = Number(process.env['MESH_TUNNEL_SEQUENCES'] ?? 120_000)

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
