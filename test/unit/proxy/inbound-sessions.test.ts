// What a peer may do with a session that it keeps: as long as its certificate is good, not for nothing, not without end.
import tls from 'node:tls'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { limits } from '../../../src/model/limits.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import type { Clock } from '../../../src/platform/ports.ts'
import { FrameBytes, putData, putHello, putOpen, putReset } from '../../../src/wire/tunnel/encode.ts'
import { tunnelAlpn } from '../../../src/wire/tunnel/frame.ts'
import { encodeMetadata } from '../../../src/wire/tunnel/metadata.ts'
import { TestAuthority } from './authority.ts'
import { describeFrames } from './frames.ts'
import {
  type CountingService,
  freePort,
  inbound,
  type LabHost,
  policy,
  startHost,
  startService,
  temporaryFolder,
  until,
} from './lab.ts'

const authority = new TestAuthority()
const folder = temporaryFolder()
let service: CountingService
let backend: LabHost
let port: number
/** Moves the listener's time of day. */
let laterMs = 0
/** What runs when sessions have been idle for long; the tests decide when that is. */
const idle = new Set<() => void>()

const after: Clock['after'] = (delayMs, callback) => {
  if (delayMs !== limits.tunnelIdleMs) return systemClock.after(delayMs, callback)
  idle.add(callback)
  return { cancel: () => idle.delete(callback) }
}
const clock: Clock = { ...systemClock, after, wallMs: () => systemClock.wallMs() + laterMs }

beforeAll(async () => {
  service = await startService()
})
afterAll(async () => {
  await service.close()
  folder.remove()
})

beforeEach(async () => {
  laterMs = 0
  idle.clear()
  backend = await startHost(folder.path, { clock, maxConnections: 2 })
  port = await freePort()
  await backend.publish([
    authority.rootsResource(),
    authority.leafResource('backend', 10 * 3_600_000),
    policy('backend', 'deny', [{ sourceName: 'web', destinationName: 'backend', action: 'allow' }]),
    inbound('backend', port, service.port),
  ])
  // The look at certificates may wait as long, and sets its own timer anew.
  idle.clear()
})
afterEach(() => backend.stop())

interface Session {
  send(put: (frames: FrameBytes) => void): void
  readonly ended: () => boolean
  /** Waits until these frames and no others have come. */
  sees(...frames: readonly string[]): Promise<void>
}

function openSession(source: string): Session {
  const leaf = authority.service(source)
  const socket = tls.connect({
    port,
    host: '127.0.0.1',
    cert: leaf.certificatePem,
    key: leaf.privateKeyPem,
    rejectUnauthorized: false,
    ALPNProtocols: [tunnelAlpn],
  })
  const parts: Buffer[] = []
  let ended = false
  socket.on('error', () => undefined)
  socket.on('data', (part: Buffer) => parts.push(part))
  socket.on('end', () => {
    ended = true
    socket.destroy()
  })
  const send = (put: (frames: FrameBytes) => void): void => {
    const frames = new FrameBytes()
    put(frames)
    socket.write(Buffer.from(frames.bytes()))
  }
  send(putHello)
  return {
    send,
    ended: () => ended,
    async sees(...wanted) {
      let seen: readonly string[] = []
      await until(wanted.join(', '), () => {
        seen = describeFrames(Buffer.concat(parts))
        return seen.length >= wanted.length
      })
      expect(seen).toEqual(wanted)
    },
  }
}

const open =
  (id: number, source: string) =>
  (frames: FrameBytes): void => {
    const metadata = encodeMetadata({
      source,
      target: 'backend',
      datacenter: 'dc1',
      instance: 'beta/backend',
    })
    if (metadata === undefined) throw new Error('the metadata is too long')
    putOpen(frames, id, { version: 1, credit: 65_536, metadata })
  }

test('with an expired certificate a session opens no stream any more; the open one goes on', async () => {
  const session = openSession('web')
  session.send(open(1, 'web'))
  await session.sees('hello', 'ack')
  laterMs = 2 * 3_600_000
  session.send(open(3, 'web'))
  await session.sees('hello', 'ack', 'refused expired-certificate', 'goaway draining')
  session.send((frames) => putData(frames, 1, Buffer.from('still here')))
  await session.sees('hello', 'ack', 'refused expired-certificate', 'goaway draining', 'data "still here"')
  expect(backend.log.refusals('expired-certificate').at(-1)).toMatchObject({ source: 'web' })
})

test('a peer that is denied cannot keep its session', async () => {
  const session = openSession('nobody')
  session.send(open(1, 'nobody'))
  await session.sees('hello', 'refused denied-by-default')
  for (const run of [...idle]) run()
  await until('the end of the session', session.ended)
  await session.sees('hello', 'refused denied-by-default', 'goaway draining')
  await until('its place to be free', () => backend.worker.connections() === 0)
})

test('a session waits for its next stream, and is not idle while that one is open', async () => {
  const session = openSession('web')
  session.send(open(1, 'web'))
  await session.sees('hello', 'ack')
  expect(idle.size).toBe(0)
  session.send((frames) => putReset(frames, 1, 'closed', ''))
  await until('the session to be idle', () => idle.size === 1)
  session.send(open(3, 'web'))
  await session.sees('hello', 'ack', 'ack')
  expect(idle.size).toBe(0)
})

test('each further stream of a session counts as a connection, until it ends', async () => {
  const session = openSession('web')
  for (const id of [1, 3, 5]) session.send(open(id, 'web'))
  await until('two streams', () => service.sockets.size === 2)
  await until('the refusal', () => backend.log.refusals('too-many-connections').length === 1)
  session.send((frames) => putReset(frames, 3, 'closed', ''))
  await until('one stream', () => service.sockets.size === 1)
  session.send(open(7, 'web'))
  await until('two streams again', () => service.sockets.size === 2)
})
