// The HTTP API of real processes: every endpoint's shape by the schemas that were written from Consul's tables, the npm client,
// and the traps of indexes and orders that only a real server can fall into.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LocalMesh } from '../../src/command/dev/mesh.ts'
import { describeConsulClient } from '../interop/consul-scenario.ts'
import { answers } from '../unit/api/schemas.ts'
import { entry, operate, planMesh, until } from './fixture.ts'

describe('a mesh of real processes', () => {
  const plan = planMesh()
  const { mesh } = plan
  const alpha = mesh.host('alpha')
  let localToken = ''
  let session = ''

  beforeAll(async () => {
    await mesh.start()
    localToken = readFileSync(join(alpha.data, 'agent/local.token'), 'utf8').trim()
    await operate(plan, ['intention', 'allow', 'web', 'backend'])
    await operate(plan, ['kv', 'put', 'app/on', 'yes'])
    await until('both services to be healthy', async () => {
      const lists = await Promise.all(
        ['web', 'backend'].map((name) => mesh.get(alpha, `/v1/health/connect/${name}?passing`)),
      )
      return lists.every((list) => Array.isArray(list) && list.length === 1) ? true : undefined
    })
    session = (await operate(plan, ['session', 'create', '-name', 'lead', '-ttl', '1h'])).trim()
  }, 60_000)
  afterAll(() => plan.close())

  const paths: Readonly<Record<keyof typeof answers, string>> = {
    '/v1/agent/self': '/v1/agent/self',
    '/v1/agent/metrics': '/v1/agent/metrics',
    '/v1/agent/host': '/v1/agent/host',
    '/v1/agent/version': '/v1/agent/version',
    '/v1/mesh/debug/process': '/v1/mesh/debug/process',
    '/v1/operator/usage': '/v1/operator/usage',
    '/v1/agent/members': '/v1/agent/members',
    '/v1/agent/services': '/v1/agent/services',
    '/v1/agent/service/*': '/v1/agent/service/web',
    '/v1/agent/checks': '/v1/agent/checks',
    '/v1/agent/health/service/id/*': '/v1/agent/health/service/id/web',
    '/v1/agent/health/service/name/*': '/v1/agent/health/service/name/web',
    '/v1/agent/connect/ca/roots': '/v1/agent/connect/ca/roots',
    '/v1/agent/connect/ca/leaf/*': '/v1/agent/connect/ca/leaf/web',
    '/v1/connect/ca/roots': '/v1/connect/ca/roots',
    '/v1/catalog/datacenters': '/v1/catalog/datacenters',
    '/v1/catalog/nodes': '/v1/catalog/nodes',
    '/v1/catalog/services': '/v1/catalog/services',
    '/v1/catalog/service/*': '/v1/catalog/service/backend',
    '/v1/catalog/connect/*': '/v1/catalog/connect/backend',
    '/v1/catalog/node/*': '/v1/catalog/node/beta',
    '/v1/catalog/node-services/*': '/v1/catalog/node-services/beta',
    '/v1/catalog/gateway-services/*': '/v1/catalog/gateway-services/edge',
    '/v1/health/ingress/*': '/v1/health/ingress/backend',
    '/v1/coordinate/datacenters': '/v1/coordinate/datacenters',
    '/v1/coordinate/nodes': '/v1/coordinate/nodes',
    '/v1/event/list': '/v1/event/list',
    '/v1/health/service/*': '/v1/health/service/backend',
    '/v1/health/connect/*': '/v1/health/connect/backend',
    '/v1/health/checks/*': '/v1/health/checks/backend-sidecar-proxy',
    '/v1/health/node/*': '/v1/health/node/beta',
    '/v1/health/state/*': '/v1/health/state/any',
    '/v1/connect/intentions': '/v1/connect/intentions',
    '/v1/connect/intentions/exact': '/v1/connect/intentions/exact?source=web&destination=backend',
    '/v1/connect/intentions/*': '/v1/connect/intentions/FIRST',
    '/v1/connect/intentions/match': '/v1/connect/intentions/match?by=destination&name=backend',
    '/v1/connect/intentions/check': '/v1/connect/intentions/check?source=web&destination=backend',
    '/v1/config/:kind': '/v1/config/service-intentions',
    '/v1/config/:kind/*': '/v1/config/service-intentions/backend',
    '/v1/kv/*': '/v1/kv/app?recurse',
    '/v1/session/info/*': '/v1/session/info/SESSION',
    '/v1/session/node/*': '/v1/session/node/alpha',
    '/v1/session/list': '/v1/session/list',
    '/v1/status/leader': '/v1/status/leader',
    '/v1/status/peers': '/v1/status/peers',
    '/v1/operator/raft/configuration': '/v1/operator/raft/configuration',
    '/v1/operator/autopilot/configuration': '/v1/operator/autopilot/configuration',
    '/v1/operator/autopilot/health': '/v1/operator/autopilot/health',
    '/v1/operator/autopilot/state': '/v1/operator/autopilot/state',
    '/v1/mesh/status': '/v1/mesh/status',
    '/v1/mesh/host': '/v1/mesh/host',
    '/v1/mesh/services': '/v1/mesh/services',
    '/v1/mesh/openapi.json': '/v1/mesh/openapi.json',
    '/v1/mesh/drain/service/*': '/v1/mesh/drain/service/web',
    '/v1/mesh/drain/host': '/v1/mesh/drain/host',
    '/v1/mesh/enforcement/*': '/v1/mesh/enforcement/backend',
  }

  /** There are neither gateways nor other datacenters here, and nobody fired an event. */
  const alwaysEmpty = /gateway-services|ingress|coordinate\/datacenters|event/

  const ask = (path: string): Promise<Response> =>
    fetch(`${alpha.api}${path}`, { headers: { 'x-consul-token': localToken } })
  const indexOf = (response: Response): number => Number(response.headers.get('x-consul-index'))

  test.each(Object.entries(paths))('%s has the fields, types and nulls of its table', async (name, path) => {
    const [first] = (await (await ask('/v1/connect/intentions')).json()) as { readonly ID: string }[]
    const response = await ask(path.replace('FIRST', first?.ID ?? '').replace('SESSION', session))
    expect(response.status).toBe(200)
    const body: unknown = await response.json()
    if (Array.isArray(body) && !alwaysEmpty.test(name)) expect(body.length).toBeGreaterThan(0)
    answers[name as keyof typeof answers].parse(body)
  })

  test('a leaf of a service that the host may not be is refused, and so is its registration in the catalog', async () => {
    const leaf = await ask('/v1/agent/connect/ca/leaf/database')
    expect([leaf.status, leaf.headers.get('x-mesh-reason')]).toEqual([403, 'service-not-allowed'])
    const registered = await fetch(`${alpha.api}/v1/agent/service/register`, {
      method: 'PUT',
      headers: { 'x-consul-token': localToken },
      body: JSON.stringify({ Name: 'database', Port: 5432, Connect: { SidecarService: {} } }),
    })
    expect(registered.status).toBe(200)
    await until('the refusal to be logged', () =>
      readFileSync(alpha.agent.logFile, 'utf8').includes('"code":"service-not-allowed"') ? true : undefined,
    )
    const known = await (await ask('/v1/health/connect/database')).json()
    expect(known).toEqual([])
  })

  test('trap 1: an index is at least 1 and stays where it is while nothing that was asked about changes', async () => {
    const quiet = ['/v1/health/service/backend', '/v1/catalog/services', '/v1/health/service/unknown']
    const before = await Promise.all(quiet.map(async (path) => indexOf(await ask(path))))
    for (const index of before) expect(index).toBeGreaterThanOrEqual(1)
    await operate(plan, ['intention', 'allow', 'somebody', 'elsewhere'])
    expect(await Promise.all(quiet.map(async (path) => indexOf(await ask(path))))).toEqual(before)
  })

  test('trap 5: catalog and health list the same instances in the same order', async () => {
    const catalog = (await (await ask('/v1/catalog/service/backend')).json()) as {
      Node: string
      ServiceID: string
    }[]
    const health = (await (await ask('/v1/health/service/backend')).json()) as {
      Node: { Node: string }
      Service: { ID: string }
    }[]
    expect(catalog.map((each) => [each.Node, each.ServiceID])).toEqual(
      health.map((each) => [each.Node.Node, each.Service.ID]),
    )
  })

  test('trap 14: the servers themselves are in the catalog as service consul', async () => {
    const services = (await (await ask('/v1/catalog/services')).json()) as Record<string, unknown>
    expect(services).toHaveProperty('consul')
  })

  test('trap 16: a watch with an index from the future returns at once', async () => {
    const response = await ask('/v1/health/service/backend?index=99999999999&wait=5m')
    expect(response.status).toBe(200)
    expect(indexOf(response)).toBeLessThan(99_999_999_999)
  })

  test('a watch returns when what it watches changes, with a greater index', async () => {
    const path = '/v1/connect/intentions/match?by=destination&name=backend'
    const index = indexOf(await ask(path))
    const watch = ask(`${path}&index=${index}&wait=60s`)
    await operate(plan, ['intention', 'deny', 'another', 'backend'])
    const response = await watch
    expect(indexOf(response)).toBeGreaterThan(index)
    expect(await response.text()).toContain('another')
  })
})

describeConsulClient('real processes', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'mesh-c-'))
  const net = `127.${32 + (process.pid % 200)}.251`
  const host = { name: 'alpha', address: `${net}.2`, services: ['*'], files: {} }
  const mesh = new LocalMesh({ directory, entry, serverAddress: `${net}.1`, hosts: [host] })
  await mesh.start()
  const alpha = mesh.host('alpha')
  await until('the agent to be a member', async () => {
    const members = (await mesh.get(alpha, '/v1/agent/members')) as readonly {
      Name: string
      Status: number
    }[]
    return members?.some((member) => member.Name === 'alpha' && member.Status === 1) ? true : undefined
  })
  return {
    host: host.address,
    port: 8500,
    token: readFileSync(join(alpha.data, 'agent/local.token'), 'utf8').trim(),
    operatorToken: readFileSync(mesh.operatorTokenFile, 'utf8').trim(),
    datacenter: 'dc1',
    nodeName: 'alpha',
    close: async () => {
      await mesh.stop()
      rmSync(directory, { recursive: true, force: true })
    },
  }
})
