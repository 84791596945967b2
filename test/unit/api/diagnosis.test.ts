// The endpoints with which a fault is looked for: the log as it is written, metrics, the machine, profiles, and what needs gossip.
import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { metricsEndpoints } from '../../../src/agent/api/metrics.ts'
import { limits } from '../../../src/model/limits.ts'
import { virtualClock } from '../proxy/virtual-clock.ts'
import { operatorToken } from './fake-cluster.ts'
import { startTestApi, type TestApi, until, withLocal } from './fixture.ts'
import { seed } from './seed.ts'

let api: TestApi
beforeAll(async () => {
  api = await startTestApi()
  await seed(api)
})
afterAll(() => api.close())

interface Following {
  readonly response: IncomingMessage
  text(): string
  close(): void
}

const open: ClientRequest[] = []
afterEach(() => {
  for (const sent of open.splice(0)) sent.destroy()
})

/** A request whose answer goes on; resolves at its headers. */
function follow(
  path: string,
  headers: Readonly<Record<string, string>> = withLocal.headers,
): Promise<Following> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port: api.port, path, headers, agent: false }, (response) => {
      let text = ''
      response.on('data', (piece: Buffer) => (text += piece.toString()))
      response.on('error', () => undefined)
      resolve({ response, text: () => text, close: () => sent.destroy() })
    })
    sent.on('error', reject)
    sent.end()
    open.push(sent)
  })
}

describe('monitor', () => {
  test('answers at once, gives lines from then on in the asked level and form, and ends with its client', async () => {
    api.ownLog.info('before anybody listened')
    const [plain, json] = await Promise.all([
      follow('/v1/agent/monitor'),
      follow('/v1/agent/monitor?loglevel=DEBUG&logjson'),
    ])
    expect([plain.response.statusCode, plain.response.headers['content-type']]).toEqual([
      200,
      'text/plain; charset=utf-8',
    ])
    api.ownLog.debug('a detail', { service: 'web' })
    api.ownLog.warn('a warning', { token: 'hunter2' })
    await until(() => plain.text().includes('a warning') && json.text().includes('a warning'))
    expect(plain.text()).toMatch(/^\S+Z WARN {2}a warning token="\[secret\]"\n$/)
    expect(
      json
        .text()
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).msg),
    ).toEqual(['a detail', 'a warning'])
    plain.close()
    json.close()
    // As many as may follow can follow again only when those two are really gone.
    const places = Array.from({ length: limits.logFollowers }, (_, i) => i)
    await until(() => {
      const following = places.map(() => api.ownLog.follow({ level: 'error', json: true }, () => undefined))
      for (const one of following) one?.stop()
      return following.every((one) => one !== undefined)
    })
  })

  test('refuses an unknown level, a caller without rights over this host, and one client too many', async () => {
    const unknown = await api.ask('GET', '/v1/agent/monitor?loglevel=loud', withLocal)
    expect([unknown.status, unknown.text]).toEqual([
      400,
      'Unknown log level: loud; use debug, info, warn or error (bad-request)',
    ])
    expect((await api.ask('GET', '/v1/agent/monitor')).status).toBe(403)
    const places = Array.from({ length: limits.logFollowers }, () =>
      api.ownLog.follow({ level: 'error', json: true }, () => undefined),
    )
    const full = await api.ask('GET', '/v1/agent/monitor', withLocal)
    for (const place of places) place?.stop()
    expect([full.status, full.headers['x-mesh-reason']]).toEqual([503, 'overloaded'])
  })

  test('is open to an operator on another machine and ends when the agent stops', async () => {
    const own = await startTestApi()
    const sent = request({
      host: '127.0.0.1',
      port: own.port,
      path: '/v1/agent/monitor',
      headers: { 'X-Consul-Token': operatorToken },
      agent: false,
    })
    const ended = new Promise<string>((resolve, reject) => {
      sent.on('error', reject)
      sent.on('response', (response) => {
        response.resume()
        response.on('close', () => resolve('closed'))
        response.on('error', () => undefined)
        void own.close()
      })
    })
    sent.end()
    expect(await ended).toBe('closed')
  })
})

describe('metrics', () => {
  test('JSON has the counters of an interval with their spread, and gauges', async () => {
    api.ownMetrics.count('mesh_test_bytes_total', { peer: 'a' }, 2)
    api.ownMetrics.count('mesh_test_bytes_total', { peer: 'a' }, 6)
    api.ownMetrics.gauge('mesh_test_level', 7, { at: 'x' })
    const { json } = (await api.ask('GET', '/v1/agent/metrics')) as unknown as {
      json: { Gauges: { Name: string }[]; Counters: { Name: string }[] }
    }
    expect(json.Gauges).toContainEqual({ Name: 'mesh_test_level', Value: 7, Labels: { at: 'x' } })
    expect(json.Gauges.map(({ Name }) => Name)).toContain('process_resident_memory_bytes')
    expect(json.Counters).toContainEqual({
      Name: 'mesh_test_bytes_total',
      Labels: { peer: 'a' },
      Count: 2,
      Rate: 0.8,
      Sum: 8,
      Min: 2,
      Max: 6,
      Mean: 4,
      Stddev: Math.sqrt(8),
    })
    const odd = await api.ask('GET', '/v1/agent/metrics?format=xml')
    expect([odd.status, odd.text]).toEqual([
      400,
      'Unknown format "xml": leave it away for JSON, or use format=prometheus (bad-request)',
    ])
  })

  test('the stream begins with the present interval, one JSON object per line', async () => {
    const stream = await follow('/v1/agent/metrics/stream')
    await until(() => stream.text().endsWith('\n'))
    expect(JSON.parse(stream.text())).toMatchObject({ Gauges: expect.any(Array) })
  })

  test('the stream goes on with each interval, and no timer is left when its client is gone', async () => {
    const clock = virtualClock()
    let asked = 0
    const metricsPage = {
      recent: async () => ({ beganMs: 10_000 * ++asked, intervalMs: 10_000, gauges: [], counters: [] }),
    }
    const [, streaming] = metricsEndpoints
    const answer = await streaming?.actions.GET?.run({ clock, metricsPage } as never, {} as never)
    const pieces = answer?.stream?.body[Symbol.asyncIterator]()
    const next = async (): Promise<string> => JSON.parse(String((await pieces?.next())?.value)).Timestamp
    expect(await next()).toBe('1970-01-01 00:00:10 +0000 UTC')
    clock.advance(limits.metricsIntervalMs)
    expect(await next()).toBe('1970-01-01 00:00:20 +0000 UTC')
    await pieces?.return?.()
    clock.advance(10 * limits.metricsIntervalMs)
    expect(asked).toBe(2)
  })
})

test('a CPU profile is one that a browser reads; a second one at the same time and a bad length are refused', async () => {
  const path = '/v1/mesh/debug/profile'
  const leaving = new AbortController()
  const first = api.ask('GET', `${path}?seconds=60`, { ...withLocal, signal: leaving.signal })
  const gone = expect(first).rejects.toThrow(/abort/)
  let second = await api.ask('GET', `${path}?seconds=1ms`, withLocal)
  while (second.status === 200) second = await api.ask('GET', `${path}?seconds=1ms`, withLocal)
  expect([second.status, second.headers['x-mesh-reason']]).toEqual([503, 'overloaded'])
  leaving.abort()
  await gone
  // The one whose client left is over, and makes room.
  let taken = await api.ask('GET', `${path}?seconds=50ms`, withLocal)
  while (taken.status === 503) taken = await api.ask('GET', `${path}?seconds=50ms`, withLocal)
  expect(taken.json).toMatchObject({ nodes: expect.any(Array), samples: expect.any(Array) })
  for (const seconds of ['0', '61', 'x', '-1s']) {
    const reply = await api.ask('GET', `/v1/mesh/debug/profile?seconds=${seconds}`, withLocal)
    expect([seconds, reply.status]).toEqual([seconds, 400])
  }
  expect((await api.ask('GET', '/v1/mesh/debug/profile')).status).toBe(403)
})

test('usage counts services, instances and nodes', async () => {
  const { json } = await api.ask('GET', '/v1/operator/usage')
  expect(json).toMatchObject({
    Usage: {
      dc1: { Services: 3, ServiceInstances: 5, BillableServiceInstances: 3, Nodes: 2 },
    },
  })
  expect(json).toHaveProperty('Usage.dc1.ConnectServiceInstances.connect-proxy', 2)
})

test.each([
  ['PUT', '/v1/event/fire/deploy'],
  ['PUT', '/v1/agent/join/10.0.0.9'],
  ['PUT', '/v1/agent/force-leave/host-2'],
  ['GET', '/v1/operator/keyring'],
])('%s %s needs gossip and says so by status, code and text', async (method, path) => {
  const reply = await api.ask(method, path, withLocal)
  expect([reply.status, reply.headers['x-mesh-reason']]).toEqual([503, 'needs-gossip'])
  expect(reply.text).toContain('(needs-gossip)')
})
