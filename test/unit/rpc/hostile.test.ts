// A peer that speaks TLS and HTTP/2 but means no good: whatever it sends, the server goes on.
import { connect as connectHttp2 } from 'node:http2'
import { connect as connectTcp } from 'node:net'
import { afterAll, expect, test } from 'vitest'
import { callsPath } from '../../../src/rpc/call-frame.ts'
import type { AgentFrame, ServerFrame } from '../../../src/rpc/contract.ts'
import { controlPath, methods } from '../../../src/rpc/methods.ts'
import { SeededRandom } from '../../simulation/random.ts'
import { answerOf, codeOf, enrolledHost, readLeader, Stage, type TestServer } from './harness.ts'

const stage = new Stage()
afterAll(() => stage.close())

const paths = [
  ...Object.values(methods).map((method) => method.path),
  controlPath,
  callsPath,
  '/mesh.v1.Server/Nothing',
  '/',
]

/** A gRPC message: compression flag, length, bytes. */
function framed(body: Uint8Array, flag: number, length = body.length): Buffer {
  const header = Buffer.alloc(5)
  header[0] = flag
  header.writeUInt32BE(length, 1)
  return Buffer.concat([header, body])
}

async function send(server: TestServer, path: string, body: Buffer, headers: Record<string, string> = {}) {
  const { tls } = enrolledHost(server.cluster, `h${Math.floor(performance.now() * 1_000)}`).identity
  const session = connectHttp2(`https://127.0.0.1:${server.port}`, {
    rejectUnauthorized: false,
    cert: tls.certificatePem,
    key: tls.privateKeyPem,
  })
  session.on('error', () => undefined)
  const stream = session.request({
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...headers,
  })
  stream.on('error', () => undefined)
  const closed = new Promise<void>((done) => stream.once('close', () => done()))
  stream.on('data', () => undefined)
  stream.end(body)
  await closed
  session.destroy()
}

const ignore = { onFrame: () => undefined, onDrain: () => undefined, onClose: () => undefined }

/** Takes every stream, as a server does. */
async function openServer(): Promise<TestServer> {
  const server = await stage.server()
  server.api.control = (_peer, stream) => stream.listen(ignore)
  return server
}

async function stillServes(server: TestServer): Promise<void> {
  const { identity } = enrolledHost(server.cluster, 'witness')
  const client = stage.client([server.address], () => identity)
  expect(codeOf(await answerOf((reply) => client.read(readLeader(), reply)))).toBe('ok')
}

test('garbage on every path is refused and harms nobody', async () => {
  const server = await openServer()
  const random = new SeededRandom(7)
  for (const path of paths)
    for (let i = 0; i < 6; i += 1) {
      const body = Uint8Array.from(
        { length: Math.floor(random.fraction() * 400) },
        () => random.next() & 0xff,
      )
      const length = i === 5 ? 0xffffffff : i === 4 ? body.length + 9 : body.length
      await send(server, path, framed(body, i === 3 ? 1 : 0, length))
    }
  expect(server.written).toEqual([])
  expect(server.cluster.metrics.counts.get('mesh_rpc_internal_errors_total')).toBeUndefined()
  await stillServes(server)
})

test('odd headers do no harm', async () => {
  const server = await openServer()
  for (const headers of [
    { 'content-type': 'text/plain' },
    { 'grpc-timeout': 'tomorrow' },
    { 'grpc-timeout': '99999999H' },
    { 'grpc-encoding': 'zip-bomb' },
    { 'mesh-code': 'ok' },
  ])
    for (const path of [methods.enroll.path, controlPath])
      await send(server, path, framed(new Uint8Array(), 0), headers)
  await stillServes(server)
})

test('a message that unpacks to more than the limit is refused', async () => {
  const { gzipSync } = await import('node:zlib')
  const server = await stage.server()
  const bomb = gzipSync(Buffer.alloc(50 * 1024 * 1024))
  expect(bomb.length).toBeLessThan(200_000)
  await send(server, methods.write.path, framed(bomb, 1), { 'grpc-encoding': 'gzip' })
  expect(server.written).toEqual([])
  await stillServes(server)
})

test('bytes that are not TLS are counted and dropped', async () => {
  const server = await stage.server()
  await new Promise<void>((done) => {
    const socket = connectTcp(server.port, '127.0.0.1', () => socket.end('GET / HTTP/1.1\r\n\r\n'))
    socket.on('error', () => undefined)
    socket.resume()
    socket.once('close', () => done())
  })
  expect(server.cluster.metrics.counts.get('mesh_rpc_handshakes_failed_total')).toBe(1)
  await stillServes(server)
})

test('a listener that throws over a frame costs that stream only', async () => {
  const server = await stage.server()
  const { identity } = enrolledHost(server.cluster)
  const client = stage.client([server.address], () => identity)
  server.api.control = (_peer, stream) =>
    stream.listen({
      onFrame: () => {
        throw new Error('a mistake of ours')
      },
      onDrain: () => undefined,
      onClose: () => undefined,
    })
  const stream = client.control()
  const closed = new Promise<{ code?: string } | undefined>((resolve) =>
    stream.listen({
      onFrame: (_frame: ServerFrame) => undefined,
      onDrain: () => undefined,
      onClose: resolve,
    }),
  )
  stream.send({ kind: 'ping', nonce: 1 } satisfies AgentFrame)
  expect((await closed)?.code).toBe('internal')
  expect(server.cluster.log.lines.some((line) => line.includes('a mistake of ours'))).toBe(true)
  await stillServes(server)
})
