// All servers stopped, on real processes: catalog and health go on from what the agent keeps and say how old that is; what
// must not be answered from memory is refused at once, with what to do.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { answers } from '../unit/api/schemas.ts'
import { operate, planMesh, until } from './fixture.ts'

const plan = planMesh({ agentSettings: 'performance { rpc_hold_timeout = "1s" }\n' })
const { mesh } = plan
const alpha = mesh.host('alpha')
let token = ''
let operatorToken = ''

const ask = (path: string, init: RequestInit = {}): Promise<Response> =>
  fetch(`${alpha.api}${path}`, { ...init, headers: { 'x-consul-token': token, ...init.headers } })

const write = (path: string, body: string): Promise<Response> =>
  ask(path, { method: 'PUT', body, headers: { 'x-consul-token': operatorToken } })

const reads = {
  '/v1/catalog/datacenters': '/v1/catalog/datacenters',
  '/v1/catalog/nodes': '/v1/catalog/nodes',
  '/v1/catalog/services': '/v1/catalog/services',
  '/v1/catalog/service/*': '/v1/catalog/service/backend',
  '/v1/catalog/connect/*': '/v1/catalog/connect/backend',
  '/v1/catalog/node/*': '/v1/catalog/node/beta',
  '/v1/catalog/node-services/*': '/v1/catalog/node-services/beta?filter=Port!=1',
  '/v1/health/service/*': '/v1/health/service/backend?passing',
  '/v1/health/connect/*': '/v1/health/connect/backend',
  '/v1/health/checks/*': '/v1/health/checks/backend-sidecar-proxy',
  '/v1/health/node/*': '/v1/health/node/beta',
  '/v1/health/state/*': '/v1/health/state/any',
} as const
const seen = new Map<string, unknown>()

beforeAll(async () => {
  await mesh.start()
  operatorToken = readFileSync(mesh.operatorTokenFile, 'utf8').trim()
  token = readFileSync(join(alpha.data, 'agent/local.token'), 'utf8').trim()
  await operate(plan, ['intention', 'allow', 'web', 'backend'])
  await operate(plan, ['kv', 'put', 'app/on', 'yes'])
  await until('both services to be healthy', async () => {
    const list = await mesh.get(alpha, '/v1/health/connect/backend?passing')
    return Array.isArray(list) && list.length === 1 ? true : undefined
  })
}, 60_000)
afterAll(() => plan.close())

test('a service asked for with ?cached is followed, and then answered without asking a server', async () => {
  const path = '/v1/health/service/backend?cached'
  expect((await ask(path)).headers.get('x-cache')).toBe('MISS')
  const hit = await until('the view to be live', async () => {
    const reply = await ask(path)
    return reply.headers.get('x-cache') === 'HIT' ? reply : undefined
  })
  expect(hit.headers.get('age')).toBe('0')
  answers['/v1/health/service/*'].parse(await hit.json())
})

test('with the server gone every read of catalog and health is answered as before, with its age', async () => {
  for (const path of Object.values(reads)) {
    const reply = await ask(path)
    expect(reply.headers.get('age'), path).toBeNull()
    seen.set(path, await reply.json())
  }
  await mesh.server.kill()
  await until('the agent to notice', async () =>
    (await ask('/v1/agent/connect/ca/roots')).headers.get('x-consul-knownleader') === 'false'
      ? true
      : undefined,
  )
  for (const [name, path] of Object.entries(reads)) {
    const reply = await ask(path)
    expect(reply.status, path).toBe(200)
    const body: unknown = await reply.json()
    answers[name as keyof typeof reads].parse(body)
    expect(body, path).toEqual(seen.get(path))
    if (name === '/v1/catalog/datacenters') continue
    expect(reply.headers.get('x-consul-knownleader'), path).toBe('false')
    expect(reply.headers.get('x-consul-lastcontact'), path).toMatch(/^\d+$/)
    expect(reply.headers.get('age'), path).toMatch(/^\d+$/)
  }
}, 60_000)

test('a consistent read, one that was never asked, a key, and every write are refused with what to do', async () => {
  const refused = [
    ask('/v1/health/service/backend?consistent'),
    ask('/v1/health/service/never-asked'),
    ask('/v1/health/service/backend?stale&max_stale=1ms'),
    ask('/v1/kv/app/on'),
    ask('/v1/connect/intentions/exact?source=web&destination=backend'),
    write('/v1/kv/app/on', 'no'),
    write('/v1/catalog/register', '{"Node":"x","Address":"192.0.2.1"}'),
    write('/v1/connect/intentions/exact?source=a&destination=b', '{"Action":"deny"}'),
  ]
  for (const reply of await Promise.all(refused)) {
    const text = await reply.text()
    expect([reply.status, reply.headers.get('x-mesh-reason')], `${reply.url} ${text}`).toEqual([
      500,
      'no-server',
    ])
    expect(text).toContain('No known Consul servers')
  }
})

test('an agent that starts again without servers still knows the instances that its proxies need', async () => {
  await alpha.agent.kill()
  alpha.agent.start()
  await mesh.agentReady(alpha)
  const reply = await until('its kept view', async () => {
    const answer = await ask('/v1/health/connect/backend')
    return answer.status === 200 ? answer : undefined
  })
  expect(await reply.json()).toEqual(seen.get('/v1/health/connect/backend'))
  expect(reply.headers.get('age')).toMatch(/^\d+$/)
}, 60_000)

test('when the server is back it answers itself', async () => {
  await mesh.startServer()
  await until('a server to answer', async () => {
    const reply = await ask('/v1/health/connect/backend')
    return reply.headers.get('x-consul-knownleader') === 'true' && !reply.headers.has('age')
      ? true
      : undefined
  })
}, 60_000)
