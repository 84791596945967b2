// Exposed listeners: exactly the given paths, whole requests only, and for checks only from this host.
import { once } from 'node:events'
import http from 'node:http'
import http2 from 'node:http2'
import net, { type AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { ExposedResource } from '../../../src/model/proxy-config.ts'
import { isOwnHost } from '../../../src/proxy/listener/exposed.ts'
import { freePort, type LabHost, startHost, temporaryFolder } from './lab.ts'

const folder = temporaryFolder()
let host: LabHost
let port: number
const cleanups: (() => void)[] = []
const seen: string[] = []

/** A service that says what reached it. */
async function serve(): Promise<number> {
  const server = http.createServer((request, response) => {
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => pieces.push(piece))
    request.on('end', () => {
      seen.push(
        `${request.method} ${request.url} ${JSON.stringify(request.headers)} ${Buffer.concat(pieces)}`,
      )
      response.writeHead(200, { 'x-answer': 'yes', 'keep-alive': 'timeout=1' })
      response.end('healthy')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanups.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

function exposed(localPort: number, more: Partial<ExposedResource> = {}): ExposedResource {
  return {
    kind: 'exposed',
    name: `web-sidecar-proxy/${port}`,
    service: 'web',
    bindAddress: '127.0.0.1',
    bindPort: port,
    protocol: 'http',
    hostOnly: false,
    paths: [{ path: '/health', localAddress: '127.0.0.1', localPort }],
    ...more,
  }
}

/** Sends bytes as they are and reads until the other side closes, or says nothing for a while. */
function raw(text: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => socket.write(text))
    let received = ''
    socket.setTimeout(300, () => socket.destroy())
    socket.on('data', (piece: Buffer) => {
      received += piece.toString()
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(received))
  })
}

const get = (path: string, headers = ''): string =>
  `GET ${path} HTTP/1.1\r\nHost: web\r\nConnection: close\r\n${headers}\r\n`
const statusOf = (answer: string): string => answer.slice(0, 12)

beforeAll(async () => {
  host = await startHost(folder.path)
})
beforeEach(async () => {
  port = await freePort()
})
afterEach(() => {
  seen.length = 0
  for (const cleanup of cleanups.splice(0)) cleanup()
})
afterAll(async () => {
  await host.stop()
  folder.remove()
})

describe('an exposed path', () => {
  test('leads to the local service with its query, headers and body, without what is of one hop', async () => {
    await host.publish([exposed(await serve())])
    const answer = await raw(
      'POST /health?full=1 HTTP/1.1\r\nHost: web\r\nX-Kept: a\r\nX-Gone: b\r\nConnection: close, x-gone\r\nContent-Length: 4\r\n\r\nbody',
    )
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*x-answer: yes[\s\S]*healthy/)
    expect(answer).not.toContain('timeout=1')
    expect(seen).toHaveLength(1)
    expect(seen[0]).toMatch(/^POST \/health\?full=1 .*"x-kept":"a".* body$/)
    expect(seen[0]).not.toContain('x-gone')
  })

  test('is the only one: every other spelling is refused and never reaches the service', async () => {
    await host.publish([exposed(await serve())])
    for (const path of [
      '/',
      '/health/',
      '/healthz',
      '/HEALTH',
      '//health',
      '/health/../admin',
      '/./health',
      '/%68ealth',
      '/admin?/health',
      '/health;x',
      'http://web/health',
    ])
      expect([path, statusOf(await raw(get(path)))]).toEqual([path, 'HTTP/1.1 404'])
    expect(seen).toEqual([])
  })

  test('takes nothing whose end is unclear, and no other protocol', async () => {
    await host.publish([exposed(await serve())])
    const smuggled = 'GET /admin HTTP/1.1\r\nHost: web\r\n\r\n'
    const attempts = [
      `POST /health HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      `GET /health HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked\r\n\r\n1c\r\n${smuggled}`,
      `POST /health HTTP/1.1\r\nHost: web\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      `POST /health HTTP/1.1\r\nHost: web\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nbody1`,
      `POST /health HTTP/1.1\r\nHost: web\r\nContent-Length: 0x4\r\n\r\nbody`,
      `GET /health HTTP/1.1\r\n\r\n`,
      `GET /health HTTP/1.1\nHost: web\n\n`,
      `GET /health HTTP/1.1\r\nHost : web\r\n\r\n`,
      `GET /health HTTP/1.1\r\nHost: web\r\nExpect: 100-continue\r\n\r\n`,
      `CONNECT /health HTTP/1.1\r\nHost: web\r\n\r\n`,
      `GET /health HTTP/1.1\r\nHost: web\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
      get('/health', `X-Long: ${'a'.repeat(20_000)}\r\n`),
      '\u0016\u0003\u0001',
    ]
    for (const attempt of attempts) {
      const answer = await raw(attempt)
      expect([attempt.slice(0, 80), /^HTTP\/1\.1 2/.test(answer)]).toEqual([attempt.slice(0, 80), false])
    }
    expect(seen).toEqual([])
  })

  test('answers 502 while the service is away, and 404 once it is not exposed any more', async () => {
    const gone = await freePort()
    await host.publish([exposed(gone)])
    expect(statusOf(await raw(get('/health')))).toBe('HTTP/1.1 502')
    await host.publish([exposed(gone, { paths: [] })])
    expect(statusOf(await raw(get('/health')))).toBe('HTTP/1.1 404')
    await host.publish([])
    expect(await raw(get('/health'))).toBe('')
  })

  test('may share its port with another one that leads elsewhere', async () => {
    const [first, second] = [await serve(), await serve()]
    const at = (path: string, localPort: number) => ({ path, localAddress: '127.0.0.1', localPort })
    await host.publish([exposed(0, { paths: [at('/health', first), at('/metrics', second)] })])
    expect(statusOf(await raw(get('/health')))).toBe('HTTP/1.1 200')
    expect(statusOf(await raw(get('/metrics')))).toBe('HTTP/1.1 200')
    expect(seen.map((line) => line.split(' ')[1])).toEqual(['/health', '/metrics'])
  })
})

test('HTTP/2 passes with its trailers, on the exposed path only', async () => {
  const paths: (string | undefined)[] = []
  const server = http2.createServer()
  server.on('stream', (stream, headers) => {
    paths.push(headers[':path'])
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
    stream.end('answer')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = () => http2.connect(`http://127.0.0.1:${port}`)
  const local = (server.address() as AddressInfo).port
  const path = '/grpc.health.v1.Health/Check'
  await host.publish([
    exposed(local, { protocol: 'http2', paths: [{ path, localAddress: '127.0.0.1', localPort: local }] }),
  ])
  const session = client()
  cleanups.push(() => {
    session.destroy()
    server.close()
  })
  const ask = (wanted: string): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const request = session.request({ ':path': wanted, ':method': 'POST' })
      let status: unknown
      let body = ''
      let trailer: unknown
      request.on('response', (headers) => {
        status = headers[':status']
      })
      request.on('trailers', (headers) => {
        trailer = headers['grpc-status']
      })
      request.on('data', (piece: Buffer) => {
        body += piece.toString()
      })
      request.on('error', reject)
      request.on('close', () => resolve([status, body, trailer]))
      request.end('question')
    })
  expect(await ask(path)).toEqual([200, 'answer', '0'])
  expect(await ask('/orders.Orders/Delete')).toEqual([404, '', undefined])
  expect(paths).toEqual([path])
})

test('a listener for checks lets only this host in', async () => {
  await host.publish([exposed(await serve(), { hostOnly: true })])
  expect(statusOf(await raw(get('/health')))).toBe('HTTP/1.1 200')
  const from = (remoteAddress: string, localAddress: string): boolean =>
    isOwnHost({ remoteAddress, localAddress })
  expect(from('127.0.0.9', '127.0.0.1')).toBe(true)
  expect(from('::1', '::1')).toBe(true)
  expect(from('::ffff:127.0.0.1', '::ffff:127.0.0.1')).toBe(true)
  expect(from('10.0.0.5', '10.0.0.5')).toBe(true)
  expect(from('10.0.0.6', '10.0.0.5')).toBe(false)
  expect(from('1270.0.0.1', '10.0.0.5')).toBe(false)
})
