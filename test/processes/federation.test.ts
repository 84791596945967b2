// Two datacenters: a request across, rules that belong to the primary, reads and writes there, and what goes on while the other
// side's servers are away.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { attempt, Conversation } from './client.ts'
import { EchoService } from './echo.ts'
import { ports, until } from './fixture.ts'
import { ask, planDatacenters } from './two-datacenters.ts'

const both = planDatacenters()
const { dc1, dc2 } = both
const alpha = dc1.host('alpha')
const beta = dc2.host('beta')
let service: EchoService

beforeAll(async () => {
  service = await EchoService.listen(beta.plan.address, ports.backend)
  await both.start()
}, 120_000)

afterAll(async () => {
  await service?.close()
  await both.close()
})

const call = (): ReturnType<typeof attempt> => attempt(alpha.plan.address, ports.upstream, 'hello')
const reaches = (what: string, kind: 'echoed' | 'cut'): Promise<unknown> =>
  until(what, async () => ((await call()).kind === kind ? true : undefined))

test('before they are federated, neither knows the other', async () => {
  // An agent answers before it is enrolled.
  const known = await until('the agent to be enrolled', async () => {
    const answer = await ask(alpha, '/v1/catalog/datacenters')
    return answer.status === 200 ? answer : undefined
  })
  expect(known.json()).toEqual(['dc1'])
  const answer = await ask(alpha, '/v1/catalog/nodes?dc=dc2')
  expect(answer.status).toBe(500)
  expect(answer.text).toContain('No path to datacenter')
})

test('dc2 joins dc1 by a token that is good once; both list each other', async () => {
  await both.federate()
  expect((await ask(alpha, '/v1/catalog/datacenters')).json()).toEqual(['dc1', 'dc2'])
  expect((await ask(beta, '/v1/catalog/datacenters')).json()).toEqual(['dc2', 'dc1'])
  const list = await both.onServer(dc2, ['federation', 'list'])
  expect(list).toMatch(/dc2 \(this one\)\s+secondary/)
  expect(list).toMatch(/dc1\s+primary\s+\S+\s+yes/)
})

test('servers of both meet by gossip, each under the name of its datacenter', async () => {
  for (const host of [alpha, beta])
    await until(`${host.plan.name} to list the servers of both`, async () => {
      const members = (await ask(host, '/v1/agent/members?wan=1')).json() as {
        Name: string
        Status: number
      }[]
      const alive = members.filter(({ Status }) => Status === 1).map(({ Name }) => Name)
      return alive.toSorted().join() === 'server-1.dc1,server-1.dc2' ? true : undefined
    })
  const shown = await both.onHost(dc1, 'alpha', ['members', '-wan'])
  expect(shown).toMatch(/server-1\.dc2\s+\S+\s+alive\s+server\s+dc2/)
})

test('a request of web in dc1 reaches backend in dc2 once the primary allows it', async () => {
  await reaches('web to be refused until then', 'cut')
  await both.onHost(dc1, 'alpha', ['intention', 'allow', 'web', 'backend'])
  await reaches('web to reach backend in dc2', 'echoed')
})

test('a write of an intention in the secondary is the primary’s, and is enforced when the command answers', async () => {
  const said = await both.onHost(dc2, 'beta', ['intention', 'deny', 'web', 'backend'])
  expect(said).toMatch(/on 1 of 1 proxies/)
  service.resetCounts()
  expect((await call()).kind).toBe('cut')
  expect(service.connections).toBe(0)
  const inPrimary = await ask(alpha, '/v1/connect/intentions/exact?source=web&destination=backend')
  expect(inPrimary.json()).toMatchObject({ Action: 'deny' })
  await both.onHost(dc2, 'beta', ['intention', 'allow', 'web', 'backend'])
  await reaches('web to reach backend again', 'echoed')
})

test('?dc= reads the catalog, health and keys of the other datacenter, and waits for changes there', async () => {
  const nodes = (await ask(alpha, '/v1/catalog/nodes?dc=dc2')).json() as {
    Node: string
    Datacenter: string
  }[]
  expect(nodes.find(({ Node }) => Node === 'beta')).toMatchObject({ Datacenter: 'dc2' })
  const health = await ask(alpha, '/v1/health/service/backend?dc=dc2&passing')
  expect(health.json()).toMatchObject([{ Service: { Service: 'backend' }, Node: { Datacenter: 'dc2' } }])
  await both.onHost(dc2, 'beta', ['kv', 'put', 'color', 'blue'])
  const first = await fetch(`${alpha.api}/v1/kv/color?dc=dc2&raw`)
  expect(await first.text()).toBe('blue')
  const index = first.headers.get('X-Consul-Index') ?? ''
  const waiting = fetch(`${alpha.api}/v1/kv/color?dc=dc2&raw&index=${index}&wait=20s`)
  await both.onHost(dc2, 'beta', ['kv', 'put', 'color', 'green'])
  expect(await (await waiting).text()).toBe('green')
})

test('a write with ?dc= needs a token of that datacenter', async () => {
  const put = async (mesh: typeof dc1): Promise<Response> => {
    const { readFileSync } = await import('node:fs')
    const token = readFileSync(mesh.operatorTokenFile, 'utf8').trim()
    const headers = { 'X-Consul-Token': token }
    return fetch(`${alpha.api}/v1/kv/from-afar?dc=dc2`, { method: 'PUT', body: 'x', headers })
  }
  expect((await put(dc1)).status).toBe(403)
  expect((await put(dc2)).status).toBe(200)
  expect((await ask(beta, '/v1/kv/from-afar?raw')).text).toBe('x')
})

test('while the servers of dc2 are away, traffic goes on and each side works by itself', async () => {
  await dc2.server.stop()
  expect((await call()).kind).toBe('echoed')
  const answer = await ask(alpha, '/v1/catalog/nodes?dc=dc2')
  expect(answer.status).toBe(500)
  await both.onHost(dc1, 'alpha', ['kv', 'put', 'here', 'works'])
  expect((await ask(alpha, '/v1/kv/here?raw')).text).toBe('works')
  // Written while dc2 cannot hear of it.
  await both.onHost(dc1, 'alpha', ['intention', 'deny', 'web', 'backend'])
  expect((await call()).kind).toBe('echoed')
  await dc2.startServer()
  await reaches('the rule to be copied after the cut', 'cut')
})

test('while the servers of the primary are away, the last rules stay and cannot be written', async () => {
  await both.onHost(dc1, 'alpha', ['intention', 'allow', 'web', 'backend'])
  await reaches('web to reach backend again', 'echoed')
  await dc1.server.stop()
  expect((await call()).kind).toBe('echoed')
  await both.onHost(dc2, 'beta', ['kv', 'put', 'there', 'works'])
  await expect(both.onHost(dc2, 'beta', ['intention', 'deny', 'web', 'backend'])).rejects.toThrow(
    /No path to datacenter/,
  )
  expect((await call()).kind).toBe('echoed')
  await dc1.startServer()
  await until('the primary to be reached again', () =>
    both.onHost(dc2, 'beta', ['intention', 'deny', 'web', 'backend']),
  )
  await reaches('the denial to hold across', 'cut')
})

test('a datacenter that is removed is trusted no more, on open connections too', async () => {
  await both.onHost(dc1, 'alpha', ['intention', 'allow', 'web', 'backend'])
  await reaches('web to reach backend a last time', 'echoed')
  const open = await Conversation.open(alpha.plan.address, ports.upstream)
  expect(await open?.echo('still there?')).toBe(true)
  await both.onServer(dc2, ['federation', 'remove', 'dc1'])
  await until('the open connection to end', () => (open?.closed === true ? true : undefined))
  service.resetCounts()
  expect((await call()).kind).toBe('cut')
  expect(service.connections).toBe(0)
  expect((await ask(beta, '/v1/catalog/datacenters')).json()).toEqual(['dc2'])
})
