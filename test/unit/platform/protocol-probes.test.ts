import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createServer as createHttp2Server, createSecureServer } from 'node:http2'
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net'
import { Server as GrpcServer, ServerCredentials, status } from '@grpc/grpc-js'
import { fromJSON } from '@grpc/proto-loader'
import { afterEach, describe, expect, test } from 'vitest'
import { systemProbes } from '../../../src/platform/probes.ts'
import { selfSigned } from './self-signed.ts'

const cleanups: (() => void)[] = []

afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup()
})

async function listening(server: Server): Promise<string> {
  cleanups.push(() => server.close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

describe('an h2ping probe', () => {
  const ping = (
    address: string,
    more: { useTls?: boolean; tlsSkipVerify?: boolean } = {},
    timeoutMs = 20_000,
  ): Promise<string | undefined> =>
    new Promise((resolve) => {
      const target = { address, useTls: false, tlsServerName: '', tlsSkipVerify: false, ...more }
      systemProbes.ping(target, timeoutMs, resolve)
    })

  test('passes where HTTP/2 is spoken, without and with TLS', async () => {
    expect(await ping(await listening(createHttp2Server()))).toBeUndefined()
    const secure = await listening(createSecureServer(selfSigned()))
    expect(await ping(secure, { useTls: true, tlsSkipVerify: true })).toBeUndefined()
    expect(await ping(secure, { useTls: true })).toMatch(/certificate/i)
  })

  test('fails where HTTP/1 is spoken, where nobody listens, and where nobody answers', async () => {
    const old = createHttpServer((_request, response) => response.end())
    expect(await ping(await listening(old))).toMatch(/\w/)
    const silent = createTcpServer((socket) => cleanups.push(() => socket.destroy()))
    const at = await listening(silent)
    expect(await ping(at, {}, 150)).toBe('timed out after 150ms')
    const gone = createTcpServer()
    const nowhere = await listening(gone)
    gone.close()
    await once(gone, 'close')
    expect(await ping(nowhere)).toContain('ECONNREFUSED')
    expect(await ping('nowhere')).toBe('the address "nowhere" is not host:port')
  })
})

describe('a udp probe', () => {
  const datagram = (address: string, timeoutMs: number): Promise<string | undefined> =>
    new Promise((resolve) => systemProbes.datagram(address, timeoutMs, resolve))

  test('passes where somebody answers and where somebody only listens', async () => {
    const echo = createSocket('udp4')
    const received: number[] = []
    let answers = true
    echo.on('message', (message, from) => {
      received.push(message.length)
      if (answers) echo.send('', from.port, from.address)
    })
    echo.bind(0, '127.0.0.1')
    await once(echo, 'listening')
    cleanups.push(() => echo.close())
    const at = `127.0.0.1:${echo.address().port}`
    expect(await datagram(at, 20_000)).toBeUndefined()
    answers = false
    expect(await datagram(at, 100)).toBeUndefined()
    expect(received).toEqual([0, 0])
  })

  test('fails where the kernel says that the port is closed', async () => {
    const socket = createSocket('udp4')
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
    const at = `127.0.0.1:${socket.address().port}`
    socket.close()
    await once(socket, 'close')
    expect(await datagram(at, 20_000)).toContain('ECONNREFUSED')
    expect(await datagram('nowhere', 1_000)).toBe('the address "nowhere" is not host:port')
  })
})

describe('a grpc probe', () => {
  // The messages of the standard health service, as a library that nobody here wrote reads them.
  const protocol = {
    nested: {
      HealthCheckRequest: { fields: { service: { type: 'string', id: 1 } } },
      HealthCheckResponse: {
        fields: { status: { type: 'ServingStatus', id: 1 } },
        nested: {
          ServingStatus: { values: { UNKNOWN: 0, SERVING: 1, NOT_SERVING: 2, SERVICE_UNKNOWN: 3 } },
        },
      },
      Health: {
        methods: {
          Check: { requestType: 'HealthCheckRequest', responseType: 'HealthCheckResponse', comment: null },
        },
      },
    },
  }
  const tree = { nested: { grpc: { nested: { health: { nested: { v1: protocol } } } } } }
  const definition = fromJSON(tree as unknown as Parameters<typeof fromJSON>[0], { defaults: true })

  interface Asked {
    readonly service: string
    readonly userAgent: string
  }

  async function serve(credentials: ServerCredentials, asked: Asked[] = []): Promise<string> {
    const server = new GrpcServer()
    server.addService(definition['grpc.health.v1.Health'] as Parameters<GrpcServer['addService']>[0], {
      Check: (
        call: { readonly request: { service: string }; readonly metadata: { get(name: string): unknown[] } },
        answer: (error: object | null, value?: object) => void,
      ) => {
        const { service } = call.request
        asked.push({ service, userAgent: String(call.metadata.get('user-agent')[0]) })
        if (service === 'unknown') answer({ code: status.NOT_FOUND, details: 'no such service' })
        else if (service !== 'silent') answer(null, { status: service === 'down' ? 2 : 1 })
      },
    })
    cleanups.push(() => server.forceShutdown())
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', credentials, (error, bound) => (error ? reject(error) : resolve(bound)))
    })
    return `127.0.0.1:${port}`
  }

  const ask = (
    address: string,
    service: string,
    more: { useTls?: boolean; tlsSkipVerify?: boolean } = {},
    timeoutMs = 20_000,
  ): Promise<unknown> =>
    new Promise((resolve) => {
      const target = { address, useTls: false, tlsServerName: '', tlsSkipVerify: false, ...more }
      systemProbes.grpcHealth({ ...target, service }, timeoutMs, resolve)
    })

  test('hears what the health service says, of the server and of one service', async () => {
    const asked: Asked[] = []
    const at = await serve(ServerCredentials.createInsecure(), asked)
    expect(await ask(at, '')).toEqual({ status: 'SERVING' })
    expect(await ask(at, 'down')).toEqual({ status: 'NOT_SERVING' })
    expect(await ask(at, 'a'.repeat(300))).toEqual({ status: 'SERVING' })
    expect(asked.map(({ service }) => service)).toEqual(['', 'down', 'a'.repeat(300)])
    expect(asked[0]?.userAgent).toContain('Consul Health Check')
  })

  test('says what went wrong: an unknown service, no answer in time, nobody there', async () => {
    const at = await serve(ServerCredentials.createInsecure())
    expect(await ask(at, 'unknown')).toEqual({
      error: 'rpc error: code = NOT_FOUND desc = no such service',
    })
    expect(await ask(at, 'silent', {}, 200)).toEqual({ error: 'timed out after 200ms' })
    expect(await ask('nowhere', '')).toEqual({ error: 'the address "nowhere" is not host:port' })
    const gone = createTcpServer()
    const nowhere = await listening(gone)
    gone.close()
    await once(gone, 'close')
    expect(await ask(nowhere, '')).toEqual({ error: expect.stringContaining('UNAVAILABLE') })
  })

  test('with TLS trusts only whom it may, unless told otherwise', async () => {
    const { key, cert } = selfSigned()
    const pair = { private_key: Buffer.from(key), cert_chain: Buffer.from(cert) }
    const at = await serve(ServerCredentials.createSsl(null, [pair]))
    expect(await ask(at, '', { useTls: true, tlsSkipVerify: true })).toEqual({ status: 'SERVING' })
    expect(await ask(at, '', { useTls: true })).toEqual({ error: expect.stringMatching(/certificate/i) })
  })
})
