// What the doctor finds when it goes to a server: one of its own mesh, of another one, none at all; and what time it is there.
import { createServer, type Server } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { visitGossip, visitServer } from '../../../src/command/doctor/look/servers.ts'
import { enrolledHost, Stage, type TestHost, type TestServer } from '../rpc/harness.ts'

const stage = new Stage()
let server: TestServer
let host: TestHost

beforeAll(async () => {
  server = await stage.server()
  host = enrolledHost(server.cluster)
})
afterAll(() => stage.close())

/** Of a plain listener that does `serve` with each connection; its address. */
async function listener(serve: Parameters<typeof createServer>[1]): Promise<string> {
  const plain: Server = createServer(serve)
  await new Promise<void>((done) => plain.listen(0, '127.0.0.1', done))
  stage.later(() => new Promise<void>((done) => void plain.close(() => done())))
  const address = plain.address()
  return `127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
}

test('a server of its own mesh answers, knows the host, and has the same time', async () => {
  const { outcome } = await visitServer(server.address, host.identity)
  expect(outcome).toEqual({ kind: 'answered', aheadMs: expect.any(Number), refusal: undefined })
  expect(Math.abs(outcome.kind === 'answered' ? (outcome.aheadMs ?? 1e9) : 1e9)).toBeLessThan(30_000)
})

test('a clock that is an hour ahead, or three hundred days behind, is told as such and not as a foreign server', async () => {
  for (const shiftMs of [3_600_000, -300 * 86_400_000]) {
    const { outcome } = await visitServer(server.address, host.identity, () => Date.now() + shiftMs)
    expect(outcome.kind).toBe('answered')
    const aheadMs = outcome.kind === 'answered' ? (outcome.aheadMs ?? 0) : 0
    expect(Math.round(-aheadMs / 60_000)).toBe(shiftMs / 60_000)
  }
})

test('a server of another mesh is foreign, to an enrolled host and to one with a token', async () => {
  const other = await stage.server()
  expect((await visitServer(other.address, host.identity)).outcome.kind).toBe('foreign')
  const { pin } = server.cluster.makeToken()
  expect((await visitServer(other.address, { kind: 'pinned', pin })).outcome.kind).toBe('foreign')
  expect((await visitServer(server.address, { kind: 'pinned', pin })).outcome.kind).toBe('answered')
})

test('a host that was shut out is told so by the server', async () => {
  const own = await stage.server()
  const shutOut = enrolledHost(own.cluster, 'h9')
  const { hosts } = own.cluster.state
  const row = hosts.get('h9')
  if (row !== undefined) hosts.set('h9', { ...row, evicted: true })
  const { outcome } = await visitServer(own.address, shutOut.identity)
  expect(outcome).toMatchObject({ kind: 'answered', refusal: { code: 'host-evicted' } })
})

test('without anything to show it still sees whether a mesh server is there, and its time', async () => {
  const { outcome } = await visitServer(server.address, undefined)
  expect(outcome).toMatchObject({ kind: 'answered', aheadMs: expect.any(Number), refusal: undefined })
})

test('what speaks no TLS is no mesh server', async () => {
  const address = await listener((socket) => {
    socket.on('error', () => undefined).resume()
    socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')
  })
  expect((await visitServer(address, host.identity)).outcome.kind).toBe('not-mesh')
})

test('what accepts and then says nothing is silent, and is not waited for', async () => {
  const address = await listener((socket) => void socket.on('error', () => undefined).resume())
  const { outcome } = await visitServer(address, host.identity)
  expect(outcome).toEqual({ kind: 'silent', reason: 'it accepts connections and then says nothing' })
})

test('a port that nobody listens on refuses, and a name that nobody knows leads nowhere', async () => {
  const gone = await stage.server()
  const { address } = gone
  await gone.close()
  expect((await visitServer(address, undefined)).outcome).toEqual({ kind: 'refused' })
  const { outcome } = await visitServer('no-such-server.invalid:8300', undefined)
  expect(outcome.kind).toBe('name-unknown')
})

test('gossip is reached, refused, or not asked about', async () => {
  const address = await listener((socket) => void socket.on('error', () => undefined).resume())
  const port = Number(address.split(':')[1])
  expect(await visitGossip('127.0.0.1', port)).toEqual({ peer: address, isReached: true, reason: '' })
  expect(await visitGossip('127.0.0.1', 1)).toMatchObject({
    isReached: false,
    reason: 'nothing listens there',
  })
  expect((await visitGossip(undefined, port)).peer).toBeUndefined()
})
