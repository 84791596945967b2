// ?filter= on every endpoint that has it in Consul: rows by the names of the JSON, refusals before anything is read.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { inTurns } from '../../../src/agent/api/turns.ts'
import type { Field, Fields } from '../../../src/model/filter/fields.ts'
import {
  catalogServiceFields,
  checkFields,
  configEntryFields,
  entryFields,
  intentionFields,
  memberFields,
  nodeFields,
  serviceFields,
} from '../../../src/wire/http-json/filter-fields.ts'
import { startTestApi, type TestApi, withLocal } from './fixture.ts'
import { asOperator, native, seed } from './seed.ts'

let api: TestApi
beforeAll(async () => {
  api = await startTestApi()
  await seed(api)
  api.registry.register(native, { source: 'api', replaceChecks: false })
  await api.ask('PUT', '/v1/agent/check/register', { body: { Name: 'beat', TTL: '10s' }, ...withLocal })
})
afterAll(() => api.close())

const get = (path: string, filter: string) =>
  api.ask('GET', `${path}${path.includes('?') ? '&' : '?'}filter=${encodeURIComponent(filter)}`)

interface Shown {
  readonly path: string
  readonly fields: Fields
  readonly filter: string
  /** Whether the filter leaves something and takes something away. */
  readonly other: string
}

const shown: readonly Shown[] = [
  { path: '/v1/agent/services', fields: serviceFields, filter: 'Connect.Native == true', other: 'Port == 1' },
  { path: '/v1/agent/checks', fields: checkFields, filter: 'Name == beat', other: 'Name != beat' },
  { path: '/v1/agent/members', fields: memberFields, filter: 'Name == "host-1"', other: 'Status != 1' },
  { path: '/v1/catalog/nodes', fields: nodeFields, filter: 'Meta.rack == r1', other: 'Meta.rack == r9' },
  {
    path: '/v1/catalog/service/backend',
    fields: catalogServiceFields,
    filter: '"host-1" in ServiceTags and NodeMeta.rack == r1',
    other: 'ServicePort != 9090',
  },
  {
    path: '/v1/catalog/connect/backend',
    fields: catalogServiceFields,
    filter: 'Node == "host-2" and ServiceProxy.Upstreams.DestinationName == db',
    other: 'ServiceKind == ""',
  },
  {
    path: '/v1/health/service/backend',
    fields: entryFields,
    filter: 'Node.Node == "host-1" and Checks.Status == passing',
    other: 'Checks.Status == critical',
  },
  {
    path: '/v1/health/connect/backend',
    fields: entryFields,
    filter: 'Node.Meta.rack matches "^r2:" and Service.Proxy.DestinationServiceName == backend',
    other: 'Service.Proxy.Expose.Checks == false',
  },
  {
    path: '/v1/health/checks/backend',
    fields: checkFields,
    filter: 'Node == "host-2"',
    other: 'Type == tcp',
  },
  { path: '/v1/health/node/host-1', fields: checkFields, filter: 'ServiceName is empty', other: 'Name == x' },
  {
    path: '/v1/health/state/any',
    fields: checkFields,
    filter: 'Output contains slow',
    other: 'Output == slo',
  },
  {
    path: '/v1/connect/intentions',
    fields: intentionFields,
    filter: 'Precedence == 9 and Meta.by == ann',
    other: 'Action == maybe',
  },
  {
    path: '/v1/config/service-intentions',
    fields: configEntryFields,
    filter: 'Sources.Name == backend',
    other: 'Name == web',
  },
]

describe.each(shown)('$path', ({ path, fields, filter, other }) => {
  const count = (json: unknown): number => Object.keys(json as object).length

  test('shows the rows that pass, as they are without a filter', async () => {
    const all = (await api.ask('GET', path)).json
    const kept = await get(path, filter)
    expect(kept.status, kept.text).toBe(200)
    expect(count(kept.json)).toBeGreaterThan(0)
    if (Array.isArray(all)) expect(all).toEqual(expect.arrayContaining(kept.json as unknown[]))
    else expect(all).toMatchObject(kept.json as object)
    const rest = await get(path, `not (${filter})`)
    expect(count(rest.json) + count(kept.json)).toBe(count(all))
    expect(count((await get(path, other)).json), other).toBeLessThan(count(all))
  })

  test('refuses an unknown field with Consul’s sentence, before anything is read', async () => {
    const reads = api.cluster.reads.length
    const reply = await get(path, 'Nonsense == 1')
    expect([reply.status, reply.headers['x-mesh-reason']]).toEqual([400, 'invalid-filter'])
    expect(reply.text).toContain('Selector "Nonsense" is not valid')
    expect(api.cluster.reads.length).toBe(reads)
  })

  test('every field of the JSON can be named, and every name is one of the JSON', async () => {
    const json = (await api.ask('GET', path)).json as object
    const names = new Set(Object.values(json).flatMap((row: object) => Object.keys(row)))
    const unnamed = [...names].filter((name) => !Object.hasOwn(fields, name))
    expect(unnamed.filter((name) => !cannotBeNamed.test(name))).toEqual([])
  })
})

/** Log indexes and times as in Consul; a check's definition is empty; what memberlist speaks is no question of a catalog. */
const cannotBeNamed =
  /^(CreateIndex|ModifyIndex|CreatedAt|UpdatedAt|Hash|Definition|ProtocolMin|ProtocolMax|ProtocolCur|Delegate.*)$/

test('services of one node are filtered, the node stays', async () => {
  const byId = (await get('/v1/catalog/node/host-1', 'Port == 8080')).json
  expect(byId).toMatchObject({ Node: { Node: 'host-1' }, Services: { web: { Port: 8080 } } })
  expect(Object.keys((byId as { Services: object }).Services)).toEqual(['web'])
  const list = (await get('/v1/catalog/node-services/host-1', 'Kind == "connect-proxy"')).json
  expect(list).toMatchObject({ Node: { Node: 'host-1' }, Services: [{ ID: 'backend-sidecar-proxy' }] })
  expect((await get('/v1/catalog/node/nobody', 'Port == 1')).text).toBe('null')
  expect((await get('/v1/catalog/node/host-1', 'Nonsense == 1')).status).toBe(400)
})

test('a filter of the list of services goes to the server, which has the rows', async () => {
  await get('/v1/catalog/services', 'ServiceTags contains v1 and NodeMeta.rack == r1')
  expect(api.cluster.reads.at(-1)?.args).toEqual({
    nodeMeta: {},
    filter: 'ServiceTags contains v1 and NodeMeta.rack == r1',
  })
  await api.ask('GET', '/v1/catalog/services')
  expect(api.cluster.reads.at(-1)?.args).toEqual({ nodeMeta: {} })
  expect((await get('/v1/catalog/services', 'Nonsense == 1')).status).toBe(400)
})

test('together with tag, passing and node-meta all must hold', async () => {
  const path = '/v1/health/service/backend?tag=v1&passing&node-meta=rack%3Ar2%3Aa'
  expect((await get(path, 'Service.Port == 9090')).json).toHaveLength(1)
  expect((await get(path, 'Service.Port == 1')).json).toEqual([])
})

test('the index is that of the unfiltered answer', async () => {
  const all = await api.ask('GET', '/v1/catalog/nodes')
  const none = await get('/v1/catalog/nodes', 'Node == nobody')
  expect(none.json).toEqual([])
  expect(none.headers['x-consul-index']).toBe(all.headers['x-consul-index'])
})

test('an endpoint without a filter ignores one, as in Consul', async () => {
  expect((await get('/v1/connect/intentions/match?by=source&name=web', 'Nonsense == 1')).status).toBe(200)
  expect((await get('/v1/catalog/datacenters', 'Nonsense == 1')).status).toBe(200)
})

test('a filter too long or too deep is refused with its bound', async () => {
  const deep = await get('/v1/catalog/nodes', `${'('.repeat(100)}Node == a${')'.repeat(100)}`)
  expect([deep.status, deep.text.includes('deep')]).toEqual([400, true])
  const long = await get('/v1/catalog/nodes', `Node == "${'x'.repeat(10_000)}"`)
  expect([long.status, long.text.includes('8192')]).toEqual([400, true])
})

test('many rows are worked on in slices: others get their turn in between', async () => {
  let nowMs = 0
  let turns = 0
  const clock = {
    // Each look at the clock finds a millisecond gone.
    monotonicMs: () => nowMs++,
    after: (_: number, callback: () => void) => {
      turns++
      queueMicrotask(callback)
      return { cancel: () => undefined }
    },
  }
  const rows = Array.from({ length: 2_000 }, (_, i) => i)
  expect(await inTurns(clock, rows, (row) => (row % 2 === 0 ? row : undefined))).toEqual(
    rows.filter((row) => row % 2 === 0),
  )
  expect(turns).toBeGreaterThan(10)
})

test('fields of one kind have one shape everywhere', () => {
  const kinds = (fields: Fields): readonly string[] =>
    Object.entries(fields).flatMap(([name, field]) => [`${name}: ${field.kind}`, ...inner(name, field)])
  const inner = (name: string, field: Field): readonly string[] =>
    field.kind === 'object' || field.kind === 'objects'
      ? kinds(field.fields).map((kind) => `${name}.${kind}`)
      : []
  const flat = kinds(catalogServiceFields).filter((kind) => kind.startsWith('ServiceProxy.'))
  const nested = kinds(serviceFields).filter((kind) => kind.startsWith('Proxy.'))
  expect(flat.map((kind) => kind.replace(/^Service/, ''))).toEqual(nested)
})

test('pretty indents by four and ends with a newline, for short and for long answers alike', async () => {
  for (let i = 0; i < 600; i++) api.cluster.addHost(`many-${i}`, '10.9.9.9', { n: `${i}\n"` })
  for (const path of ['/v1/catalog/nodes', '/v1/catalog/nodes?filter=Node==host', '/v1/catalog/services']) {
    const plain = await api.ask('GET', path, { headers: asOperator })
    const pretty = await api.ask('GET', `${path}${path.includes('?') ? '&' : '?'}pretty`, {
      headers: asOperator,
    })
    expect(plain.text).toBe(JSON.stringify(plain.json))
    expect(pretty.text).toBe(`${JSON.stringify(plain.json, null, 4)}\n`)
  }
})
