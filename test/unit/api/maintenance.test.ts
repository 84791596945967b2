// Maintenance endpoints by Consul's rules: what has to be said, what is answered, and what others see then.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestApi, type TestApi, withLocal } from './fixture.ts'
import { seed } from './seed.ts'

let api: TestApi
beforeAll(async () => {
  api = await startTestApi()
  await seed(api)
  await put('/v1/agent/service/register', {
    Name: 'pay',
    Port: 80,
    Check: { TTL: '1m', Status: 'passing' },
    Connect: { SidecarService: {} },
  })
})
afterAll(() => api.close())

const put = (path: string, body?: unknown) =>
  api.ask('PUT', path, { ...(body === undefined ? {} : { body }), ...withLocal })

const checks = async (): Promise<Record<string, Record<string, unknown>>> =>
  (await api.ask('GET', '/v1/agent/checks')).json as Record<string, Record<string, unknown>>

const passing = async (service: string): Promise<number> =>
  ((await api.ask('GET', `/v1/health/service/${service}?passing`)).json as unknown[]).length

test('a service in maintenance has a critical check, and its proxy has one too', async () => {
  expect(await passing('pay')).toBe(1)
  const answer = await put('/v1/agent/service/maintenance/pay?enable=true&reason=new%20disk')
  expect([answer.status, answer.text]).toEqual([200, ''])
  expect((await checks())['_service_maintenance:pay']).toMatchObject({
    CheckID: '_service_maintenance:pay',
    Name: 'Service Maintenance Mode',
    Notes: 'new disk',
    Status: 'critical',
    ServiceID: 'pay',
    ServiceName: 'pay',
    Type: 'maintenance',
    Interval: '',
  })
  expect((await checks())['_service_maintenance:pay-sidecar-proxy']).toMatchObject({ Status: 'critical' })
  expect(await passing('pay')).toBe(0)
  expect((await put('/v1/agent/service/maintenance/pay?enable=false')).status).toBe(200)
  expect(Object.keys(await checks()).filter((id) => id.startsWith('_'))).toEqual([])
  expect(await passing('pay')).toBe(1)
})

test('a host in maintenance takes all its services out; without a reason there is a default text', async () => {
  expect((await put('/v1/agent/maintenance?enable=true')).status).toBe(200)
  expect((await checks())['_node_maintenance']).toMatchObject({
    Name: 'Node Maintenance Mode',
    Notes:
      'Maintenance mode is enabled for this node, but no reason was provided. This is a default message.',
    ServiceID: '',
    Status: 'critical',
  })
  expect(await passing('pay')).toBe(0)
  // Twice is as good as once.
  expect((await put('/v1/agent/maintenance?enable=false')).status).toBe(200)
  expect((await put('/v1/agent/maintenance?enable=false')).status).toBe(200)
  expect(await passing('pay')).toBe(1)
})

test.each([
  ['/v1/agent/maintenance', 400, 'Missing value for enable: add enable=true or enable=false'],
  ['/v1/agent/maintenance?enable=soon', 400, 'Invalid value for enable: "soon"'],
  ['/v1/agent/service/maintenance/pay', 400, 'Missing value for enable: add enable=true or enable=false'],
  ['/v1/agent/service/maintenance/?enable=true', 400, 'Missing service ID: it stands at the end of the path'],
  [
    '/v1/agent/service/maintenance/nope?enable=true',
    404,
    'Unknown service ID "nope". Ensure that the service ID is passed, not the service name.',
  ],
])('PUT %s is refused', async (path, status, text) => {
  const answer = await put(path)
  expect([answer.status, answer.text]).toEqual([status, text])
})
