// Sessions, locks and transactions over HTTP (reference/consul.md 1.8; Appendix A, traps 7, 9 and 24): the server's own state answers.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startTestApi, type TestApi, until, withLocal } from './fixture.ts'
import { asOperator } from './seed.ts'

let api: TestApi
beforeEach(async () => {
  api = await startTestApi()
})
afterEach(() => api.close())

const put = (path: string, body?: unknown, headers: Readonly<Record<string, string>> = asOperator) =>
  api.ask('PUT', `/v1/${path}`, { ...(body === undefined ? {} : { body }), headers })
const get = (path: string) => api.ask('GET', `/v1/${path}`)
const create = async (body?: object): Promise<string> => {
  const reply = await put('session/create', body === undefined ? undefined : JSON.stringify(body))
  expect([reply.status, reply.text]).toEqual([200, expect.stringMatching(/^\{"ID":"[0-9a-f-]{36}"\}$/)])
  return (reply.json as { readonly ID: string }).ID
}
const txn = (operations: readonly object[]) => put('txn', JSON.stringify(operations))

test('a session without a body hangs on this host’s membership, and is shown with Consul’s names', async () => {
  const id = await create()
  const reply = await get(`session/info/${id}`)
  const index = Number(reply.headers['x-consul-index'])
  const shown = {
    ID: id,
    Name: '',
    Node: 'host-1',
    LockDelay: 15_000_000_000,
    Behavior: 'release',
    TTL: '',
    NodeChecks: ['serfHealth'],
    ServiceChecks: [],
    CreateIndex: index,
    ModifyIndex: index,
  }
  expect(reply.json).toEqual([shown])
  expect((await get('session/list')).json).toEqual([shown])
  expect((await get('session/node/host-1')).json).toEqual([shown])
  expect((await get('session/node/none')).json).toEqual([])
  expect((await put(`session/renew/${id}`)).json).toEqual([shown])
})

test('a body says what the session is like; keys that nobody knows are passed over', async () => {
  const id = await create({
    Name: 'db',
    LockDelay: '30s',
    Checks: ['serfHealth'],
    Behavior: 'delete',
    TTL: '1m30s',
    Something: { new: true },
  })
  expect((await get(`session/info/${id}`)).json).toMatchObject([
    { Name: 'db', LockDelay: 30_000_000_000, Behavior: 'delete', TTL: '1m30s', NodeChecks: ['serfHealth'] },
  ])
  for (const [given, shown] of [
    [5, 5_000_000_000],
    [20_000_000_000, 20_000_000_000],
    [0, 0],
    ['0s', 0],
  ] as const)
    expect(
      (await get(`session/info/${await create({ LockDelay: given, NodeChecks: [] })}`)).json,
    ).toMatchObject([{ LockDelay: shown, NodeChecks: [] }])
})

test('the end of a session frees the lock, and whoever waits on the key learns of it', async () => {
  const [first, second] = [await create({ LockDelay: '0s' }), await create()]
  expect((await put(`kv/lead?acquire=${first}&flags=3304740253564472344`, 'one')).text).toBe('true')
  expect((await put(`kv/lead?acquire=${second}`, 'two')).text).toBe('false')
  const held = await get('kv/lead')
  expect(held.text).toContain(
    `"LockIndex":1,"Key":"lead","Flags":3304740253564472344,"Value":"b25l","Session":"${first}"`,
  )
  const waiting = get(`kv/lead?index=${held.headers['x-consul-index']}&wait=30s`)
  await until(() => api.cluster.kv.held === 1)
  expect((await put(`session/destroy/${first}`)).text).toBe('true')
  const [free] = (await waiting).json as readonly Readonly<Record<string, unknown>>[]
  expect(free).toMatchObject({ LockIndex: 1, Value: 'b25l' })
  expect(free).not.toHaveProperty('Session')
  expect((await put(`kv/lead?acquire=${second}`, 'two')).text).toBe('true')
  expect((await put(`kv/lead?release=${first}`)).text).toBe('false')
  expect((await put(`kv/lead?release=${second}`)).text).toBe('true')
  expect((await put(`session/destroy/${first}`)).text, 'a second time').toBe('true')
  expect((await get(`session/info/${first}`)).json).toEqual([])
})

describe('what makes no sense is refused in words', () => {
  const unknown = '00000000-0000-4000-8000-000000000000'
  test.each([
    ['session/create', { TTL: '1s' }, 500, 'Invalid Session TTL'],
    ['session/create', { TTL: 'x' }, 500, 'invalid TTL "x"'],
    ['session/create', { Behavior: 'keep' }, 400, "Invalid Behavior setting 'keep'"],
    ['session/create', { LockDelay: 'x' }, 400, 'LockDelay'],
    ['session/create', { LockDelay: '2m' }, 500, 'LockDelay must be between 0s and 60s'],
    ['session/create', { Node: 'none' }, 500, 'Missing node registration'],
    ['session/create', { NodeChecks: ['none'] }, 500, "Missing check 'none' registration"],
    ['session/create', { Datacenter: 'dc9' }, 500, 'No path to datacenter'],
    ['session/create', [], 400, 'must be an object'],
    ['session/renew/x', undefined, 500, "Invalid Session 'x'"],
    ['session/destroy/x', undefined, 500, "Invalid Session 'x'"],
    ['session/destroy/', undefined, 400, 'Missing session'],
    [`session/renew/${unknown}`, undefined, 404, `Session id '${unknown}' not found`],
    [`kv/a?acquire=${unknown}`, undefined, 500, 'invalid session'],
    ['kv/a?acquire=', undefined, 500, 'invalid session'],
    ['txn', {}, 400, 'a transaction is a list'],
    ['txn', [{}], 400, 'operation 0: give one of KV'],
    ['txn', [{ KV: { Verb: 'steal', Key: 'a' } }], 400, 'unknown KV verb "steal"'],
    ['txn', [{ KV: { Verb: 'set', Key: 'a', Color: 'red' } }], 400, 'unknown field "KV.Color"'],
    ['txn', [{ Node: { Verb: 'set', Node: {} } }], 400, 'Must provide node'],
  ])('PUT %s %j', async (path, body, status, text) => {
    const reply = await put(path, body === undefined ? undefined : JSON.stringify(body))
    expect([reply.status, reply.text]).toEqual([status, expect.stringContaining(text)])
  })

  test('more operations than a transaction may have', async () => {
    const reply = await txn(Array(65).fill({ KV: { Verb: 'get', Key: 'a' } }))
    expect([reply.status, reply.text]).toEqual([413, expect.stringContaining('65 > 64')])
  })

  test('without an operator’s token nothing is made, taken or changed', async () => {
    for (const path of ['session/create', `session/destroy/${unknown}`, `kv/a?acquire=${unknown}`])
      expect((await put(path, undefined, withLocal.headers)).status, path).toBe(403)
    const body = JSON.stringify([{ KV: { Verb: 'set', Key: 'a', Value: 'eA==' } }])
    expect((await put('txn', body, withLocal.headers)).status).toBe(403)
    expect((await get('session/list')).json).toEqual([])
  })
})

test('a transaction answers with what it did, flags to the last digit', async () => {
  const session = await create()
  const reply = await txn([
    { KV: { Verb: 'set', Key: 'a', Value: 'eA==', Flags: 0 } },
    { KV: { Verb: 'lock', Key: 'b', Value: 'eQ==', Session: session } },
    { KV: { Verb: 'get', Key: 'a' } },
  ])
  const index = Number(reply.headers['x-mesh-index'])
  const at = { CreateIndex: index, ModifyIndex: index }
  expect([reply.status, reply.json]).toEqual([
    200,
    {
      Results: [
        { KV: { LockIndex: 0, Key: 'a', Flags: 0, Value: null, ...at } },
        { KV: { LockIndex: 1, Key: 'b', Flags: 0, Value: null, Session: session, ...at } },
        { KV: { LockIndex: 0, Key: 'a', Flags: 0, Value: 'eA==', ...at } },
      ],
      Errors: null,
    },
  ])
  const flags = await put('txn', '[{"KV":{"Verb":"set","Key":"f","Flags":18446744073709551615}}]')
  expect(flags.text).toContain('"Flags":18446744073709551615')
})

test('a transaction that cannot be done is a 409 that names the operation, and nothing of it is done', async () => {
  const reply = await txn([
    { KV: { Verb: 'set', Key: 'a', Value: 'eA==' } },
    { KV: { Verb: 'cas', Key: 'a', Value: 'eA==', Index: 3 } },
  ])
  expect([reply.status, reply.json]).toEqual([
    409,
    { Results: null, Errors: [{ OpIndex: 1, What: 'failed to set key "a", index is stale' }] },
  ])
  expect((await get('kv/a')).status).toBe(404)
})

test('a transaction of reads carries its index and how fresh it is, needs no token, and a missing key is a 409', async () => {
  await put('kv/a', 'x')
  const reads = (key: string, query = '') =>
    api.ask('PUT', `/v1/txn${query}`, { body: JSON.stringify([{ KV: { Verb: 'get', Key: key } }]) })
  const reply = await reads('a')
  expect(reply.json).toEqual({
    Results: [{ KV: expect.objectContaining({ Key: 'a', Value: 'eA==' }) }],
    Errors: null,
    Index: Number(reply.headers['x-consul-index']),
    LastContact: 0,
    KnownLeader: true,
    ConsistencyLevel: 'leader',
  })
  expect((await reads('a', '?stale')).json).toMatchObject({ ConsistencyLevel: 'stale' })
  expect(await reads('zz')).toMatchObject({
    status: 409,
    json: { Results: null, Errors: [{ OpIndex: 0, What: `key "zz" doesn't exist` }] },
  })
})

test('nodes, services and checks go through a transaction with Consul’s names', async () => {
  const reply = await txn([
    { Node: { Verb: 'set', Node: { Node: 'ext', Address: '10.0.0.9', Meta: { rack: 'r9' } } } },
    { Service: { Verb: 'set', Node: 'ext', Service: { ID: 'db-1', Service: 'db', Port: 5432 } } },
    {
      Check: {
        Verb: 'set',
        Check: { Node: 'ext', CheckID: 'db-up', Name: 'up', Status: 'passing', ServiceID: 'db-1' },
      },
    },
    { Service: { Verb: 'get', Node: 'ext', Service: { ID: 'db-1' } } },
  ])
  expect(reply.json).toMatchObject({
    Results: [
      { Node: { Node: 'ext', Address: '10.0.0.9', Datacenter: 'dc1', Meta: { rack: 'r9' } } },
      { Service: { ID: 'db-1', Service: 'db', Port: 5432 } },
      { Check: { CheckID: 'db-up', ServiceName: 'db', Status: 'passing' } },
      { Service: { ID: 'db-1' } },
    ],
    Errors: null,
  })
  const index = Number(reply.headers['x-mesh-index'])
  const stale = await txn([{ Node: { Verb: 'delete-cas', Node: { Node: 'ext', ModifyIndex: index - 1 } } }])
  expect([stale.status, stale.text]).toEqual([
    409,
    expect.stringContaining('failed to delete node \\"ext\\", index is stale'),
  ])
  const gone = await txn([{ Node: { Verb: 'delete-cas', Node: { Node: 'ext', ModifyIndex: index } } }])
  expect([gone.status, gone.json]).toEqual([200, { Results: [], Errors: null }])
})
