// What hostile peers of a public listener get: each its code, and none of them touches the connection of another one.
import net from 'node:net'
import tls from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { limits } from '../../../src/model/limits.ts'
import type { RootsResource } from '../../../src/model/proxy-config.ts'
import { FrameBytes, putData, putHello, putOpen } from '../../../src/wire/tunnel/encode.ts'
import { tunnelAlpn } from '../../../src/wire/tunnel/frame.ts'
import { encodeMetadata } from '../../../src/wire/tunnel/metadata.ts'
import { type IssuedLeaf, TestAuthority } from './authority.ts'
import { describeFrames, opening } from './frames.ts'
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
const removed = new TestAuthority(authority.trustDomain)
const partner = new TestAuthority('99999999-8888-7777-6666-555555555555.consul')
const folder = temporaryFolder()
let backend: LabHost
let service: CountingService
let port: number
let bystander: Peer
let slow: { readonly socket: net.Socket; readonly ended: Promise<void> }

const rootsOf = (...authorities: readonly TestAuthority[]): RootsResource => ({
  kind: 'roots',
  name: authority.trustDomain,
  pems: authorities.map(({ rootPem }) => rootPem),
})

const resources = (roots: RootsResource) => [
  roots,
  partner.rootsResource(),
  leaf,
  policy('backend', 'allow'),
  // A flood keeps a slow machine busy for longer than the usual two seconds.
  inbound('backend', port, service.port, { localConnectTimeoutMs: 60_000 }),
]

const leaf = authority.leafResource('backend')
const metadata = { source: 'web', target: 'backend', datacenter: 'dc1', instance: 'beta/backend' }

/** A peer on a raw TLS connection, reading unless told otherwise. */
class Peer {
  readonly socket: tls.TLSSocket
  received = 0
  closed: boolean = false
  private readonly parts: Buffer[] = []

  constructor(identity: IssuedLeaf) {
    this.socket = tls.connect({
      port,
      host: '127.0.0.1',
      cert: identity.certificatePem,
      key: identity.privateKeyPem,
      rejectUnauthorized: false,
      ALPNProtocols: [tunnelAlpn],
    })
    this.socket.on('error', () => {})
    this.socket.once('close', () => {
      this.closed = true
    })
    this.socket.on('data', (part: Buffer) => {
      this.received += part.length
      this.parts.push(part)
    })
  }

  frames(): readonly string[] {
    return describeFrames(Buffer.concat(this.parts))
  }

  /** Waits for a frame, as `describeFrames` names it. */
  async sees(frame: string): Promise<void> {
    await until(`${frame} among ${this.frames().slice(-3).join(', ')}`, () => this.frames().includes(frame))
  }
}

function dataFrame(bytes: Buffer): Buffer {
  const frames = new FrameBytes()
  putData(frames, 1, bytes)
  return Buffer.from(frames.bytes())
}

/** The stream of the peer that behaves: what it says still comes back. */
async function bystanderIsServed(word: string): Promise<void> {
  bystander.socket.write(dataFrame(Buffer.from(word)))
  await bystander.sees(`data ${JSON.stringify(word)}`)
}

beforeAll(async () => {
  backend = await startHost(folder.path)
  service = await startService()
  port = await freePort()
  await backend.publish(resources(rootsOf(authority, removed)))
  bystander = new Peer(authority.service('web'))
  bystander.socket.write(opening(metadata))
  await bystander.sees('ack')
  slow = startSlowHandshake()
})

afterAll(async () => {
  slow.socket.destroy()
  bystander.socket.destroy()
  await backend.stop()
  await service.close()
  folder.remove()
})

/** A first TLS message that never ends: a byte now and then. */
function startSlowHandshake(): { readonly socket: net.Socket; readonly ended: Promise<void> } {
  const socket = net.connect(port, '127.0.0.1')
  socket.on('error', () => {})
  // A handshake record of 512 bytes that holds a ClientHello of 508.
  const start = Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3])
  let at = 0
  const timer = setInterval(() => {
    socket.write(at < start.length ? start.subarray(at, at + 1) : Buffer.alloc(1))
    at += 1
  }, 200)
  const ended = new Promise<void>((resolve) => {
    socket.once('close', () => {
      clearInterval(timer)
      resolve()
    })
  })
  return { socket, ended }
}

test('a leaf whose URI is of another trust domain than the root that signed it: untrusted-certificate', async () => {
  // Both domains are trusted here, each for its own names.
  const uri = `spiffe://${partner.trustDomain}/ns/default/dc/dc1/svc/web`
  const peer = new Peer(authority.issueUri(uri))
  await peer.sees('goaway untrusted-certificate')
  expect(backend.log.refusals('untrusted-certificate').at(-1)).toMatchObject({ peerUri: uri })
  await bystanderIsServed('after the foreign one')
})

test('a leaf of a root that was removed: its session is ended, and a new one refused: untrusted-certificate', async () => {
  const identity = removed.service('web')
  const before = new Peer(identity)
  before.socket.write(opening(metadata))
  await before.sees('ack')
  await backend.publish(resources(rootsOf(authority)))
  await before.sees('goaway untrusted-certificate')
  await until('its end', () => before.closed)
  const after = new Peer(identity)
  await after.sees('goaway untrusted-certificate')
  expect(after.frames()).toEqual(['hello', 'goaway untrusted-certificate'])
  await bystanderIsServed('after the removed root')
})

test('a peer that sends more than its credit: protocol-error', async () => {
  const peer = new Peer(authority.service('web'))
  peer.socket.write(opening(metadata))
  await peer.sees('ack')
  // What the service answers is not taken back, so it stops reading, and no credit comes any more.
  const frame = dataFrame(Buffer.alloc(limits.tunnelFrameBytes))
  for (let sent = 0; sent < 64 * limits.streamWindowBytes && !peer.closed; sent += limits.tunnelFrameBytes)
    peer.socket.write(frame)
  await until('its end', () => peer.closed)
  expect(peer.frames().at(-1)).toBe('goaway protocol-error')
  expect(backend.log.refusals('protocol-error').at(-1)).toMatchObject({ source: 'web' })
  await bystanderIsServed('after the overrun')
})

/** 100,000 openings, each for a stream of its own; `round` continues with further ones. */
function manyOpenings(round = 0): Buffer {
  const encoded = encodeMetadata(metadata)
  if (encoded === undefined) throw new Error('the metadata is too long')
  const frames = new FrameBytes()
  if (round === 0) putHello(frames)
  for (let at = round * 100_000; at < (round + 1) * 100_000; at += 1)
    putOpen(frames, 1 + 2 * at, { version: 1, credit: 65_536, metadata: encoded })
  return Buffer.from(frames.bytes())
}

test('100,000 openings without data: as many streams as a session may have, the rest too-many-connections', async () => {
  const connected = service.connections
  const peer = new Peer(authority.service('web'))
  peer.socket.write(manyOpenings())
  const isAnswer = (frame: string): boolean => frame === 'ack' || frame.startsWith('refused')
  let counted = 0
  await until('all answers', () => {
    // Counting frames is dear: only when nothing came since the last look.
    const settled = peer.received === counted
    counted = peer.received
    return settled && peer.frames().filter(isAnswer).length === 100_000
  })
  const frames = peer.frames()
  const refused = frames.filter((frame) => frame === 'refused too-many-connections').length
  expect(frames.filter((frame) => frame === 'ack')).toHaveLength(100_000 - refused)
  expect(refused).toBe(100_000 - limits.streamsPerSession)
  await until('all connections', () => service.connections - connected >= limits.streamsPerSession)
  expect(service.connections - connected).toBe(limits.streamsPerSession)
  await bystanderIsServed('after the flood')
  peer.socket.destroy()
  await until('the end of its connections', () => service.sockets.size <= 2)
})

test('the same from a peer that reads no answer: it is dropped before they fill the memory', async () => {
  const peer = new Peer(authority.service('web'))
  peer.socket.pause()
  const dropped = (): boolean =>
    backend.log.refusals('protocol-error').some(({ text }) => text === 'the peer does not read')
  // What the kernel keeps for the two sockets is filled first.
  for (let round = 0; round < 10 && !dropped(); round += 1) {
    const bytes = manyOpenings(round)
    await new Promise((resolve) => peer.socket.write(bytes, resolve))
  }
  await until('the refusal in the log', dropped)
  await bystanderIsServed('after the deaf one')
  peer.socket.destroy()
})

test('a handshake that trickles in byte by byte: idle-timeout', async () => {
  await slow.ended
  expect(backend.log.refusals('idle-timeout')).toMatchObject([{ source: '', destination: 'backend' }])
  await bystanderIsServed('after the slow one')
})
