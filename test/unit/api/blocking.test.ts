// Blocking reads over real connections: they wait, wake, end and are cancelled; and connections are bounded per client.
import { connect, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createConnections } from '../../../src/agent/api/connections.ts'
import { limits } from '../../../src/model/limits.ts'
import type { Log } from '../../../src/platform/ports.ts'
import { checkRow } from './fake-cluster.ts'
import { startTestApi, type TestApi, until, withLocal } from './fixture.ts'
import { asOperator, seed } from './seed.ts'

let api: TestApi
beforeEach(async () => {
  api = await startTestApi()
  await seed(api)
})
afterEach(() => api.close())

const indexOf = async (path: string): Promise<string> =>
  String((await api.ask('GET', path)).headers['x-consul-index'])

test('a read with the current index waits for a change and gives it', async () => {
  const path = '/v1/health/service/web'
  const index = await indexOf(path)
  const waiting = api.ask('GET', `${path}?index=${index}&wait=30s`)
  await until(() => api.cluster.held() === 1)
  api.cluster.addCheck(
    checkRow('host-1', 'service:web', { serviceId: 'web', serviceName: 'web', status: 'critical' }),
  )
  const reply = await waiting
  expect(reply.text).toContain('"Status":"critical"')
  expect(Number(reply.headers['x-consul-index'])).toBeGreaterThan(Number(index))
})

test('a read without an index, or with index=0, does not wait', async () => {
  for (const query of ['', '?index=0&wait=30s', '?wait=30s'])
    expect((await api.ask('GET', `/v1/catalog/nodes${query}`)).status).toBe(200)
  expect(api.cluster.reads.at(-1)?.options.minIndex).toBe(0)
})

test('a wait that is over answers with the same data and index', async () => {
  const index = await indexOf('/v1/catalog/nodes')
  const reply = await api.ask('GET', `/v1/catalog/nodes?index=${index}&wait=20ms`)
  expect([reply.status, reply.headers['x-consul-index']]).toEqual([200, index])
})

test('a client that goes away cancels its read at the server', async () => {
  const index = await indexOf('/v1/catalog/nodes')
  const away = new AbortController()
  const asked = api.ask('GET', `/v1/catalog/nodes?index=${index}&wait=10m`, { signal: away.signal })
  await until(() => api.cluster.held() === 1)
  away.abort()
  await expect(asked).rejects.toThrow()
  await until(() => api.cluster.cancelled === 1)
  expect(api.cluster.held()).toBe(0)
})

test('closing the API ends held reads at once', async () => {
  const index = await indexOf('/v1/catalog/nodes')
  const asked = api.ask('GET', `/v1/catalog/nodes?index=${index}&wait=10m`)
  const ended = expect(asked).rejects.toThrow()
  await until(() => api.cluster.held() === 1)
  await api.server.close()
  await ended
  expect(api.cluster.held()).toBe(0)
})

test('agent/service/:id waits by hash until the service is another one', async () => {
  const register = (port: number) =>
    api.ask('PUT', '/v1/agent/service/register', { body: { Name: 'hashed', Port: port }, ...withLocal })
  await register(1)
  const first = await api.ask('GET', '/v1/agent/service/hashed')
  const hash = first.headers['x-consul-contenthash']
  expect((first.json as { ContentHash: string }).ContentHash).toBe(hash)
  const held = api.ask('GET', `/v1/agent/service/hashed?hash=${hash}&wait=30s`)
  await register(1)
  await register(2)
  const second = await held
  expect((second.json as { Port: number }).Port).toBe(2)
  expect(second.headers['x-consul-contenthash']).not.toBe(hash)
  const waited = await api.ask(
    'GET',
    `/v1/agent/service/hashed?hash=${second.headers['x-consul-contenthash']}&wait=10ms`,
  )
  expect(waited.status).toBe(200)
  const gone = api.ask(
    'GET',
    `/v1/agent/service/hashed?hash=${second.headers['x-consul-contenthash']}&wait=30s`,
  )
  await api.ask('PUT', '/v1/agent/service/deregister/hashed', withLocal)
  expect([(await gone).status, (await gone).text]).toEqual([404, 'unknown service ID: hashed'])
})

test('a leaf is waited for until it is renewed', async () => {
  const path = '/v1/agent/connect/ca/leaf/web'
  const first = await api.ask('GET', path, withLocal)
  const held = api.ask('GET', `${path}?index=${first.headers['x-consul-index']}&wait=30s`, withLocal)
  const other = api.ask('GET', `${path}?index=7&wait=30s`, withLocal)
  expect((await other).headers['x-consul-index']).toBe('1')
  api.leaves.renew('web')
  expect((await held).headers['x-consul-index']).toBe('2')
  api.leaves.failure = { code: 'service-not-registered', message: 'web is not registered here' }
  expect((await api.ask('GET', path, withLocal)).text).toMatch(
    /^Permission denied: web is not registered here\. /,
  )
})

test('roots of the agent are waited for until the view changes', async () => {
  const view = (index: number) => ({
    subject: { topic: 'roots', key: '' } as const,
    index,
    bodies: [],
    live: true,
  })
  api.views.set(view(5))
  const held = api.ask('GET', '/v1/agent/connect/ca/roots?index=5&wait=30s')
  await api.ask('GET', '/v1/agent/self')
  api.views.set(view(6))
  expect((await held).headers['x-consul-index']).toBe('6')
})

const nothing = (): void => undefined
const quiet: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing, with: () => quiet }
const quietReport = { log: quiet, metrics: { count: nothing, gauge: nothing }, mayLogRefusal: () => false }

describe('connections of one client', () => {
  const open = async (): Promise<{ socket: Socket; closed: Promise<string> }> => {
    const socket = connect(api.port, '127.0.0.1')
    const closed = new Promise<string>((resolve) => {
      const pieces: Buffer[] = []
      socket.on('data', (piece) => pieces.push(piece))
      socket.on('error', () => undefined)
      socket.on('close', () => resolve(Buffer.concat(pieces).toString()))
    })
    await new Promise((resolve) => socket.once('connect', resolve))
    return { socket, closed }
  }

  test('beyond the limit are refused in words, without their request being run', async () => {
    await api.close()
    api = await startTestApi({ httpMaxConnectionsPerClient: 2 })
    await seed(api)
    const first = await open()
    const third = await open()
    third.socket.write(
      'DELETE /v1/connect/intentions/exact?source=web&destination=backend HTTP/1.1\r\nHost: x\r\n' +
        `X-Consul-Token: ${asOperator['X-Consul-Token']}\r\n\r\n`,
    )
    expect(await third.closed).toMatch(
      /^HTTP\/1\.1 429 .+http_max_conns_per_client.+\(too-many-connections\)$/s,
    )
    expect(api.cluster.intentions.has('web/backend')).toBe(true)
    expect(api.counts.get('mesh_api_refusals_total too-many-connections')).toBe(1)
    first.socket.destroy()
    await first.closed
  })

  test('refused by the hundred are all counted, and do not flood the log', async () => {
    await api.close()
    api = await startTestApi({ httpMaxConnectionsPerClient: 1 })
    const first = await open()
    const others = await Promise.all(Array.from({ length: 150 }, open))
    await Promise.all(others.map(({ closed }) => closed))
    expect(api.counts.get('mesh_api_refusals_total too-many-connections')).toBe(150)
    const logged = api.lines.filter((line) => line.message === 'API client refused')
    expect(logged.length).toBeGreaterThan(0)
    expect(logged.length).toBeLessThan(100)
    first.socket.destroy()
    await first.closed
  })

  test('that carry a blocking read do not count against the limit', async () => {
    await api.close()
    api = await startTestApi({ httpMaxConnectionsPerClient: 2 })
    const index = await indexOf('/v1/catalog/nodes')
    const polls: Promise<unknown>[] = []
    for (const held of [1, 2, 3, 4]) {
      polls.push(api.ask('GET', `/v1/catalog/nodes?index=${index}&wait=30s`))
      await until(() => api.cluster.held() === held)
    }
    const plain = await open()
    plain.socket.write('GET /v1/status/leader HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
    expect(await plain.closed).toContain('HTTP/1.1 200 OK')
    api.cluster.addHost('host-9', '10.0.0.9')
    await Promise.all(polls)
  })

  test.each([
    [
      'malformed',
      'GET / HTTP/9.9\r\n\r\n',
      /^HTTP\/1\.1 400 Bad Request\r\n.+malformed HTTP request/s,
      'bad-request',
    ],
    [
      'with headers over the limit',
      `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(limits.httpHeaderBytes)}\r\n\r\n`,
      /^HTTP\/1\.1 431 .+larger than \d+ bytes/s,
      'too-large',
    ],
    [
      'with a path over the limit',
      `GET /v1/kv/${'x'.repeat(limits.httpUrlBytes)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
      /^HTTP\/1\.1 413 .+longer than \d+ bytes/s,
      'too-large',
    ],
    [
      'with a body over the limit',
      `PUT /v1/kv/a HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${2 ** 40}\r\n\r\n`,
      /^HTTP\/1\.1 413 .+too large/s,
      'too-large',
    ],
  ])('a request %s is answered in text with a code, counted and logged', async (_, request, answer, code) => {
    const counted = api.counts.get(`mesh_api_refusals_total ${code}`) ?? 0
    const { socket, closed } = await open()
    socket.write(request)
    const text = await closed
    expect(text).toMatch(answer)
    expect(text.toLowerCase()).toContain(`x-mesh-reason: ${code}`)
    expect(api.counts.get(`mesh_api_refusals_total ${code}`)).toBe(counted + 1)
    expect(api.lines.at(-1)).toMatchObject({ message: 'API request refused', fields: { code } })
  })

  test('a bound on blocking reads of one client holds too', () => {
    const limited = createConnections({ perClient: 9, longPollsPerClient: 2 }, quietReport)
    const sockets = [1, 2, 3].map(
      () => ({ remoteAddress: '10.0.0.1', once: () => undefined }) as unknown as Socket,
    )
    for (const socket of sockets) limited.accept(socket, 'tcp')
    const releases = sockets.map((socket) => limited.hold(socket))
    expect(releases.map((release) => release !== undefined)).toEqual([true, true, false])
    releases[0]?.()
    expect(limited.hold(sockets[2] as Socket)).toBeDefined()
  })

  test('a read that ends after its client has gone is not taken from the next client of that address', () => {
    const limited = createConnections({ perClient: 1, longPollsPerClient: 9 }, quietReport)
    const connection = () => {
      let close = (): void => undefined
      const once = (_: string, listener: () => void): void => {
        close = listener
      }
      const socket = { remoteAddress: '10.0.0.1', once } as unknown as Socket
      return { accepted: limited.accept(socket, 'tcp'), socket, close: () => close() }
    }
    const gone = connection()
    const release = limited.hold(gone.socket)
    gone.close()
    expect(connection().accepted).toBe(true)
    release?.()
    expect(connection().accepted).toBe(false)
  })

  test('a socket whose address is forgotten counts as far away, never as the unix socket', () => {
    const limited = createConnections({ perClient: 9, longPollsPerClient: 9 }, quietReport)
    const closed = { remoteAddress: undefined, once: () => undefined } as unknown as Socket
    expect(limited.connection(closed)).toEqual({ kind: 'tcp', address: '' })
    limited.accept(closed, 'tcp')
    expect(limited.connection(closed)).toEqual({ kind: 'tcp', address: '' })
    const unix = { remoteAddress: undefined, once: () => undefined } as unknown as Socket
    limited.accept(unix, 'unix')
    expect(limited.connection(unix)).toEqual({ kind: 'unix', address: '' })
  })
})
