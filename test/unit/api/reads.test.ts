// Endpoints that have little to tell in this version, and health of this host's services as one word and one status.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestApi, type TestApi, withLocal } from './fixture.ts'
import { asOperator, seed } from './seed.ts'

let api: TestApi
beforeAll(async () => {
  api = await startTestApi()
  await seed(api)
})
afterAll(() => api.close())

const get = (path: string, headers: Readonly<Record<string, string>> = {}) =>
  api.ask('GET', path, { headers })
const update = (id: string, Status: string) =>
  api.ask('PUT', `/v1/agent/check/update/${id}`, { body: { Status }, ...withLocal })
const intentionBody = { SourceName: 'api', DestinationName: 'cache', Action: 'allow', Meta: { a: 'b' } }

test('without distances near keeps the stable order, whatever node it names', async () => {
  const plain = await get('/v1/health/service/backend')
  for (const near of ['_agent', 'host-2', 'nobody', '_ip'])
    for (const path of ['/v1/health/service/backend', '/v1/catalog/service/backend', '/v1/catalog/nodes']) {
      const sorted = await get(`${path}?near=${near}`)
      expect(sorted.status).toBe(200)
      if (path.includes('health')) expect(sorted.text).toBe(plain.text)
    }
  expect((await get('/v1/coordinate/datacenters')).text).toBe('[]')
  expect((await get('/v1/coordinate/nodes')).text).toBe('[]')
  const one = await get('/v1/coordinate/node/host-1')
  expect([one.status, one.text]).toEqual([404, ''])
})

test('merge-central-config changes nothing where nothing is configured centrally', async () => {
  const plain = await get('/v1/health/connect/backend')
  expect((await get('/v1/health/connect/backend?merge-central-config')).text).toBe(plain.text)
})

test('prepared queries answer with a status and a code of their own, on every path and method', async () => {
  for (const line of [
    'GET /v1/query',
    'POST /v1/query',
    'GET /v1/query/x/execute',
    'DELETE /v1/query/x',
  ] as const) {
    const [method = '', path = ''] = line.split(' ')
    const reply = await api.ask(method, path, { headers: asOperator })
    expect([reply.status, reply.headers['x-mesh-reason']], line).toEqual([501, 'no-prepared-queries'])
    expect(reply.text).toContain('/v1/health/service/NAME')
  }
})

test('gateways do not exist: their lists are empty and can be waited on', async () => {
  for (const path of ['/v1/health/ingress/backend', '/v1/catalog/gateway-services/edge']) {
    const reply = await get(path)
    expect([reply.status, reply.text]).toEqual([200, '[]'])
    expect(Number(reply.headers['x-consul-index'])).toBeGreaterThan(0)
  }
  expect((await get('/v1/catalog/gateway-services/')).status).toBe(400)
})

test('health of a service on this host is a status for load balancers, in JSON or as one word', async () => {
  const Checks = [{ CheckID: 'beat', TTL: '10m', Status: 'passing' }]
  for (const ID of ['db-1', 'db-2'])
    await api.ask('PUT', '/v1/agent/service/register', {
      body: { ID, Name: 'db', Checks: Checks.map((check) => ({ ...check, CheckID: `${ID}-beat` })) },
      ...withLocal,
    })
  const word = async (path: string) => {
    const reply = await get(`/v1/agent/health/service/${path}?format=text`)
    return [reply.status, reply.text, reply.headers['x-consul-reason']]
  }
  expect(await word('id/db-1')).toEqual([200, 'passing', 'passing'])
  await update('db-1-beat', 'warning')
  expect(await word('id/db-1')).toEqual([429, 'warning', 'warning'])
  expect(await word('id/db-2')).toEqual([200, 'passing', 'passing'])
  expect(await word('name/db')).toEqual([429, 'warning', 'warning'])
  await update('db-2-beat', 'critical')
  expect(await word('name/db')).toEqual([503, 'critical', 'critical'])
  const json = await get('/v1/agent/health/service/name/db')
  expect(json.status).toBe(503)
  expect(json.json).toMatchObject([
    { AggregatedStatus: 'warning', Service: { ID: 'db-1' }, Checks: [{ CheckID: 'db-1-beat' }] },
    { AggregatedStatus: 'critical', Service: { ID: 'db-2' }, Checks: [{ CheckID: 'db-2-beat' }] },
  ])
  const accepting = await get('/v1/agent/health/service/id/db-2', { Accept: 'text/plain' })
  expect([accepting.status, accepting.text]).toEqual([503, 'critical'])
})

test('a check of the node counts for each of its services, and maintenance outranks all', async () => {
  await api.ask('PUT', '/v1/agent/service/register', { body: { Name: 'calm' }, ...withLocal })
  await api.ask('PUT', '/v1/agent/check/register', {
    body: { CheckID: 'disk', Name: 'disk', TTL: '10m', Status: 'critical' },
    ...withLocal,
  })
  expect((await get('/v1/agent/health/service/id/calm?format=text')).text).toBe('critical')
  await update('disk', 'passing')
  expect((await get('/v1/agent/health/service/id/calm?format=text')).text).toBe('passing')
  await api.ask('PUT', '/v1/agent/check/register', {
    body: { CheckID: '_service_maintenance:calm', Name: 'm', ServiceID: 'calm', TTL: '10m' },
    ...withLocal,
  })
  const reply = await get('/v1/agent/health/service/id/calm?format=text')
  expect([reply.status, reply.text]).toEqual([503, 'maintenance'])
})

test('an unknown service of this host is 404 in all forms', async () => {
  const byId = await get('/v1/agent/health/service/id/none')
  expect([byId.status, byId.json]).toEqual([
    404,
    { AggregatedStatus: 'critical', Service: null, Checks: null },
  ])
  const byName = await get('/v1/agent/health/service/name/none')
  expect([byName.status, byName.text]).toEqual([404, '[]'])
  const text = await get('/v1/agent/health/service/name/n%C3%A9?format=text')
  expect([text.status, text.text]).toEqual([404, 'ServiceName né Not Found'])
  expect((await get('/v1/agent/health/service/id/')).status).toBe(400)
})

test('the deprecated endpoints of intentions: made by POST, read, changed and removed by UUID', async () => {
  const post = (body: unknown) => api.ask('POST', '/v1/connect/intentions', { body, headers: asOperator })
  const made = await post(intentionBody)
  expect(made.status, made.text).toBe(200)
  const { ID } = made.json as { readonly ID: string }
  const path = `/v1/connect/intentions/${ID}`
  expect((await get(path)).json).toMatchObject({ ID, ...intentionBody, Precedence: 9 })
  expect(
    (await get(path.toUpperCase().replace('/V1/CONNECT/INTENTIONS', '/v1/connect/intentions'))).status,
  ).toBe(200)

  const twice = await post(intentionBody)
  expect([twice.status, twice.headers['x-mesh-reason']]).toEqual([409, 'conflict'])
  expect(twice.text).toContain(`duplicate intention found: api => cache has the ID ${ID}`)

  const put = (body: unknown) => api.ask('PUT', path, { body, headers: asOperator })
  const changed = await put({ ...intentionBody, Action: 'deny' })
  expect([changed.status, changed.json]).toEqual([200, { ID }])
  expect((await get(path)).json).toMatchObject({ ID, Action: 'deny' })
  const renamed = await put({ ...intentionBody, DestinationName: 'other' })
  expect([renamed.status, renamed.text]).toEqual([400, expect.stringContaining('Cannot modify')])
  expect((await get(path)).json).toMatchObject({ DestinationName: 'cache' })

  expect((await api.ask('DELETE', path, { headers: asOperator })).text).toBe('true')
  for (const method of ['GET', 'PUT', 'DELETE'] as const)
    expect((await api.ask(method, path, { body: intentionBody, headers: asOperator })).status, method).toBe(
      404,
    )
  const noId = await get('/v1/connect/intentions/web')
  expect([noId.status, noId.text]).toEqual([400, expect.stringContaining('/v1/connect/intentions/exact')])
})

test('making an intention needs an operator and both names', async () => {
  const anonymous = await api.ask('POST', '/v1/connect/intentions', { body: intentionBody })
  expect(anonymous.status).toBe(403)
  const half = { ...intentionBody, SourceName: '' }
  const reply = await api.ask('POST', '/v1/connect/intentions', { body: half, headers: asOperator })
  expect(reply.status).toBe(400)
})
