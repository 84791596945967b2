// ?cached and Cache-Control, max_stale, and what an answer says about its age when the agent gave it from its own copy.
import { afterAll, beforeEach, expect, test } from 'vitest'
import type { ReadAnswer } from '../../../src/model/query.ts'
import { startTestApi, type TestApi } from './fixture.ts'
import { seed } from './seed.ts'

const api: TestApi = await startTestApi()
await seed(api)
afterAll(() => api.close())
beforeEach(() => {
  api.kept.clear()
  api.followed.length = 0
  api.cluster.failure = undefined
})

const path = '/v1/health/service/backend?cached'
const get = (query = '', control?: string) =>
  api.ask('GET', path + query, { headers: control === undefined ? {} : { 'Cache-Control': control } })

/** Puts an answer of this age into what the agent keeps. */
function keep(lastContactMs: number, knownLeader = false): void {
  const meta = { index: 7, knownLeader, lastContactMs, effective: 'stale', kept: true } as const
  api.kept.set('catalog.service', { answer: [], meta } as ReadAnswer<'catalog.service'>)
}

const seen = (reply: Awaited<ReturnType<typeof get>>) => [
  reply.status,
  reply.headers['x-cache'],
  reply.headers.age,
  reply.text === '[]' ? 'kept' : 'new',
]

test('the first question goes to a server, and the service is followed from then on', async () => {
  expect(seen(await get())).toEqual([200, 'MISS', undefined, 'new'])
  expect(api.followed).toMatchObject([{ name: 'catalog.service', args: { service: 'backend' } }])
})

test('a name that nobody has is not followed', async () => {
  await api.ask('GET', '/v1/health/service/made-up?cached')
  expect(api.followed).toEqual([])
})

test('what is kept fresh is a hit', async () => {
  keep(0, true)
  const reads = api.cluster.reads.length
  const reply = await get()
  expect(seen(reply)).toEqual([200, 'HIT', '0', 'kept'])
  expect(reply.headers['x-consul-index']).toBe('7')
  expect(api.cluster.reads.length).toBe(reads)
})

test('max-age bounds the age, must-revalidate and max-age=0 want a new answer', async () => {
  keep(5_500)
  expect(seen(await get())).toEqual([200, 'MISS', undefined, 'new'])
  expect(seen(await get('', 'max-age=6'))).toEqual([200, 'HIT', '5', 'kept'])
  expect(seen(await get('', 'Max-Age=5, foo'))).toEqual([200, 'MISS', undefined, 'new'])
  keep(0)
  expect(seen(await get('', 'must-revalidate'))).toEqual([200, 'MISS', undefined, 'new'])
  expect(seen(await get('', 'max-age=0'))).toEqual([200, 'MISS', undefined, 'new'])
  expect((await get('', 'max-age=soon')).status).toBe(400)
})

test('a blocking read that has the kept answer already waits for a newer one', async () => {
  keep(0, true)
  await get('&index=6&wait=10ms')
  const reads = api.cluster.reads.length
  expect(seen(await get('&index=7&wait=10ms'))).toEqual([200, 'MISS', undefined, 'new'])
  expect(api.cluster.reads.length).toBe(reads + 1)
})

test('stale-if-error says how old an answer may be while no server is there', async () => {
  const away = async (control?: string) => {
    const meta = {
      index: 7,
      knownLeader: false,
      lastContactMs: 90_000,
      effective: 'stale',
      kept: true,
    } as const
    // What the agent's reader makes of an outage.
    api.cluster.keptMeta = meta
    try {
      return await get('', control)
    } finally {
      api.cluster.keptMeta = undefined
    }
  }
  expect(seen(await away())).toEqual([200, 'HIT', '90', 'new'])
  expect(seen(await away('stale-if-error=100'))).toEqual([200, 'HIT', '90', 'new'])
  const refused = await away('stale-if-error=60')
  expect([refused.status, refused.headers['x-mesh-reason']]).toEqual([500, 'no-server'])
  expect(refused.text).toContain('90 s old')
})

test('max_stale refuses what the agent keeps when it is older', async () => {
  const meta = {
    index: 7,
    knownLeader: false,
    lastContactMs: 90_000,
    effective: 'stale',
    kept: true,
  } as const
  api.cluster.keptMeta = meta
  try {
    const plain = await api.ask('GET', '/v1/catalog/nodes')
    expect([plain.status, plain.headers.age, plain.headers['x-consul-lastcontact']]).toEqual([
      200,
      '90',
      '90000',
    ])
    expect(plain.headers['x-consul-knownleader']).toBe('false')
    expect(plain.headers).not.toHaveProperty('x-cache')
    expect((await api.ask('GET', '/v1/catalog/nodes?stale&max_stale=2m')).status).toBe(200)
    const refused = await api.ask('GET', '/v1/catalog/nodes?stale&max_stale=1m')
    expect([refused.status, refused.headers['x-mesh-reason']]).toEqual([500, 'no-server'])
  } finally {
    api.cluster.keptMeta = undefined
  }
})

test('cached is ignored where Consul does not cache, and refused together with consistent', async () => {
  keep(0)
  const nodes = await api.ask('GET', '/v1/catalog/nodes?cached')
  expect([nodes.status, nodes.headers['x-cache']]).toEqual([200, 'MISS'])
  expect((await get('&consistent')).status).toBe(400)
})
