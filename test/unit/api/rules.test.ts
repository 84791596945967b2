// Rules that hold for every endpoint (reference/consul.md 1.1 and 1.2): methods, errors, encoding, query parameters.
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { endpoints } from '../../../src/agent/api/endpoints.ts'
import { limits } from '../../../src/model/limits.ts'
import { startTestApi, type TestApi, withLocal } from './fixture.ts'
import { asOperator, seed } from './seed.ts'

let api: TestApi
beforeAll(async () => {
  api = await startTestApi()
  await seed(api)
})
afterAll(() => api.close())

const get = (path: string, headers: Record<string, string> = {}) => api.ask('GET', path, { headers })

describe('methods', () => {
  test.each(endpoints.map((endpoint) => [endpoint.path, endpoint] as const))(
    'of %s',
    async (path, endpoint) => {
      const url = path.replace(':kind', 'service-intentions').replace('*', 'x')
      const allowed = ['OPTIONS', ...Object.keys(endpoint.actions)]
      const options = await api.ask('OPTIONS', url)
      expect([options.status, options.headers.allow, options.text]).toEqual([200, allowed.join(','), ''])
      for (const method of ['HEAD', 'GET', 'PUT', 'POST', 'DELETE', 'PATCH', 'TRACE']) {
        if (allowed.includes(method)) continue
        const reply = await api.ask(method, url)
        expect([method, reply.status, reply.headers.allow]).toEqual([method, 405, allowed.join(',')])
        expect(reply.text).toBe(
          method === 'HEAD' ? '' : `method ${method} not allowed: use ${allowed.join(', ')}`,
        )
      }
    },
  )
})

test('an unknown path is 404 with an empty body, whatever the method', async () => {
  for (const method of ['GET', 'PUT', 'HEAD']) {
    const reply = await api.ask(method, '/v1/nope')
    expect([reply.status, reply.text]).toEqual([404, ''])
  }
})

test('errors are text with a code that the log and the metric carry too', async () => {
  const own = await startTestApi()
  const reply = await own.ask('GET', '/v1/health/service/web?index=x')
  expect(reply.headers['content-type']).toBe('text/plain; charset=utf-8')
  expect([reply.status, reply.text, reply.headers['x-mesh-reason']]).toEqual([
    400,
    'Invalid index: it is the X-Consul-Index of an earlier answer',
    'bad-request',
  ])
  expect(own.counts.get('mesh_api_refusals_total bad-request')).toBe(1)
  expect(own.counts.get('mesh_api_requests_total /v1/health/service/* GET 400')).toBe(1)
  const fields = { code: 'bad-request', method: 'GET', path: '/v1/health/service/*', client: '127.0.0.1' }
  expect(own.lines).toEqual([{ message: 'API request refused', fields }])
  await own.close()
})

test('a flood of refusals is counted whole and logged in part', async () => {
  const own = await startTestApi()
  await Promise.all(Array.from({ length: 150 }, () => own.ask('GET', '/v1/catalog/nodes?index=x')))
  expect(own.counts.get('mesh_api_refusals_total bad-request')).toBe(150)
  expect(own.lines.length).toBeGreaterThan(0)
  expect(own.lines.length).toBeLessThan(150)
  await own.close()
})

test('?pretty indents by four spaces and ends with a newline; without it there is neither', async () => {
  const plain = await get('/v1/catalog/datacenters')
  expect(plain.text).toBe('["dc1"]')
  expect((await get('/v1/catalog/datacenters?pretty')).text).toBe('[\n    "dc1"\n]\n')
})

test('gzip only when asked, never for small answers, and not when refused by q=0', async () => {
  const path = '/v1/health/service/backend'
  const plain = await get(path)
  expect(plain.headers['content-encoding']).toBeUndefined()
  expect(plain.headers.vary).toBe('Accept-Encoding')
  const zipped = await get(path, { 'Accept-Encoding': 'br, gzip' })
  expect(zipped.headers['content-encoding']).toBe('gzip')
  expect(gunzipSync(zipped.bytes).toString()).toBe(plain.text)
  expect((await get(path, { 'Accept-Encoding': 'gzip;q=0, br' })).headers['content-encoding']).toBeUndefined()
  const small = await get('/v1/status/leader', { 'Accept-Encoding': 'gzip' })
  expect(small.headers['content-encoding']).toBeUndefined()
})

test('no answer carries an ETag', async () => {
  expect((await get('/v1/catalog/nodes')).headers).not.toHaveProperty('etag')
})

test('a body over the limit is refused before it is read whole', async () => {
  const body = 'x'.repeat(limits.httpBodyBytes + 1)
  const reply = await api.ask('PUT', '/v1/agent/service/register', { body, ...withLocal })
  expect([reply.status, reply.headers['x-mesh-reason']]).toEqual([413, 'too-large'])
  expect(reply.text).toContain(String(limits.httpBodyBytes))
})

test.each([
  ['', 'Request decode failed: '],
  ['{', 'Request decode failed: '],
  ['[]', ''],
  ['"x"', ''],
  ['{"Name":"a","x":1}', 'Request decode failed: json: unknown field "x"'],
  ['{"Port":1}', 'Missing service name'],
])('a broken registration %s is 400 and says why', async (body, text) => {
  const reply = await api.ask('PUT', '/v1/agent/service/register', { body, ...withLocal })
  expect(reply.status).toBe(400)
  expect(reply.text).toContain(text)
  expect(reply.text).not.toBe('')
})

test('a body is read as JSON whatever its content type says', async () => {
  const headers = { ...withLocal.headers, 'Content-Type': 'application/x-www-form-urlencoded' }
  const reply = await api.ask('PUT', '/v1/agent/service/register', {
    body: { name: 'formed', port: 1 },
    headers,
  })
  expect([reply.status, reply.text]).toEqual([200, ''])
  expect(api.registry.service('formed')).toBeDefined()
})

test.each([
  ['/v1/catalog/nodes?wait=5', 'Invalid wait time'],
  ['/v1/catalog/nodes?wait=-1s', 'Invalid wait time'],
  ['/v1/catalog/nodes?wait=soon', 'Invalid wait time'],
  ['/v1/catalog/nodes?index=-1', 'Invalid index'],
  ['/v1/catalog/nodes?index=18446744073709551616', 'Invalid index'],
  ['/v1/catalog/nodes?stale&consistent', 'Cannot specify ?stale with ?consistent, conflicting semantics.'],
  ['/v1/health/service/web?passing=maybe', 'Invalid value for ?passing'],
  ['/v1/catalog/nodes?stale&max_stale=x', 'Invalid max_stale value "x"'],
  ['/v1/connect/intentions/match?name=x', "required query parameter 'by' not set"],
  ['/v1/connect/intentions/match?by=x&name=x', "'by' parameter must be one of 'source' or 'destination'"],
  ['/v1/connect/intentions/match?by=source', "required query parameter 'name' not set"],
  ['/v1/connect/intentions/check?source=x', "required query parameter 'destination' not set"],
  ['/v1/config/nonsense', 'invalid config entry kind: nonsense'],
  ['/v1/health/state/fine', 'Invalid check state "fine"'],
  ['/v1/health/service/', 'Missing service name'],
  ['/v1/catalog/node/', 'Missing node name'],
])('%s is 400: %s', async (path, text) => {
  const reply = await get(path)
  expect(reply.status).toBe(400)
  expect(reply.text).toContain(text)
})

test('dc names the datacenter for which servers are asked, reading and writing; what is of this host alone refuses it', async () => {
  await get('/v1/catalog/nodes?dc=DC9')
  await get('/v1/catalog/nodes?dc=dc1')
  expect(api.cluster.reads.slice(-2).map(({ datacenter }) => datacenter)).toEqual(['dc9', undefined])
  await api.ask('PUT', '/v1/kv/far?dc=dc9', { body: 'x', headers: asOperator })
  expect(api.cluster.writes.at(-1)).toMatchObject({ datacenter: 'dc9', command: { type: 'kv.set' } })
  const write = await api.ask('PUT', '/v1/agent/service/register?dc=dc9', {
    body: { Name: 'far' },
    ...withLocal,
  })
  expect([write.status, write.headers['x-mesh-reason'], api.registry.service('far')]).toEqual([
    500,
    'unknown-datacenter',
    undefined,
  ])
})

test('whose a token is, the servers of this datacenter are asked, whatever dc says', async () => {
  await api.ask('GET', '/v1/catalog/nodes?dc=dc9', { headers: { 'X-Consul-Token': 'of-somebody' } })
  await api.ask('PUT', '/v1/agent/check/pass/none?dc=dc9', { headers: { 'X-Consul-Token': 'of-somebody' } })
  const asked = api.cluster.reads.filter(({ name }) => name === 'mesh.principal')
  expect(asked.length).toBeGreaterThan(0)
  expect(asked.map(({ datacenter }) => datacenter)).toEqual(asked.map(() => undefined))
})

test('ns and partition "default" are harmless; others and peer are refused by name', async () => {
  expect((await get('/v1/health/service/web?ns=default&partition=default&peer=&filter=')).status).toBe(200)
  for (const query of ['ns=x', 'partition=x', 'peer=x']) {
    const reply = await get(`/v1/health/service/web?${query}`)
    expect([reply.status, reply.headers['x-mesh-reason']]).toEqual([400, 'unsupported-feature'])
    expect(reply.text).toContain(query.split('=')[0])
  }
  expect((await get('/v1/status/leader?filter=x')).status).toBe(200)
})

test.each([
  ['', 'default'],
  ['stale', 'stale'],
  ['consistent', 'consistent'],
] as const)('?%s asks the server for a %s read and the answer says what it was', async (query, wanted) => {
  const reply = await get(`/v1/catalog/nodes?${query}`)
  expect(api.cluster.reads.at(-1)?.options.consistency).toBe(wanted)
  expect(reply.headers['x-consul-effective-consistency']).toBe(wanted === 'default' ? 'leader' : wanted)
})

test('an answer staler than max_stale is asked again of the leader', async () => {
  api.cluster.lagMs = 4_000
  const fine = await get('/v1/catalog/nodes?stale&max_stale=5s')
  expect(fine.headers).toMatchObject({
    'x-consul-lastcontact': '4000',
    'x-consul-effective-consistency': 'stale',
  })
  const again = await get('/v1/catalog/nodes?stale&max_stale=3s')
  expect(again.headers).toMatchObject({
    'x-consul-lastcontact': '0',
    'x-consul-effective-consistency': 'leader',
  })
  api.cluster.lagMs = 0
})

test('failures of the servers carry the words that clients look for, the remedy and the code', async () => {
  api.cluster.failure = { code: 'no-leader', message: 'an election is under way' }
  const noLeader = await get('/v1/catalog/nodes')
  expect(noLeader.status).toBe(500)
  expect(noLeader.text).toMatch(/^No cluster leader: an election is under way\. .+ \(no-leader\)$/)
  expect((await get('/v1/status/leader')).text).toBe('""')
  api.cluster.failure = { code: 'no-server', message: 'no server was reached in time' }
  expect((await get('/v1/status/leader')).text).toMatch(/^No known Consul servers: .+ \(no-server\)$/)
  api.cluster.failure = { code: 'write-outcome-unknown', message: 'lost' }
  const write = await api.ask('DELETE', '/v1/connect/intentions/exact?source=a&destination=b', {
    headers: asOperator,
  })
  expect([write.status, write.headers['x-mesh-reason']]).toEqual([500, 'write-outcome-unknown'])
  api.cluster.failure = undefined
})

test('names may hold slashes and escapes, and are decoded once', async () => {
  await get('/v1/health/service/a%2Fb%2525')
  expect(api.cluster.reads.at(-1)?.args).toMatchObject({ service: 'a/b%25' })
  expect((await get('/v1/health/service/%zz')).status).toBe(400)
})

test('the address without a path says where the API is', async () => {
  expect((await get('/')).text).toContain('/v1/')
})
