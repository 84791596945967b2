// The drain endpoints: what they begin, what they show, what they refuse.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestApi, type TestApi, withLocal } from './fixture.ts'
import { seed } from './seed.ts'

let api: TestApi
beforeAll(async () => {
  api = await startTestApi()
  await seed(api)
  await api.ask('PUT', '/v1/agent/service/register', { body: { Name: 'pay', Port: 80 }, ...withLocal })
})
afterAll(() => api.close())

const ask = async (method: string, path: string): Promise<readonly [number, unknown]> => {
  const reply = await api.ask(method, path, withLocal)
  return [reply.status, reply.status === 200 && reply.text !== '' ? reply.json : reply.text]
}

test('PUT begins a drain with its time and reason, GET shows it, DELETE ends it', async () => {
  const path = '/v1/mesh/drain/service/pay'
  const none = { ServiceID: 'pay', Phase: 'none', Proxies: null, Total: null, Open: null, Cut: 0, LeftMs: 0 }
  expect(await ask('GET', path)).toEqual([200, none])
  const begun = { ...none, Phase: 'leaving', LeftMs: 90_000 }
  expect(await ask('PUT', `${path}?timeout=1m30s&reason=new%20disk`)).toEqual([200, begun])
  expect(await ask('GET', path)).toEqual([200, begun])
  expect(api.registry.check('_service_maintenance:pay')?.check.notes).toBe('new disk')
  expect(await ask('DELETE', path)).toEqual([200, ''])
  expect(await ask('GET', path)).toEqual([200, none])
  expect(api.registry.check('_service_maintenance:pay')).toBeUndefined()
})

test('without a time and a reason there are defaults, and the whole host has a drain of its own', async () => {
  expect(await ask('PUT', '/v1/mesh/drain/host')).toMatchObject([200, { ServiceID: '', LeftMs: 30_000 }])
  expect(api.registry.check('_node_maintenance')?.check.notes).toBe('drained by an operator')
  expect(await ask('DELETE', '/v1/mesh/drain/host')).toEqual([200, ''])
})

test.each([
  ['PUT', '/v1/mesh/drain/service/nope', 404, /^Unknown service ID "nope"/],
  ['GET', '/v1/mesh/drain/service/nope', 404, /^Unknown service ID "nope"/],
  ['PUT', '/v1/mesh/drain/service/', 400, /^Missing service ID/],
  ['DELETE', '/v1/mesh/drain/service/pay', 404, /in use/],
  ['PUT', '/v1/mesh/drain/service/pay?timeout=30', 400, /^Invalid timeout "30": use a duration such as 30s/],
  ['PUT', '/v1/mesh/drain/service/pay?timeout=-1s', 400, /^Invalid timeout "-1s"/],
  ['PUT', '/v1/mesh/drain/service/pay?timeout=25h', 400, /^Invalid timeout "25h"/],
])('%s %s is refused', async (method, path, status, text) => {
  expect(await ask(method, path)).toEqual([status, expect.stringMatching(text)])
})

test('it takes the right to act for this host', async () => {
  for (const path of ['/v1/mesh/drain/service/pay', '/v1/mesh/drain/host', '/v1/agent/leave'])
    expect((await api.ask('PUT', path)).status).toBe(403)
})
