// Appendix A of reference/consul.md: what clients stumbled over in Consul, each trap that these endpoints can fall into.
// Not applicable until KV, sessions, locks and chains exist: 6, 7, 9, 24; until a server registers `consul` in the catalog: 14.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkRow } from './fake-cluster.ts'
import { startTestApi, type TestApi, testSettings, withLocal } from './fixture.ts'
import { asOperator, seed } from './seed.ts'

let api: TestApi
beforeAll(async () => {
  api = await startTestApi()
  await seed(api)
})
afterAll(() => api.close())

const get = (path: string) => api.ask('GET', path)
const register = (body: unknown, query = '') =>
  api.ask('PUT', `/v1/agent/service/register${query}`, { body, ...withLocal })

interface Entry {
  readonly Node: { readonly Node: string; readonly TaggedAddresses: Record<string, string> }
  readonly Service: { readonly ID: string; readonly Service: string; readonly Tags: readonly string[] }
  readonly Checks: readonly { readonly Status: string }[]
}
const entries = async (path: string): Promise<readonly Entry[]> => (await get(path)).json as readonly Entry[]

test('trap 1: the index is at least 1, stays while nothing relevant changes, and LastContact is a number', async () => {
  const first = await get('/v1/connect/intentions')
  api.cluster.addCheck(checkRow('host-2', 'unrelated'))
  const second = await get('/v1/connect/intentions')
  expect(second.headers['x-consul-index']).toBe(first.headers['x-consul-index'])
  expect(Number(first.headers['x-consul-index'])).toBeGreaterThanOrEqual(1)
  expect(first.headers['x-consul-lastcontact']).toBe('0')
})

test('trap 1: an index of 0 from below is shown as 1', async () => {
  const own = await startTestApi()
  own.cluster.changedAt.catalog = 0
  expect((await own.ask('GET', '/v1/catalog/nodes')).headers['x-consul-index']).toBe('1')
  await own.close()
})

test.each([
  ['120000ms', 120_000],
  ['1m30s', 90_000],
  ['1h', 600_000],
  ['', 300_000],
  ['0s', 300_000],
])('trap 2: wait=%s is %d ms, at most ten minutes', async (text, waitMs) => {
  await get(`/v1/catalog/nodes?wait=${text}`)
  expect(api.cluster.reads.at(-1)?.options.waitMs).toBe(waitMs)
})

test('trap 3: ?stale=, ?consistent= and ?passing= with an empty value count as yes, ?passing=false as no', async () => {
  await get('/v1/catalog/nodes?stale=')
  expect(api.cluster.reads.at(-1)?.options.consistency).toBe('stale')
  await get('/v1/catalog/nodes?consistent=')
  expect(api.cluster.reads.at(-1)?.options.consistency).toBe('consistent')
  expect(await entries('/v1/health/service/web?passing=')).toEqual([])
  expect(await entries('/v1/health/service/web?passing=1')).toEqual([])
  expect(await entries('/v1/health/service/web?passing=false')).toHaveLength(1)
})

test('trap 4: repeated tag and node-meta are all asked for, a meta value may hold a colon', async () => {
  const tagged = await entries('/v1/health/service/backend?tag=V1&tag=host-2')
  expect(tagged.map((entry) => entry.Node.Node)).toEqual(['host-2'])
  const rack = await entries('/v1/health/service/backend?node-meta=rack%3Ar2%3Aa&stale&index=0')
  expect(rack.map((entry) => entry.Node.Node)).toEqual(['host-2'])
  const names = await get('/v1/connect/intentions/match?by=destination&name=backend&name=db')
  expect(Object.keys(names.json as object)).toEqual(['backend', 'db'])
})

test('trap 5: catalog and health list the same instances in the same order', async () => {
  for (const tail of ['service/backend', 'service/web', 'connect/backend']) {
    const health = await entries(`/v1/health/${tail}`)
    const catalog = (await get(`/v1/catalog/${tail}`)).json as { Node: string; ServiceID: string }[]
    expect(catalog.map((row) => [row.Node, row.ServiceID])).toEqual(
      health.map((entry) => [entry.Node.Node, entry.Service.ID]),
    )
    expect(health.length).toBeGreaterThan(0)
  }
})

test('trap 8: indexes are 64 bits: a client may send 2^64-1, and it is no error', async () => {
  const reply = await get('/v1/catalog/nodes?index=18446744073709551615&wait=10m')
  expect(reply.status).toBe(200)
})

test('trap 10: bodies may be snake_case or any case, with Args or ScriptArgs, durations as text', async () => {
  const reply = await register({
    NAME: 'snake',
    port: 1,
    tagged_addresses: { lan: { address: '10.1.1.1', port: 5 } },
    check: {
      http: 'http://127.0.0.1:1/',
      interval: '10s',
      deregister_critical_service_after: '90m',
      notes: 'n',
    },
  })
  expect([reply.status, reply.text]).toEqual([200, ''])
  expect((await get('/v1/agent/services')).json).toMatchObject({
    snake: { TaggedAddresses: { lan: { Address: '10.1.1.1', Port: 5 } } },
  })
  expect(api.registry.check('service:snake')?.definition).toMatchObject({
    intervalMs: 10_000,
    deregisterCriticalServiceAfterMs: 5_400_000,
    notes: 'n',
  })
})

test('trap 11: agent PUTs answer with an empty body and 200, catalog PUTs with true', async () => {
  for (const [path, body] of [
    ['/v1/agent/service/register', { Name: 'eleven' }],
    ['/v1/agent/check/register', { ID: 'c11', Name: 'c11', TTL: '10s' }],
    ['/v1/agent/check/pass/c11?note=ok', undefined],
    ['/v1/agent/check/update/c11', { Status: 'warning', Output: 'hm' }],
    ['/v1/agent/check/deregister/c11', undefined],
    ['/v1/agent/service/deregister/eleven', undefined],
    ['/v1/agent/reload', undefined],
  ] as const) {
    const reply = await api.ask('PUT', path, { ...(body === undefined ? {} : { body }), ...withLocal })
    expect([path, reply.status, reply.text]).toEqual([path, 200, ''])
  }
  const node = { Node: 'ext', Address: '192.0.2.1' }
  for (const path of ['/v1/catalog/register', '/v1/catalog/deregister']) {
    const reply = await api.ask('PUT', path, { body: node, headers: asOperator })
    expect([path, reply.status, reply.text]).toEqual([path, 200, 'true'])
  }
})

test('trap 12: Tags are [] and Meta {}, and nodes have lan and wan addresses even when registered by hand', async () => {
  await register({ Name: 'bare' })
  const { bare } = (await get('/v1/agent/services')).json as Record<string, Record<string, unknown>>
  expect(bare).toMatchObject({ Tags: [], Meta: {}, TaggedAddresses: {} })
  const body = { Node: 'ext', Address: '192.0.2.1', Service: { Service: 'mail' } }
  await api.ask('PUT', '/v1/catalog/register', { body, headers: asOperator })
  const [entry] = await entries('/v1/health/service/mail')
  expect(entry?.Node.TaggedAddresses).toEqual({
    lan: '192.0.2.1',
    lan_ipv4: '192.0.2.1',
    wan: '192.0.2.1',
    wan_ipv4: '192.0.2.1',
  })
  expect(entry?.Service.Tags).toEqual([])
})

test('trap 13: a service without checks of its own is passing as long as its node is', async () => {
  await register({ Name: 'unchecked' })
  expect(await entries('/v1/health/service/unchecked?passing')).toHaveLength(1)
  api.cluster.addCheck(checkRow('host-1', 'serfHealth', { status: 'critical', type: 'member' }))
  expect(await entries('/v1/health/service/unchecked?passing')).toHaveLength(0)
  api.cluster.addCheck(checkRow('host-1', 'serfHealth', { type: 'member' }))
})

test('trap 15: an error is its text, not JSON', async () => {
  const reply = await get('/v1/health/service/web?passing=x')
  expect(reply.text).toBe('Invalid value for ?passing: use true, false or nothing')
})

test('trap 16: an index greater than the current one answers at once', async () => {
  const started = api.cluster.held()
  const reply = await get('/v1/catalog/nodes?index=999999999&wait=10m')
  expect(reply.status).toBe(200)
  expect(api.cluster.held()).toBe(started)
})

test('trap 17: ?near=_agent keeps the stable order', async () => {
  const plain = await get('/v1/health/service/backend')
  expect((await get('/v1/health/service/backend?near=_agent')).text).toBe(plain.text)
})

test('trap 18: agent/self tells datacenter, node, a semver that claims 1.14, member tags, stats and debug keys', async () => {
  const { json, text } = await get('/v1/agent/self')
  const version = '1.14.0+mesh-agent.0.1.0'
  expect(json).toMatchObject({
    Config: { Datacenter: 'dc1', NodeName: 'host-1', NodeID: testSettings.nodeId, Version: version },
    Member: { Tags: { role: 'node', dc: 'dc1', build: version } },
    Stats: { agent: { services: expect.stringMatching(/^\d+$/) } },
    DebugConfig: { Datacenter: 'dc1', ServerMode: false, ConnectSidecarMinPort: 21_000 },
  })
  expect(text).not.toMatch(/token/i)
})

test('trap 19: xDS.SupportedProxies.envoy is a list, and Ports are there', async () => {
  const self = (await get('/v1/agent/self')).json as { xDS: unknown }
  expect(self.xDS).toEqual({ SupportedProxies: { envoy: [] }, Port: -1, Ports: { Plaintext: -1, TLS: -1 } })
})

test('trap 20: OPTIONS lists the verbs, HEAD is none of them', async () => {
  expect((await api.ask('OPTIONS', '/v1/agent/self')).headers.allow).toBe('OPTIONS,GET')
  const head = await api.ask('HEAD', '/v1/agent/self')
  expect([head.status, head.headers.allow]).toEqual([405, 'OPTIONS,GET'])
})

test('trap 21: deregistering an unknown id is 404 with the text of 1.14', async () => {
  const service = await api.ask('PUT', '/v1/agent/service/deregister/nope', withLocal)
  expect([service.status, service.text]).toEqual([
    404,
    'Unknown service ID "nope". Ensure that the service ID is passed, not the service name.',
  ])
  for (const verb of ['deregister', 'pass', 'warn', 'fail']) {
    const check = await api.ask('PUT', `/v1/agent/check/${verb}/nope`, withLocal)
    expect([check.status, check.text]).toEqual([
      404,
      'Unknown check ID "nope". Ensure that the check ID is passed, not the check name.',
    ])
  }
})

test('trap 22: gzip only when asked', async () => {
  const path = '/v1/health/service/backend'
  expect((await get(path)).headers).not.toHaveProperty('content-encoding')
  const zipped = await api.ask('GET', path, { headers: { 'Accept-Encoding': 'gzip' } })
  expect(zipped.headers['content-encoding']).toBe('gzip')
})

test('trap 25: nested structs that hold nothing are still there, as {}', async () => {
  const text = (await get('/v1/health/service/web')).text
  expect(text).toContain('"Proxy":{"Mode":"","MeshGateway":{},"Expose":{}}')
  expect(text).toContain('"Connect":{}')
})
