import { once } from 'node:events'
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import type { HttpProbe, HttpProbeAnswer } from '../../../src/platform/ports.ts'
import { parseAddress } from '../../../src/platform/probe-target.ts'
import { systemProbes } from '../../../src/platform/probes.ts'
import { selfSigned } from './self-signed.ts'

const servers: { close(): void; closeAllConnections?(): void }[] = []

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections?.()
    server.close()
  }
})

type Handler = (request: IncomingMessage, response: ServerResponse) => void

async function listening(server: Server): Promise<string> {
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

const serve = (handler: Handler): Promise<string> => listening(createHttpServer(handler))

const request = (more: Partial<HttpProbe>, timeoutMs = 20_000): Promise<HttpProbeAnswer> =>
  new Promise((resolve) => {
    const probe: HttpProbe = {
      url: '',
      method: 'GET',
      header: {},
      body: '',
      followRedirects: true,
      tlsServerName: '',
      tlsSkipVerify: false,
      outputMaxBytes: 4_096,
      ...more,
    }
    systemProbes.request(probe, timeoutMs, resolve)
  })

const connect = (address: string, useTls = false, timeoutMs = 20_000): Promise<string | undefined> =>
  new Promise((resolve) => systemProbes.connect({ address, useTls }, timeoutMs, resolve))

describe('an http probe', () => {
  test('sends method, headers and body, and says who it is', async () => {
    const seen: unknown[] = []
    const at = await serve((incoming, response) => {
      const { method, url, headers } = incoming
      const pieces: Buffer[] = []
      incoming.on('data', (piece: Buffer) => pieces.push(piece))
      incoming.on('end', () => {
        seen.push([
          method,
          url,
          headers['user-agent'],
          headers['x-a'],
          headers.host,
          `${Buffer.concat(pieces)}`,
        ])
        response.writeHead(201).end('made')
      })
    })
    const answer = await request({
      url: `http://${at}/h?x=1`,
      method: 'POST',
      header: { 'X-A': ['1', '2'], Host: ['service.example'] },
      body: 'ping é',
    })
    expect(answer).toEqual({ status: 201, statusText: 'Created', body: 'made' })
    expect(seen).toEqual([['POST', '/h?x=1', 'Consul Health Check', '1, 2', 'service.example', 'ping é']])
  })

  test('keeps the first bytes of an endless answer and does not wait for the rest', async () => {
    const at = await serve((_incoming, response) => {
      response.writeHead(200)
      const more = (): void => {
        while (!response.destroyed && response.write('x'.repeat(10_000)));
      }
      response.on('drain', more)
      more()
    })
    const answer = await request({ url: `http://${at}/`, outputMaxBytes: 100 })
    expect(answer).toEqual({ status: 200, statusText: 'OK', body: 'x'.repeat(100) })
  })

  test('follows redirects, or shows them when it must not', async () => {
    const at = await serve((incoming, response) => {
      if (incoming.url === '/final') response.end('there')
      else response.writeHead(302, { location: '/final' }).end('a body that nobody reads')
    })
    expect(await request({ url: `http://${at}/` })).toMatchObject({ status: 200, body: 'there' })
    expect(await request({ url: `http://${at}/`, followRedirects: false })).toMatchObject({ status: 302 })
  })

  test('does not carry credentials to another host, and gives up on a circle', async () => {
    const seen: (string | undefined)[] = []
    const other = await serve((incoming, response) => {
      seen.push(incoming.headers.authorization, incoming.headers['x-a'] as string)
      response.end()
    })
    const at = await serve((incoming, response) => {
      const location = incoming.url === '/circle' ? '/circle' : `http://${other}/`
      response.writeHead(307, { location }).end()
    })
    await request({ url: `http://${at}/`, header: { Authorization: ['Bearer x'], 'X-A': ['kept'] } })
    expect(seen).toEqual([undefined, 'kept'])
    expect(await request({ url: `http://${at}/circle` })).toEqual({ error: 'stopped after 10 redirects' })
  })

  test('ends at its timeout, before and inside an answer', async () => {
    const at = await serve((incoming, response) => {
      if (incoming.url === '/half') response.write('half')
    })
    for (const path of ['/silent', '/half'])
      expect(await request({ url: `http://${at}${path}` }, 150)).toEqual({ error: 'timed out after 150ms' })
  })

  test('says why nobody answers, and what is wrong with its address', async () => {
    const at = await serve(() => undefined)
    for (const server of servers.splice(0)) server.close()
    expect(await request({ url: `http://${at}/` })).toEqual({
      error: expect.stringContaining('ECONNREFUSED'),
    })
    for (const url of ['ftp://127.0.0.1/', 'nonsense'])
      expect(await request({ url })).toEqual({ error: `"${url}" is not an http or https URL` })
    expect(await request({ url: `http://${at}/`, method: 'NO SUCH' })).toEqual({
      error: expect.stringContaining('Method'),
    })
  })

  test('verifies the certificate unless told not to', async () => {
    const server = createHttpsServer(selfSigned(), (_incoming, response) => response.end('ok'))
    const at = await listening(server)
    expect(await request({ url: `https://${at}/` })).toEqual({ error: expect.stringMatching(/certificate/i) })
    expect(await request({ url: `https://${at}/`, tlsSkipVerify: true })).toMatchObject({
      status: 200,
      body: 'ok',
    })
  })
})

describe('a tcp probe', () => {
  test('passes where somebody listens and says why where nobody does', async () => {
    const server = createTcpServer((socket) => socket.resume())
    servers.push(server)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const at = `127.0.0.1:${(server.address() as AddressInfo).port}`
    expect(await connect(at)).toBeUndefined()
    server.close()
    await once(server, 'close')
    expect(await connect(at)).toContain('ECONNREFUSED')
  })

  test('with tls wants a handshake and a certificate that is trusted', async () => {
    const plain = await serve(() => undefined)
    expect(await connect(plain, true)).toEqual(
      expect.stringMatching(/SSL|TLS|EPROTO|closed|reset|disconnected/i),
    )
    const tls = await listening(createHttpsServer(selfSigned()))
    expect(await connect(tls, true)).toMatch(/certificate/i)
  })

  test('ends at its timeout where packets are swallowed', async () => {
    // A listener whose queue is full answers no further SYN; 192.0.2.0/24 would depend on the network of this machine.
    const silent = createTcpServer((socket) => socket.resume())
    servers.push(silent)
    silent.listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const at = `127.0.0.1:${(silent.address() as AddressInfo).port}`
    expect(await connect(at, true, 150)).toBe('timed out after 150ms')
  })

  test('refuses what is no address', async () => {
    expect(await connect('nowhere')).toBe('the address "nowhere" is not host:port')
    expect(parseAddress('[::1]:80')).toEqual({ host: '::1', port: 80 })
    for (const wrong of ['::1:80', 'host:', 'host:0', 'host:70000', ':80'])
      expect(parseAddress(wrong)).toBeUndefined()
  })
})
