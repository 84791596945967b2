// Every GET endpoint answers exactly the fields, types and nullability of reference/consul.md, with its headers.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { endpoints } from '../../../src/agent/api/endpoints.ts'
import { keyringEndpoints } from '../../../src/agent/api/keyring.ts'
import { preparedQueryEndpoints } from '../../../src/agent/api/prepared-query.ts'
import { rootPem } from './fake-cluster.ts'
import { localToken, startTestApi, type TestApi, withLocal } from './fixture.ts'
import { answers, readHeaders } from './schemas.ts'
import { asOperator, native, seed, sidecarOf } from './seed.ts'

let api: TestApi
let session = ''
beforeAll(async () => {
  api = await startTestApi()
  await seed(api)
  api.registry.register(native, { source: 'api', replaceChecks: false })
  api.registry.register(
    { service: sidecarOf('native', 21_005), checks: [] },
    { source: 'file', replaceChecks: false },
  )
  await api.ask('PUT', '/v1/agent/check/register', { body: { Name: 'beat', TTL: '10s' }, ...withLocal })
  await api.ask('PUT', '/v1/kv/app/on?flags=7', { body: 'yes', headers: asOperator })
  await api.ask('PUT', '/v1/kv/app/empty', { headers: asOperator })
  const created = await api.ask('PUT', '/v1/session/create', {
    body: { Name: 'lead', TTL: '30s' },
    headers: asOperator,
  })
  session = (created.json as { readonly ID: string }).ID
  await api.ask('PUT', `/v1/kv/app/lead?acquire=${session}`, { headers: asOperator })
})
afterAll(() => api.close())

/** Where an endpoint has a name in its path or cannot be asked without parameters. */
const paths: Partial<Record<keyof typeof answers, readonly string[]>> = {
  '/v1/agent/service/*': ['/v1/agent/service/native', '/v1/agent/service/native-sidecar-proxy'],
  '/v1/agent/health/service/id/*': ['/v1/agent/health/service/id/native'],
  '/v1/agent/health/service/name/*': ['/v1/agent/health/service/name/native'],
  '/v1/catalog/gateway-services/*': ['/v1/catalog/gateway-services/edge'],
  '/v1/health/ingress/*': ['/v1/health/ingress/backend'],
  '/v1/connect/intentions/*': ['/v1/connect/intentions/FIRST'],
  '/v1/agent/connect/ca/leaf/*': ['/v1/agent/connect/ca/leaf/native'],
  '/v1/agent/members': ['/v1/agent/members', '/v1/agent/members?wan=1'],
  '/v1/catalog/service/*': [
    '/v1/catalog/service/backend',
    '/v1/catalog/service/native',
    '/v1/catalog/service/none',
  ],
  '/v1/catalog/connect/*': ['/v1/catalog/connect/backend', '/v1/catalog/connect/native'],
  '/v1/catalog/node/*': ['/v1/catalog/node/host-1', '/v1/catalog/node/nobody'],
  '/v1/catalog/node-services/*': ['/v1/catalog/node-services/host-1', '/v1/catalog/node-services/nobody'],
  '/v1/health/service/*': [
    '/v1/health/service/backend',
    '/v1/health/service/native',
    '/v1/health/service/none',
  ],
  '/v1/health/connect/*': ['/v1/health/connect/backend'],
  '/v1/health/checks/*': ['/v1/health/checks/backend', '/v1/health/checks/none'],
  '/v1/health/node/*': ['/v1/health/node/host-1', '/v1/health/node/nobody'],
  '/v1/health/state/*': ['any', 'passing', 'warning', 'critical'].map((state) => `/v1/health/state/${state}`),
  '/v1/connect/intentions/exact': ['/v1/connect/intentions/exact?source=web&destination=backend'],
  '/v1/connect/intentions/match': [
    '/v1/connect/intentions/match?by=destination&name=backend&name=db',
    '/v1/connect/intentions/match?by=source&name=web',
  ],
  '/v1/connect/intentions/check': ['/v1/connect/intentions/check?source=web&destination=backend'],
  '/v1/config/:kind': ['/v1/config/service-intentions'],
  '/v1/config/:kind/*': ['/v1/config/service-intentions/db'],
  '/v1/session/info/*': ['/v1/session/info/SESSION', '/v1/session/info/00000000-0000-4000-8000-000000000000'],
  '/v1/session/node/*': ['/v1/session/node/host-1', '/v1/session/node/none'],
  '/v1/kv/*': [
    '/v1/kv/app/lead',
    '/v1/kv/app/on',
    '/v1/kv/app?recurse',
    '/v1/kv/app?keys',
    '/v1/kv/?keys&separator=/',
  ],
  '/v1/mesh/drain/service/*': ['/v1/mesh/drain/service/native'],
  '/v1/mesh/enforcement/*': ['/v1/mesh/enforcement/backend?index=3'],
}

/** The host of these tests has a check of its own that nobody answers. */
const criticalPaths = /^\/v1\/agent\/health\//

async function firstIntentionId(): Promise<string> {
  const [first] = (await api.ask('GET', '/v1/connect/intentions')).json as { readonly ID: string }[]
  return first?.ID ?? ''
}

/** Reads that a server or a view answers; all others are the agent's own and carry no index. */
const clusterReads =
  /^\/v1\/(catalog\/(?!datacenters)|health\/|connect\/|config\/|kv\/|session\/|coordinate\/nodes|mesh\/services|operator\/usage|agent\/connect\/ca\/roots)/

describe.each(Object.keys(answers) as (keyof typeof answers)[])('GET %s', (endpoint) => {
  test.each(paths[endpoint] ?? [endpoint])('%s', async (asked) => {
    const path = asked.replace('FIRST', await firstIntentionId()).replace('SESSION', session)
    const reply = await api.ask('GET', path, withLocal)
    expect(reply.status, reply.text).toBe(criticalPaths.test(path) ? 503 : 200)
    expect(reply.headers['content-type']).toBe('application/json')
    answers[endpoint].parse(reply.json)
    if (clusterReads.test(path)) readHeaders.parse(reply.headers)
    else if (!/\/leaf\/|\/event\//.test(path)) expect(reply.headers).not.toHaveProperty('x-consul-index')
  })
})

test('every endpoint with GET and JSON has a schema', () => {
  const withoutJson = [
    '/',
    '/v1/agent/metrics/stream',
    '/v1/agent/monitor',
    '/v1/mesh/debug/profile',
    '/v1/snapshot',
    // Only refusals and a 404 where this host does not gossip.
    ...[...keyringEndpoints, ...preparedQueryEndpoints].map(({ path }) => path),
    '/v1/coordinate/node/*',
  ]
  const got = endpoints.filter((endpoint) => endpoint.actions.GET !== undefined).map(({ path }) => path)
  expect(got.filter((path) => !withoutJson.includes(path)).sort()).toEqual(Object.keys(answers).sort())
})

test('the PEM form of the roots is a bundle with its own content type', async () => {
  for (const path of ['/v1/connect/ca/roots?pem=true', '/v1/agent/connect/ca/roots?pem']) {
    const reply = await api.ask('GET', path)
    expect(reply.headers['content-type']).toBe('application/pem-certificate-chain')
    expect(reply.text).toBe(rootPem)
  }
})

test('metrics are also given as Prometheus text', async () => {
  const reply = await api.ask('GET', '/v1/agent/metrics?format=prometheus')
  expect(reply.headers['content-type']).toContain('text/plain; version=0.0.4')
  expect(reply.text).toContain('process_resident_memory_bytes')
})

test('a root serial number longer than 53 bits is shown exactly, cut to 64 bits as Consul does', async () => {
  const reply = await api.ask('GET', '/v1/connect/ca/roots')
  expect(reply.text).toContain(`"SerialNumber":${BigInt('0xadbeefdeadbeef01')}`)
})

test('empty lists, unknown nodes and an unknown intention answer as Consul does', async () => {
  expect((await api.ask('GET', '/v1/health/service/none')).text).toBe('[]')
  expect((await api.ask('GET', '/v1/catalog/node/nobody')).text).toBe('null')
  const missing = await api.ask('GET', '/v1/connect/intentions/exact?source=a&destination=b')
  expect([missing.status, missing.text]).toEqual([404, 'Intention not found'])
  readHeaders.parse(missing.headers)
  const entry = await api.ask('GET', '/v1/config/service-intentions/none')
  expect([entry.status, entry.text]).toEqual([
    404,
    'Config entry not found for "service-intentions" / "none"',
  ])
})

test('roots of the agent come from its view when it has one, and from a server when not', async () => {
  const own = await startTestApi()
  try {
    expect((await own.ask('GET', '/v1/agent/connect/ca/roots')).headers['x-cache']).toBe('MISS')
    const { createIndex: _create, modifyIndex: _modify, ...root } = (await import('./fake-cluster.ts')).caRoot
    own.views.set({
      subject: { topic: 'roots', key: '' },
      index: 77,
      bodies: [{ topic: 'roots', trustDomain: root.trustDomain, roots: [root] }],
      live: true,
    })
    own.cluster.failure = { code: 'no-server', message: 'none is there' }
    const reply = await own.ask('GET', '/v1/agent/connect/ca/roots')
    expect(reply.headers).toMatchObject({ 'x-cache': 'HIT', 'x-consul-index': '77' })
    answers['/v1/agent/connect/ca/roots'].parse(reply.json)
    const leaf = await own.ask('GET', '/v1/agent/connect/ca/leaf/web', {
      headers: { 'X-Consul-Token': localToken },
    })
    expect([leaf.status, leaf.headers['x-cache'], leaf.headers['x-consul-index']]).toEqual([200, 'MISS', '1'])
    const again = await own.ask('GET', '/v1/agent/connect/ca/leaf/web', { headers: asOperatorLocal })
    expect(again.headers['x-cache']).toBe('HIT')
  } finally {
    await own.close()
  }
})

const asOperatorLocal = { Authorization: `Bearer ${localToken}` }
