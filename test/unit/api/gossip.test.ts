// What the API answers from a host's own gossip: members, keys, events, coordinates. The pools are real ones on a virtual network.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { HostEvents } from '../../../src/agent/membership/user-events.ts'
import { gossipDefaults } from '../../../src/config/gossip-settings.ts'
import { keyFromText } from '../../../src/membership/key-store.ts'
import type { Pool } from '../../../src/membership/pool.ts'
import { ok, unwrap } from '../../../src/model/errors.ts'
import { World } from '../membership/pools.ts'
import { noGossip, startTestApi, type TestApi, withLocal } from './fixture.ts'
import { event, keyring, nodeCoordinate } from './schemas.ts'
import { asOperator } from './seed.ts'

const key = 'cg8StVXbQJ0gPvMd9o7yrg=='
const otherKey = 'pUqJrVyVRj5jsiYEkM/tFQ=='
const world = new World()

/** An API beside a pool; `written`: its key stands in the configuration, else it came from the servers. */
async function startAround(pool: Pool, written: string): Promise<TestApi> {
  const membership = {
    ...noGossip,
    pool: () => ok(pool),
    onEvent: (listener: Parameters<Pool['onEvent']>[0]) => void pool.onEvent(listener),
  }
  const registry = { services: () => [] }
  const userEvents = new HostEvents({ node: 'node-1', membership, registry, random: world.random })
  const gossip = { ...gossipDefaults, key: written, bindAddress: '10.0.0.1', advertiseAddress: '10.0.0.1' }
  return startTestApi({ nodeName: 'node-1', gossip }, { membership, userEvents })
}

let pair: TestApi
let alone: TestApi
let managed: TestApi
beforeAll(async () => {
  const [first] = world.formed(3)
  const byHand = world.open(21, { keys: [unwrap(keyFromText(key))] })
  const byServers = world.open(22, { keys: [unwrap(keyFromText(key))] })
  pair = await startAround(first.pool, '')
  alone = await startAround(byHand.pool, key)
  managed = await startAround(byServers.pool, '')
})
afterAll(() => Promise.all([pair, alone, managed].map((api) => api.close())))

const shown = async (api: TestApi, path: string) => (await api.ask('GET', path)).json as { Name: string }[]

test('members come from gossip, in order, and pass the filter', async () => {
  expect((await shown(pair, '/v1/agent/members')).map(({ Name }) => Name)).toEqual([
    'node-1',
    'node-2',
    'node-3',
  ])
  const some = await shown(pair, '/v1/agent/members?filter=Name%20!=%20"node-2"%20and%20Status%20==%201')
  expect(some.map(({ Name }) => Name)).toEqual(['node-1', 'node-3'])
})

test('force-leave says whom there is not, and that a host does not send itself away', async () => {
  const nobody = await pair.ask('PUT', '/v1/agent/force-leave/nobody', withLocal)
  expect([nobody.status, nobody.headers['x-mesh-reason']]).toEqual([404, 'not-found'])
  const self = await pair.ask('PUT', '/v1/agent/force-leave/node-1', withLocal)
  expect([self.status, self.text]).toEqual([400, expect.stringContaining('mesh leave')])
  const wan = await pair.ask('PUT', '/v1/agent/force-leave/node-2?wan', withLocal)
  expect(wan.status).toBe(400)
  expect((await pair.ask('PUT', '/v1/agent/force-leave/node-2')).status).toBe(403)
})

test('a key is installed, used and removed; what cannot be done is told with the name of the host', async () => {
  const ask = (method: string, Key: string) =>
    alone.ask(method, '/v1/operator/keyring', { body: { Key }, ...withLocal })
  const [ring] = keyring.array().parse((await alone.ask('GET', '/v1/operator/keyring', withLocal)).json)
  expect(ring).toMatchObject({ Keys: { [key]: 1 }, PrimaryKeys: { [key]: 1 }, NumNodes: 1 })
  const early = await ask('PUT', otherKey)
  expect([early.status, early.headers['x-mesh-reason']]).toEqual([500, 'keys-incomplete'])
  expect(early.text).toContain('node-21')
  for (const [method, text] of [
    ['POST', otherKey],
    ['PUT', otherKey],
    ['DELETE', key],
  ] as const)
    expect((await ask(method, text)).status).toBe(200)
  const [after] = keyring.array().parse((await alone.ask('GET', '/v1/operator/keyring', withLocal)).json)
  expect(after).toMatchObject({ Keys: { [otherKey]: 1 }, PrimaryKeys: { [otherKey]: 1 } })
  expect((await ask('POST', 'short')).status).toBe(400)
  const nothing = await alone.ask('POST', '/v1/operator/keyring', { body: null, ...withLocal })
  expect([nothing.status, nothing.text]).toEqual([400, expect.stringContaining('Missing Key')])
  const bare = await alone.ask('GET', '/v1/operator/keyring')
  expect([bare.status, bare.text.includes(otherKey)]).toEqual([403, false])
  expect((await alone.ask('GET', '/v1/operator/keyring?relay-factor=6', withLocal)).status).toBe(400)
})

test('keys that the servers keep are shown to operators only, and changed by nobody here', async () => {
  const local = await managed.ask('GET', '/v1/operator/keyring', withLocal)
  expect([local.status, local.text.includes(key)]).toEqual([403, false])
  // Somebody at the unix socket may act for the host, whatever token he makes up.
  const madeUp = await managed.ask('GET', '/v1/operator/keyring', {
    socket: true,
    headers: { 'X-Consul-Token': 'x' },
  })
  expect([madeUp.status, madeUp.text.includes(key)]).toEqual([403, false])
  const operator = await managed.ask('GET', '/v1/operator/keyring', { headers: asOperator })
  expect([operator.status, operator.text.includes(key)]).toEqual([200, true])
  for (const method of ['POST', 'PUT', 'DELETE']) {
    const reply = await managed.ask(method, '/v1/operator/keyring', {
      body: { Key: otherKey },
      headers: asOperator,
    })
    expect([reply.status, reply.headers['x-mesh-reason']]).toEqual([400, 'unsupported-feature'])
  }
})

test('an event that is fired is listed, has an index of its own, and wakes a reader that waits for another one', async () => {
  const empty = await pair.ask('GET', '/v1/event/list')
  expect([empty.text, empty.headers['x-consul-index']]).toEqual(['[]', '1'])
  const waiting = pair.ask('GET', '/v1/event/list?index=1&wait=60s')
  const fired = event.parse(
    (await pair.ask('PUT', '/v1/event/fire/deploy', { body: 'x', ...withLocal })).json,
  )
  const woken = await waiting
  expect(event.array().parse(woken.json)).toMatchObject([{ ID: fired.ID, Name: 'deploy' }])
  const index = woken.headers['x-consul-index']
  expect((await pair.ask('GET', `/v1/event/list?index=${index}&wait=1ms`)).headers['x-consul-index']).toBe(
    index,
  )
  expect((await pair.ask('GET', '/v1/event/list?name=other')).text).toBe('[]')
  expect((await pair.ask('PUT', '/v1/event/fire/deploy')).status).toBe(403)
})

test('coordinates are those of the hosts that were probed', async () => {
  world.clock.run(10_000)
  const nodes = nodeCoordinate.array().parse((await pair.ask('GET', '/v1/coordinate/nodes')).json)
  expect(nodes.map(({ Node }) => Node)).toEqual(['node-1', 'node-2', 'node-3'])
  const one = await pair.ask('GET', '/v1/coordinate/node/node-2')
  expect(nodeCoordinate.array().parse(one.json)).toHaveLength(1)
  expect((await pair.ask('GET', '/v1/coordinate/node/nobody')).status).toBe(404)
  expect((await pair.ask('PUT', '/v1/coordinate/update', { body: {}, ...withLocal })).status).toBe(400)
})
