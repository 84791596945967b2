// How far a peer may send ahead: on a long way as much as it takes to fill it, on a short way the first window.
import { expect, test } from 'vitest'
import { limits } from '../../../src/model/limits.ts'
import type { TunnelStream } from '../../../src/proxy/transport/stream.ts'
import { encodeMetadata } from '../../../src/wire/tunnel/metadata.ts'
import { type End, exchangeAll, makeEnd, Recorder } from './memory.ts'

const metadata =
  encodeMetadata({ source: 'web', target: 'backend', datacenter: 'dc1', instance: 'i' }) ?? Buffer.alloc(0)

const zeros = Buffer.alloc(limits.tunnelBacklogBytes)

/** Two ends with a way of `oneWayMs` between them, `streams` open on it. */
function connect(
  oneWayMs: number,
  streams: number,
): { readonly far: End; turn(queueMs?: number): number; close(): void } {
  let nowMs = 0
  const far = makeEnd(
    'acceptor',
    undefined,
    (stream) => stream.accept(),
    () => nowMs,
  )
  const near = makeEnd('dialler', undefined, undefined, () => nowMs)
  const senders: TunnelStream[] = []
  for (let n = 0; n < streams; n += 1)
    near.session.open(metadata, {
      onAck: (stream) => {
        senders.push(stream)
        new Recorder(stream)
      },
      onRefused: () => {},
    })
  exchangeAll(near, far)
  for (const { stream } of far.offered) new Recorder(stream)
  return {
    far,
    /** Sends all that may be sent, once there and back, `queueMs` longer than the way; the bytes of it. */
    turn(queueMs = 0) {
      let sent = 0
      for (const stream of senders)
        for (let room = stream.room(); room > 0; room = stream.room()) {
          stream.send(zeros.subarray(0, room))
          sent += room
          near.turnEnd.run()
          const bytes = near.socket.take()
          nowMs += sent === room ? oneWayMs : 0
          far.session.receive(bytes)
        }
      far.turnEnd.run()
      const back = far.socket.take()
      nowMs += oneWayMs + queueMs
      near.session.receive(back)
      return sent
    },
    close() {
      for (const stream of senders) stream.reset('closed', '')
      exchangeAll(near, far)
    },
  }
}

const most = (turns: number, turn: () => number): number =>
  Math.max(...Array.from({ length: turns }, () => turn()))

test('on a long way the window doubles until it is filled by what is under way, and stops at its bound', () => {
  const { turn } = connect(20, 1)
  expect(turn()).toBe(limits.streamWindowBytes)
  expect(most(15, turn)).toBe(limits.streamWindowMaxBytes)
})

test('on a short way it stays what it was', () => {
  const { turn } = connect(0.2, 1)
  expect(most(50, turn)).toBe(limits.streamWindowBytes)
})

test('round trips that are long because bytes stand in queues do not let it grow', () => {
  const { turn } = connect(0.2, 1)
  turn()
  expect(most(50, () => turn(30))).toBe(limits.streamWindowBytes)
  const long = connect(20, 1)
  const first = most(5, () => long.turn())
  expect(first).toBeGreaterThan(limits.streamWindowBytes)
  expect(most(50, () => long.turn(200))).toBeLessThanOrEqual(2 * first)
})

test('all streams of a session together get no more than the budget, and an ended one gives its part back', () => {
  const first = limits.streamWindowBytes
  const { far, turn, close } = connect(20, 6)
  expect(most(10, turn)).toBeLessThanOrEqual(6 * first + limits.sessionWindowBytes)
  expect(far.session.window.growth(first)).toBe(0)
  close()
  expect(far.session.window.growth(first)).toBe(limits.streamWindowMaxBytes - first)
})
