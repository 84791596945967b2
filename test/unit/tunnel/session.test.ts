// The session's rules: credit, ends, limits, and what a peer that breaks them is told.
import { expect, test } from 'vitest'
import { limits } from '../../../src/model/limits.ts'
import type { TunnelStream } from '../../../src/proxy/transport/stream.ts'
import {
  FrameBytes,
  putAck,
  putData,
  putFin,
  putGoaway,
  putHello,
  putOpen,
  putPing,
  putReset,
  putWindow,
} from '../../../src/wire/tunnel/encode.ts'
import { encodeMetadata } from '../../../src/wire/tunnel/metadata.ts'
import { describeFrames } from '../proxy/frames.ts'
import { type End, exchangeAll, MemorySocket, makeEnd, Recorder } from './memory.ts'

const metadata =
  encodeMetadata({ source: 'web', target: 'backend', datacenter: 'dc1', instance: 'i' }) ?? Buffer.alloc(0)

interface Asked {
  readonly stream: TunnelStream
  readonly answers: string[]
}

function ask(end: End): Asked {
  const answers: string[] = []
  const stream = end.session.open(metadata, {
    onAck: () => answers.push('ack'),
    onRefused: (code, text) => answers.push(`refused ${code} ${text}`),
  })
  if (stream === undefined) throw new Error('the session takes no stream')
  return { stream, answers }
}

function connected(): { a: End; b: End; near: TunnelStream; far: TunnelStream } {
  const a = makeEnd('dialler')
  const b = makeEnd('acceptor')
  const { stream } = ask(a)
  exchangeAll(a, b)
  const far = b.offered[0]?.stream
  if (far === undefined) throw new Error('nothing was offered')
  far.accept()
  exchangeAll(a, b)
  return { a, b, near: stream, far }
}

/** Frames that a session writes when it gets `put`. */
function answerTo(end: End, put: (to: FrameBytes) => void): readonly string[] {
  end.turnEnd.run()
  end.socket.take()
  const bytes = new FrameBytes()
  put(bytes)
  end.session.receive(Buffer.from(bytes.bytes()))
  end.turnEnd.run()
  return describeFrames(end.socket.take())
}

test('bytes go both ways, and each direction ends on its own', () => {
  const { a, b, near, far } = connected()
  const [atNear, atFar] = [new Recorder(near), new Recorder(far)]
  near.send(Buffer.from('question'))
  near.end()
  exchangeAll(a, b)
  expect([atFar.text, atFar.events]).toEqual(['question', ['end']])
  far.send(Buffer.from('answer'))
  far.end()
  exchangeAll(a, b)
  expect([atNear.text, atNear.events]).toEqual(['answer', ['end']])
  expect([a.session.openStreams, b.session.openStreams]).toEqual([0, 0])
  expect(a.events).toEqual(['idle'])
})

test('everything that is sent in one turn leaves as one write', () => {
  const { a, near } = connected()
  for (let i = 0; i < 100; i += 1) near.send(Buffer.from(`part ${i};`))
  near.end()
  a.turnEnd.run()
  expect(a.socket.written).toHaveLength(1)
})

test('a sender stops when its credit is used up and goes on when the reader has taken a part', () => {
  const { a, b, near, far } = connected()
  const [sender, reader] = [new Recorder(near), new Recorder(far, false)]
  near.send(Buffer.alloc(limits.streamWindowBytes))
  expect(near.room()).toBe(0)
  exchangeAll(a, b)
  expect([reader.bytes, sender.events]).toEqual([limits.streamWindowBytes, []])
  far.accepted(limits.streamWindowBytes / 4)
  exchangeAll(a, b)
  expect(sender.events).toEqual(['room'])
  expect(near.room()).toBe(limits.streamWindowBytes / 4)
})

test('many streams share a session and do not disturb one another', () => {
  const a = makeEnd('dialler')
  const b = makeEnd('acceptor')
  const near = Array.from({ length: 50 }, () => ask(a).stream)
  exchangeAll(a, b)
  for (const { stream } of b.offered) stream.accept()
  exchangeAll(a, b)
  const readers = b.offered.map(({ stream }) => new Recorder(stream))
  near.forEach((stream, i) => {
    stream.send(Buffer.from(`stream ${i}`))
  })
  near[7]?.reset('closed', '')
  exchangeAll(a, b)
  expect(readers.map((reader) => reader.text)).toEqual(near.map((_, i) => `stream ${i}`))
  expect(readers.map((reader) => reader.events)).toEqual(
    near.map((_, i) => (i === 7 ? ['reset closed'] : [])),
  )
})

test('a refusal carries its code and text to the one who asked', () => {
  const a = makeEnd('dialler')
  const b = makeEnd('acceptor')
  const { answers } = ask(a)
  exchangeAll(a, b)
  b.offered[0]?.stream.refuse('local-connect-failed', 'ECONNREFUSED')
  exchangeAll(a, b)
  expect(answers).toEqual(['refused local-connect-failed ECONNREFUSED'])
  expect(a.events).toEqual(['idle'])
})

test('when the connection is lost every stream is told, once', () => {
  const { a, near } = connected()
  const reader = new Recorder(near)
  const asked = ask(a)
  a.session.lost()
  a.session.lost()
  expect(reader.events).toEqual(['reset closed'])
  expect(asked.answers).toHaveLength(1)
  expect(asked.answers[0]).toContain('refused closed')
})

test('a side that leaves refuses new streams and lets open ones finish', () => {
  const { a, b, near, far } = connected()
  const reader = new Recorder(far)
  b.session.leave('draining', 'bye')
  const late = ask(a)
  exchangeAll(a, b)
  expect(late.answers).toEqual(['refused draining bye'])
  expect(a.session.open(metadata, { onAck: () => {}, onRefused: () => {} })).toBeUndefined()
  near.send(Buffer.from('still here'))
  exchangeAll(a, b)
  expect(reader.text).toBe('still here')
})

test('peers without a common version part with version-mismatch', () => {
  const b = makeEnd('acceptor')
  expect(answerTo(b, (to) => putHello(to, { min: 7, max: 9 }))).toEqual(['goaway version-mismatch'])
  const c = makeEnd('acceptor')
  expect(answerTo(c, (to) => putHello(to, { min: 1, max: 9 }))).toEqual([])
})

const opened = (to: FrameBytes): void => {
  putHello(to)
  putOpen(to, 1, { version: 1, credit: 1_000, metadata })
}

test.each<[string, (to: FrameBytes) => void]>([
  ['a first frame that is no HELLO', (to) => putPing(to, 'ping', Buffer.alloc(8))],
  ['DATA before HELLO', (to) => putData(to, 1, Buffer.from('x'))],
  [
    'a second HELLO',
    (to) => {
      putHello(to)
      putHello(to)
    },
  ],
  [
    'an even stream id',
    (to) => {
      putHello(to)
      putOpen(to, 2, { version: 1, credit: 1, metadata })
    },
  ],
  [
    'a stream id used again',
    (to) => {
      opened(to)
      putOpen(to, 1, { version: 1, credit: 1, metadata })
    },
  ],
  [
    'a stream id that goes back',
    (to) => {
      putHello(to)
      putOpen(to, 5, { version: 1, credit: 1, metadata })
      putOpen(to, 3, { version: 1, credit: 1, metadata })
    },
  ],
  [
    'DATA before the answer',
    (to) => {
      opened(to)
      putData(to, 1, Buffer.from('x'))
    },
  ],
  [
    'FIN before the answer',
    (to) => {
      opened(to)
      putFin(to, 1)
    },
  ],
  [
    'WINDOW before the answer',
    (to) => {
      opened(to)
      putWindow(to, 1, 5)
    },
  ],
  [
    'ACK of a stream that the peer opened',
    (to) => {
      opened(to)
      putAck(to, 1, 5)
    },
  ],
  [
    'DATA on a stream that was never opened',
    (to) => {
      opened(to)
      putData(to, 3, Buffer.from('x'))
    },
  ],
  [
    'a credit of more than 31 bits',
    (to) => {
      putHello(to)
      putOpen(to, 1, { version: 1, credit: 0xffff_ffff, metadata })
    },
  ],
])('%s is a protocol error', (_what, put) => {
  const end = makeEnd('acceptor')
  expect(answerTo(end, put)).toContain('goaway protocol-error')
  expect(end.session.isOver).toBe(true)
})

test.each<[string, (to: FrameBytes) => void]>([
  [
    'more DATA than was granted',
    (to) => {
      for (let sent = 0; sent <= limits.streamWindowBytes; sent += 65_536)
        putData(to, 1, Buffer.alloc(65_536))
    },
  ],
  [
    'DATA after FIN',
    (to) => {
      putFin(to, 1)
      putData(to, 1, Buffer.from('x'))
    },
  ],
  [
    'a second FIN',
    (to) => {
      putFin(to, 1)
      putFin(to, 1)
    },
  ],
  [
    'credit beyond 31 bits in sum',
    (to) => {
      putWindow(to, 1, 0x7fff_ffff)
      putWindow(to, 1, 0x7fff_ffff)
    },
  ],
])('on an open stream %s is a protocol error', (_what, put) => {
  const { b, far } = connected()
  const reader = new Recorder(far, false)
  expect(answerTo(b, put)).toContain('goaway protocol-error')
  expect(reader.events.at(-1)).toBe('reset protocol-error')
})

test('frames that crossed our reset are forgiven, up to the credit that was out', () => {
  const { b, far } = connected()
  far.reset('denied-by-intention', '')
  expect(
    answerTo(b, (to) => {
      putData(to, 1, Buffer.alloc(60_000))
      putWindow(to, 1, 9)
      putFin(to, 1)
    }),
  ).toEqual([])
  expect(
    answerTo(b, (to) => {
      for (let i = 0; i < 4; i += 1) putData(to, 1, Buffer.alloc(60_000))
    }),
  ).toContain('goaway protocol-error')
})

test('a session holds a bounded number of streams', () => {
  const end = makeEnd('acceptor')
  const frames = answerTo(end, (to) => {
    putHello(to)
    for (let i = 0; i < limits.streamsPerSession + 3; i += 1)
      putOpen(to, 2 * i + 1, { version: 1, credit: 1, metadata })
  })
  expect(frames).toEqual(Array.from({ length: 3 }, () => 'refused too-many-connections'))
  expect(end.session.openStreams).toBe(limits.streamsPerSession)
})

test('a peer that pings and never reads is dropped before it fills our memory', () => {
  const end = makeEnd('acceptor', new MemorySocket(true))
  const pings = new FrameBytes()
  for (let i = 0; i < 10_000; i += 1) putPing(pings, 'ping', Buffer.alloc(8))
  const hello = new FrameBytes()
  putHello(hello)
  end.session.receive(Buffer.from(hello.bytes()))
  for (let round = 0; round < 100 && !end.session.isOver; round += 1) {
    end.session.receive(Buffer.from(pings.bytes()))
    end.turnEnd.run()
  }
  expect(end.events).toEqual(['over protocol-error: the peer does not read'])
  expect(end.outbox.backlogBytes).toBeLessThan(3 * limits.tunnelBacklogBytes)
})

test('streams wait while the socket takes nothing, and go on together when it does', () => {
  const a = makeEnd('dialler', new MemorySocket(true))
  const b = makeEnd('acceptor')
  const near = Array.from({ length: 8 }, () => ask(a).stream)
  const pump = (): void => {
    a.turnEnd.run()
    const bytes = a.socket.take()
    if (bytes.length > 0) b.session.receive(bytes)
    b.turnEnd.run()
    const back = b.socket.take()
    if (back.length > 0) a.session.receive(back)
  }
  pump()
  a.socket.drained()
  for (const { stream } of b.offered) stream.accept()
  pump()
  const senders = near.map((stream) => new Recorder(stream))
  let sent = 0
  for (const stream of near)
    for (let room = stream.room(); room > 0; room = stream.room()) {
      stream.send(Buffer.alloc(Math.min(room, 65_536)))
      sent += Math.min(room, 65_536)
    }
  expect(sent).toBeLessThanOrEqual(limits.tunnelBacklogBytes + 100)
  expect(senders.some((sender) => sender.events.includes('room'))).toBe(false)
  pump()
  a.socket.drained()
  expect(senders.filter((sender) => sender.events.includes('room')).length).toBeGreaterThan(0)
})

test('a goaway with a reason ends everything with that reason', () => {
  const { a, near } = connected()
  const reader = new Recorder(near)
  answerTo(a, (to) => putGoaway(to, 'untrusted-certificate', 0, 'no'))
  expect(reader.events).toEqual(['reset untrusted-certificate'])
  expect(a.events).toEqual(['over untrusted-certificate: no'])
})

test('an opening that is taken back before its answer is reset at the other side', () => {
  const a = makeEnd('dialler')
  const b = makeEnd('acceptor')
  const { stream } = ask(a)
  exchangeAll(a, b)
  const far = b.offered[0]?.stream
  const reader = far === undefined ? undefined : new Recorder(far)
  stream.reset('closed', '')
  exchangeAll(a, b)
  expect(reader?.events).toEqual(['reset closed'])
  expect(answerTo(a, (to) => putReset(to, 1, 'closed', ''))).toEqual([])
})
