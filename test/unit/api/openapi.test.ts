// docs/openapi.json is what the routes and their declarations say; and the declarations are true: every query parameter that an
// endpoint reads is declared for it, and it reads every one that is declared.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { everywhere, openApiDocument, routes, unread } from '../../../packaging/openapi/document.ts'
import { operations } from '../../../packaging/openapi/operations.ts'
import { parameters } from '../../../packaging/openapi/parameters.ts'
import { seeds } from '../../fuzz/http-seeds.ts'
import { operatorToken } from './fake-cluster.ts'
import { localToken, startTestApi, type TestApi } from './fixture.ts'
import { seed } from './seed.ts'

const root = join(import.meta.dirname, '../../..')
const written = readFileSync(join(root, 'docs/openapi.json'), 'utf8')

test('the document is made of the routes as they are; otherwise run packaging/generate-openapi.ts', () => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
  expect(`${JSON.stringify(openApiDocument(version), null, 1)}\n`).toBe(written)
})

test('every reference in the document leads somewhere, and every operation has a name of its own', () => {
  const document = JSON.parse(written) as Record<string, unknown>
  const lost = [...written.matchAll(/"\$ref": "#\/([^"]+)"/g)].filter(([, path = '']) => {
    let place: unknown = document
    for (const key of path.split('/')) place = (place as Record<string, unknown> | undefined)?.[key]
    return place === undefined
  })
  expect(lost).toEqual([])
  const names = [...written.matchAll(/"operationId": "([^"]+)"/g)].map(([, name]) => name)
  expect(new Set(names).size).toBe(names.length)
  expect(names.length).toBe(routes().size)
})

test('every declared parameter is described, and every described one is declared somewhere', () => {
  const declared = new Set([...everywhere, ...Object.values(operations).flatMap((each) => each.parameters)])
  expect([...declared].sort()).toEqual(Object.keys(parameters).sort())
})

/** Read by Consul's old clients' misspelling, and not worth declaring. */
const hidden = ['seperator']
/** What some parameters need beside them to be looked at. */
const company: Readonly<Record<string, string>> = {
  separator: 'keys&',
  name: 'by=destination&',
  index: 'wait=1ms&',
  release: '',
  cas: '',
}
/** Good enough to be read; whether it is right does not matter here. */
const samples: Readonly<Record<string, string>> = {
  index: '1',
  wait: '1ms',
  max_stale: '1s',
  by: 'destination',
  seconds: 'x',
  enable: 'true',
  timeout: '1s',
}
/** Their answers go on for as long as the client stays. */
const endless = new Set(['/v1/agent/monitor', '/v1/agent/metrics/stream', '/v1/mesh/debug/profile'])

describe('parameters', () => {
  let api: TestApi
  let reading = new Set<string>()
  const { get, has, getAll } = URLSearchParams.prototype

  beforeAll(async () => {
    api = await startTestApi()
    await seed(api)
    const noted = <Answer>(real: (this: URLSearchParams, name: string) => Answer) =>
      function (this: URLSearchParams, name: string): Answer {
        reading.add(name)
        return real.call(this, name)
      }
    Object.assign(URLSearchParams.prototype, { get: noted(get), has: noted(has), getAll: noted(getAll) })
  })
  afterAll(async () => {
    Object.assign(URLSearchParams.prototype, { get, has, getAll })
    await api.close()
  })

  /** What the paths name is there, whatever the endpoint before has removed. */
  async function furnish(): Promise<void> {
    const service = { Name: 'web', ID: 'web-1', Port: 1, Check: { CheckID: 'beat', TTL: '10s' } }
    const headers = { 'X-Consul-Token': operatorToken }
    await api.ask('PUT', '/v1/agent/service/register', { body: service, headers })
    await api.ask('PUT', '/v1/kv/backend', { body: 'x', headers })
  }

  const pathOf = (route: string): string => {
    if (/session|intentions\/\*/.test(route))
      return route.replace('*', '8f246b77-f3e1-ff88-5b48-8ec93abf3e05')
    const name = route.startsWith('/v1/health/state/')
      ? 'any'
      : route.includes('/node')
        ? 'host-1'
        : 'backend'
    return route.replace('*', name).replace(':kind', 'service-intentions')
  }

  async function ask(
    method: string,
    path: string,
    {
      body,
      limitMs,
      isLocal,
    }: { readonly body: unknown; readonly limitMs: number; readonly isLocal: boolean },
  ): Promise<void> {
    try {
      await api.ask(method, path, {
        headers: { 'X-Consul-Token': isLocal ? localToken : operatorToken },
        signal: AbortSignal.timeout(limitMs),
        ...(body === undefined || method === 'GET' ? {} : { body }),
      })
    } catch {
      // Cut off, which is how the endless ones end.
    }
  }

  async function readBy(key: string): Promise<ReadonlySet<string>> {
    const { route, method, need } = routes().get(key) ?? { route: '', method: '', need: 'read' }
    const good = seeds.filter((each) => each.route === route && each.method === method)
    const path = good[0]?.path ?? pathOf(route)
    await furnish()
    const pair = route.includes('/exact') || route.includes('/check') ? 'source=web&destination=backend&' : ''
    const queries = (operations[key]?.parameters ?? []).map(
      (name) => `${pair}${company[name] ?? ''}${name}=${samples[name] ?? 'dc1'}`,
    )
    reading = new Set()
    const limitMs = endless.has(route) ? 100 : 5_000
    const bodies = good.length === 0 ? [undefined] : good.map((each) => each.body)
    for (const body of bodies)
      for (const query of ['', pair, ...queries, ...good.map((each) => each.query ?? '')])
        await ask(method, query === '' ? path : `${path}?${query}`, {
          body,
          limitMs,
          isLocal: need === 'local',
        })
    return reading
  }

  test.each([...routes().keys()])('of %s: those that are declared are read, and no others', async (key) => {
    const operation = operations[key]
    const declared = operation?.parameters ?? []
    const read = await readBy(key)
    const known = new Set([...declared, ...everywhere, ...hidden])
    expect([...read].filter((name) => !known.has(name) && name !== 'cached')).toEqual([])
    expect(declared.filter((name) => !read.has(name) && !unread.includes(name))).toEqual([])
  })
})
