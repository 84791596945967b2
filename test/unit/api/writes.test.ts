// What writes become: commands to the servers, changes of the local registry, and refusals that say what is wrong.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseEnrollmentToken } from '../../../src/rpc/enrollment-token.ts'
import { operatorToken } from './fake-cluster.ts'
import { startTestApi, type TestApi, withLocal } from './fixture.ts'
import { answers, enrollmentToken, eviction } from './schemas.ts'
import { asOperator, seed } from './seed.ts'

let api: TestApi
beforeAll(async () => {
  api = await startTestApi()
  await seed(api)
})
afterAll(() => api.close())

const put = (path: string, body?: unknown) =>
  api.ask('PUT', path, { ...(body === undefined ? {} : { body }), headers: asOperator })
const lastCommand = () => api.cluster.writes.at(-1)?.command

describe('intentions', () => {
  test('PUT, GET and DELETE by exact names', async () => {
    const path = '/v1/connect/intentions/exact?source=default/a&destination=default%2Fdefault%2Fb'
    const written = await put(path, {
      Action: 'allow',
      Description: 'd',
      Meta: { k: 'v' },
      SourceType: 'consul',
    })
    expect([written.status, written.text, written.headers['x-mesh-result']]).toEqual([200, 'true', 'changed'])
    expect(lastCommand()).toMatchObject({
      type: 'intention.upsert',
      sourceName: 'a',
      destinationName: 'b',
      action: 'allow',
      description: 'd',
      meta: { k: 'v' },
    })
    const seen = (await api.ask('GET', path)).json as Record<string, unknown>
    expect(seen).toMatchObject({
      SourceName: 'a',
      Action: 'allow',
      Precedence: 9,
      CreatedAt: '2026-03-01T12:00:00.5Z',
    })
    expect(String(seen['ModifyIndex'])).toBe(written.headers['x-mesh-index'])
    // What GET showed may be sent back whole.
    expect((await put(path, seen)).status).toBe(200)
    const deleted = await api.ask('DELETE', path, { headers: asOperator })
    expect([deleted.text, deleted.headers['x-mesh-result']]).toEqual(['true', 'changed'])
    const again = await api.ask('DELETE', path, { headers: asOperator })
    expect([again.text, again.headers['x-mesh-result']]).toEqual(['true', 'unchanged'])
  })

  test('the hash of an intention changes with what it says and with nothing else', async () => {
    const path = '/v1/connect/intentions/exact?source=h&destination=h'
    const hash = async (body: unknown): Promise<unknown> => {
      await put(path, body)
      return ((await api.ask('GET', path)).json as { Hash: unknown }).Hash
    }
    const first = await hash({ Action: 'allow' })
    expect(await hash({ Action: 'allow' })).toBe(first)
    expect(await hash({ Action: 'deny' })).not.toBe(first)
  })

  test.each([
    [{}, `Action must be set to 'allow' or 'deny', not ""`],
    [{ Action: 'maybe' }, 'maybe'],
    [{ Action: 'allow', SourceName: 'other' }, 'must be the names in the query string'],
    [{ Permissions: [] }, 'Permissions'],
    [{ Action: 'allow', SourceType: 'x' }, `SourceType must be set to 'consul'`],
    [{ Action: 'allow', Description: 'x'.repeat(513) }, 'Description exceeds maximum length 512'],
    [{ Action: 'allow', Sauce: 1 }, 'json: unknown field "Sauce"'],
    [{ Action: 'allow', Meta: { a: 1 } }, '"Meta" must be an object of strings'],
    [{ Action: 1 }, '"Action" must be a string'],
    ['[', 'Request decode failed'],
  ])('a body %o is refused: %s', async (body, text) => {
    const before = api.cluster.writes.length
    const reply = await put('/v1/connect/intentions/exact?source=a&destination=b', body)
    expect(reply.status).toBe(400)
    expect(reply.text).toContain(text)
    expect(api.cluster.writes.length).toBe(before)
  })

  test.each([
    ['source=peer:x/y', 'not supported'],
    ['source=other/web', 'default/NAME'],
    ['source=web/', 'default/NAME'],
    ['destination=', "'source' not set"],
  ])('names %s are refused', async (query, text) => {
    const reply = await put(`/v1/connect/intentions/exact?${query}&destination=b`, { Action: 'allow' })
    expect(reply.status).toBe(400)
    expect(reply.text).toContain(text)
  })

  test('check answers with the decision and gives its reason in a header', async () => {
    const ask = (source: string) =>
      api.ask('GET', `/v1/connect/intentions/check?source=${source}&destination=backend`)
    const allowed = await ask('web')
    expect([allowed.text, allowed.headers['x-mesh-reason']]).toEqual([
      '{"Allowed":true}',
      'allowed-by-intention',
    ])
    const denied = await ask('other')
    expect([denied.text, denied.headers['x-mesh-reason']]).toEqual([
      '{"Allowed":false}',
      'denied-by-intention',
    ])
  })

  test('match keys its answer by the names as they were asked', async () => {
    const reply = await api.ask('GET', '/v1/connect/intentions/match?by=destination&name=default/backend')
    const rows = reply.json as { readonly 'default/backend': readonly { readonly Precedence: number }[] }
    expect(rows['default/backend'].map((row) => row.Precedence)).toEqual([9, 8, 5])
  })
})

describe('config entries', () => {
  const entry = (name: string) => ({
    Kind: 'service-intentions',
    Name: name,
    Sources: [{ Name: 'web', Action: 'allow' }],
  })
  const modifyIndex = async (name: string): Promise<number> =>
    ((await api.ask('GET', `/v1/config/service-intentions/${name}`)).json as { ModifyIndex: number })
      .ModifyIndex

  test('cas=0 creates only, cas=ModifyIndex changes only what was seen', async () => {
    expect((await put('/v1/config?cas=0', entry('one'))).text).toBe('true')
    expect((await put('/v1/config?cas=0', entry('one'))).text).toBe('false')
    const seen = await modifyIndex('one')
    expect((await put(`/v1/config?cas=${seen}`, entry('one'))).text).toBe('true')
    expect((await put(`/v1/config?cas=${seen}`, entry('one'))).text).toBe('false')
    expect((await put('/v1/config?cas=x', entry('one'))).status).toBe(400)
  })

  test('DELETE answers {} without cas, and true or false with it', async () => {
    await put('/v1/config', entry('two'))
    const path = '/v1/config/service-intentions/two'
    const remove = (query: string) => api.ask('DELETE', path + query, { headers: asOperator })
    expect((await remove('?cas=1')).text).toBe('false')
    expect((await remove(`?cas=${await modifyIndex('two')}`)).text).toBe('true')
    expect((await remove('')).text).toBe('{}')
    expect((await api.ask('GET', path)).status).toBe(404)
  })

  test('snake_case is read as well, precedence is computed', async () => {
    const body = {
      kind: 'service-intentions',
      name: 'three',
      sources: [{ name: '*', action: 'deny', precedence: 1 }],
    }
    expect((await put('/v1/config', body)).text).toBe('true')
    const seen = (await api.ask('GET', '/v1/config/service-intentions/three')).json
    expect(seen).toMatchObject({ Sources: [{ Name: '*', Action: 'deny', Precedence: 8, Type: 'consul' }] })
  })

  test.each([
    [{ Kind: 'nonsense', Name: 'x' }, 'invalid config entry kind: nonsense'],
    [{ Kind: 'service-intentions', Name: 'x', Sauces: [] }, 'invalid config key'],
  ])('%o is refused: %s', async (body, text) => {
    const reply = await put('/v1/config', body)
    expect(reply.status).toBe(400)
    expect(reply.text).toContain(text)
  })
})

const proxyWith = (more: object) => ({
  Service: 's',
  Kind: 'connect-proxy',
  Proxy: { DestinationServiceName: 'a', ...more },
})

describe('the catalog', () => {
  test('registers a node with a service and checks', async () => {
    const reply = await put('/v1/catalog/register', {
      Datacenter: 'dc1',
      ID: '',
      Node: 'ext-1',
      Address: '192.0.2.10',
      NodeMeta: { 'external-node': 'true' },
      Service: { ID: 'mail-1', Service: 'mail', Port: 25, Tags: ['smtp'], Weights: { Passing: 5 } },
      Checks: [
        {
          CheckID: 'c',
          Name: 'smtp',
          Status: 'passing',
          ServiceID: 'mail-1',
          Interval: '10s',
          Definition: { TCP: 'x:1' },
        },
      ],
    })
    expect(reply.text).toBe('true')
    expect(lastCommand()).toMatchObject({
      type: 'catalog.register',
      node: { name: 'ext-1', address: '192.0.2.10', datacenter: 'dc1', meta: { 'external-node': 'true' } },
      services: [
        { id: 'mail-1', name: 'mail', port: 25, tags: ['smtp'], weights: { passing: 5, warning: 1 } },
      ],
      checks: [{ node: 'ext-1', checkId: 'c', serviceName: 'mail', serviceTags: ['smtp'], interval: '10s' }],
    })
    const entries = await api.ask('GET', '/v1/health/service/mail?passing')
    answers['/v1/health/service/*'].parse(entries.json)
    expect(entries.json).toHaveLength(1)
  })

  test('keeps every field of services, proxies and checks, so that what is shown can be written back', async () => {
    const proxy = {
      DestinationServiceName: 'mail',
      DestinationServiceID: 'mail-1',
      LocalServiceAddress: '127.0.0.1',
      LocalServicePort: 25,
      Mode: 'direct',
      Config: { local_connect_timeout_ms: 100 },
      Upstreams: [
        {
          DestinationType: 'service',
          DestinationName: 'db',
          Datacenter: 'dc2',
          LocalBindAddress: '127.0.0.1',
          LocalBindPort: 9191,
          Config: { connect_timeout_ms: 1_500 },
          MeshGateway: {},
        },
      ],
      MeshGateway: {},
      Expose: { Checks: true, Paths: [{ Path: '/m', LocalPathPort: 1, ListenerPort: 2, Protocol: 'http2' }] },
    }
    const Service = {
      Kind: 'connect-proxy',
      ID: 'mail-sidecar',
      Service: 'mail-sidecar-proxy',
      Tags: ['a'],
      Meta: { k: 'v' },
      Address: '192.0.2.10',
      Port: 21_000,
      SocketPath: '/run/mail.sock',
      TaggedAddresses: { wan: { Address: '198.51.100.1', Port: 9 } },
      Weights: { Passing: 7, Warning: 3 },
      EnableTagOverride: true,
      Proxy: proxy,
    }
    const Definition = {
      HTTP: 'http://x/',
      Header: { A: ['b'] },
      IntervalDuration: '10s',
      TLSSkipVerify: true,
    }
    const Check = {
      CheckID: 'c',
      Name: 'n',
      Status: 'warning',
      Notes: 'why',
      Output: 'out',
      ServiceID: 'mail-sidecar',
      Type: 'http',
      Interval: '10s',
      Timeout: '2s',
      ExposedPort: 21_500,
      Definition,
    }
    const node = { Node: 'ext-9', Address: '192.0.2.10', TaggedAddresses: { lan: 'l', wan: 'w' } }
    expect((await put('/v1/catalog/register', { ...node, Service, Check })).text).toBe('true')
    const shown = async () => ({
      services: (await api.ask('GET', '/v1/catalog/node/ext-9')).json as { Services: Record<string, object> },
      checks: (await api.ask('GET', '/v1/health/node/ext-9')).json as object[],
    })
    const first = await shown()
    expect(first.services.Services['mail-sidecar']).toMatchObject(Service)
    expect(first.checks).toMatchObject([{ ...Check, ServiceName: 'mail-sidecar-proxy', ServiceTags: ['a'] }])
    expect(lastCommand()).toHaveProperty('services.0.proxy.upstreams.0.connectTimeoutMs', 1_500)

    const again = { ...node, Service: first.services.Services['mail-sidecar'], Checks: first.checks }
    expect((await put('/v1/catalog/register', again)).text).toBe('true')
    const withoutIndexes = (json: unknown): unknown =>
      JSON.parse(JSON.stringify(json, (key, value) => (key.endsWith('Index') ? undefined : value)))
    expect(withoutIndexes(await shown())).toEqual(withoutIndexes(first))
  })

  test('SkipNodeUpdate leaves the node row alone; deregister takes a service, a check or the node', async () => {
    await put('/v1/catalog/register', {
      Node: 'ext-1',
      SkipNodeUpdate: true,
      Check: { Name: 'ping', Status: 'passing' },
    })
    expect(lastCommand()).toMatchObject({ node: 'ext-1', checks: [{ checkId: 'ping' }] })
    await put('/v1/catalog/deregister', { Node: 'ext-1', CheckID: 'ping' })
    expect(lastCommand()).toEqual({ type: 'catalog.deregister', node: 'ext-1', checkId: 'ping' })
    await put('/v1/catalog/deregister', { Node: 'ext-1', ServiceID: 'mail-1' })
    expect(lastCommand()).toEqual({ type: 'catalog.deregister', node: 'ext-1', serviceId: 'mail-1' })
    await put('/v1/catalog/deregister', { Node: 'ext-1' })
    expect(lastCommand()).toEqual({ type: 'catalog.deregister', node: 'ext-1' })
  })

  test.each([
    [{ Address: '1.2.3.4' }, 'Must provide node'],
    [{ Node: 'x' }, 'Must provide address'],
    [{ Node: 'x', Address: 'a', Service: {} }, 'Must provide service name'],
    [{ Node: 'x', Address: 'a', Service: { Service: 's', Port: 70_000 } }, 'between 0 and 65535'],
    [{ Node: 'x', Address: 'a', Service: { Service: 's', Weights: { Passing: 0 } } }, 'Service.Weights'],
    [
      { Node: 'x', Address: 'a', Service: { Service: 's', Kind: 'mesh-gateway' } },
      '"mesh-gateway" is not supported',
    ],
    [{ Node: 'x', Address: 'a', Service: { Service: 's', Kind: 'connect-proxy' } }, 'DestinationServiceName'],
    [{ Node: 'x', Address: 'a', Service: { Service: 's', Prot: 1 } }, 'json: unknown field "Service.Prot"'],
    [
      { Node: 'x', Address: 'a', Service: proxyWith({ Upstreams: [{ LocalBindPort: 1 }] }) },
      'DestinationName must be set',
    ],
    [
      {
        Node: 'x',
        Address: 'a',
        Service: proxyWith({ Upstreams: [{ DestinationName: 'b', DestinationPeer: 'p' }] }),
      },
      'DestinationPeer is not supported',
    ],
    [
      { Node: 'x', Address: 'a', Service: proxyWith({ Expose: { Paths: [{ Protocol: 'tcp' }] } }) },
      'Protocol "tcp"',
    ],
    [{ Node: 'x', Address: 'a', Service: proxyWith({ LocalServicePort: 70_000 }) }, 'LocalServicePort'],
    [{ Node: 'x', Address: 'a', Check: { Name: 'c', Status: 'ok' } }, 'Check.Status "ok"'],
    [{ Node: 'x', Address: 'a', Check: { Name: 'c', Node: 'y' } }, 'Node "y" of the check'],
    [{ Node: 'x', Address: 'a', Checks: [{}] }, 'Must provide CheckID or Name'],
    [{ Node: 'x', Address: 'a', NodeMeta: { k: 'v'.repeat(513) } }, 'too long'],
    [{ Node: 'x', Address: 'a', Service: 5 }, 'Service must be an object'],
    [[], 'the body must be an object'],
  ])('%o is refused: %s', async (body, text) => {
    const before = api.cluster.writes.length
    const reply = await put('/v1/catalog/register', body)
    expect(reply.status).toBe(400)
    expect(reply.text).toContain(text)
    expect(api.cluster.writes.length).toBe(before)
  })

  test('another datacenter in the body is no path, as in the query', async () => {
    for (const path of ['/v1/catalog/register', '/v1/catalog/deregister']) {
      const reply = await put(path, { Datacenter: 'dc2', Node: 'x', Address: 'a' })
      expect([reply.status, reply.text]).toEqual([500, 'No path to datacenter'])
    }
  })
})

describe('the agent', () => {
  const local = (path: string, body?: unknown) =>
    api.ask('PUT', path, { ...(body === undefined ? {} : { body }), ...withLocal })

  test('without the flag old checks stay, with ?replace-existing-checks they go', async () => {
    const service = (check: string) => ({ Name: 'kept', Check: { CheckID: check, TTL: '10s' } })
    await local('/v1/agent/service/register', service('one'))
    await local('/v1/agent/service/register', service('two'))
    const checks = async () => Object.keys((await api.ask('GET', '/v1/agent/checks')).json as object).sort()
    expect(await checks()).toEqual(expect.arrayContaining(['one', 'two']))
    await local('/v1/agent/service/register?replace-existing-checks=true', service('three'))
    expect(await checks()).toEqual(['three'])
    await local('/v1/agent/service/register?replace-existing-checks=false', service('four'))
    expect(await checks()).toEqual(['four', 'three'])
  })

  test('a TTL check takes heartbeats with a note, and no other check does', async () => {
    await local('/v1/agent/check/register', { ID: 'ttl', Name: 'ttl', TTL: '10s' })
    await local('/v1/agent/check/register', { ID: 'tcp', Name: 'tcp', TCP: '127.0.0.1:1', Interval: '10s' })
    for (const [verb, status] of [
      ['pass', 'passing'],
      ['warn', 'warning'],
      ['fail', 'critical'],
    ] as const) {
      await local(`/v1/agent/check/${verb}/ttl?note=the+${verb}`)
      expect(api.registry.check('ttl')?.check).toMatchObject({ status, output: `the ${verb}` })
    }
    const other = await local('/v1/agent/check/pass/tcp')
    expect([other.status, other.text]).toEqual([400, 'CheckID "tcp" does not have associated TTL'])
    const bad = await local('/v1/agent/check/update/ttl', { Status: 'good' })
    expect([bad.status, bad.text]).toEqual([
      400,
      'Invalid check status: "good". Use passing, warning or critical.',
    ])
    await local('/v1/agent/check/update/ttl', { Status: 'passing', Output: 'x'.repeat(9_000) })
    expect(api.registry.check('ttl')?.check.output).toHaveLength(4_096)
  })

  test('a check of an unknown service is refused', async () => {
    const reply = await local('/v1/agent/check/register', { Name: 'c', ServiceID: 'nope', TTL: '10s' })
    expect([reply.status, reply.text]).toEqual([400, 'ServiceID "nope" does not exist'])
  })

  test('reload passes on what the configuration says', async () => {
    expect((await local('/v1/agent/reload')).status).toBe(200)
    expect(api.reloads).toBe(1)
    api.reloadResult = { ok: false, failure: { code: 'invalid-config', message: 'web.hcl:3:1: no' } }
    const reply = await local('/v1/agent/reload')
    expect([reply.status, reply.headers['x-mesh-reason']]).toEqual([400, 'invalid-config'])
    expect(reply.text).toContain('web.hcl:3:1: no')
  })

  test('members show hosts without a live agent as failed', async () => {
    const { check } = { check: api.cluster.checks.get('host-2/serfHealth') }
    if (check !== undefined) api.cluster.addCheck({ ...check, status: 'critical' })
    const members = (await api.ask('GET', '/v1/agent/members')).json as {
      Name: string
      Status: number
      Tags: object
    }[]
    const status = Object.fromEntries(members.map((member) => [member.Name, member.Status]))
    expect(status).toMatchObject({ 'host-1': 1, 'host-2': 4 })
    expect(members.find((member) => member.Name === 'host-1')?.Tags).toMatchObject({ role: 'consul' })
    const wan = (await api.ask('GET', '/v1/agent/members?wan=1')).json as { Name: string }[]
    expect(wan.map((member) => member.Name)).toEqual(['host-1.dc1'])
  })
})

describe('our own endpoints', () => {
  test('an enrollment token holds servers, pin and a fresh secret; only its hash goes to the cluster', async () => {
    const reply = await put('/v1/mesh/token', { Node: 'host-3', Services: ['web', 'api-*'], TTL: '2h' })
    const made = enrollmentToken.parse(reply.json)
    expect(made).toMatchObject({ Node: 'host-3', Services: ['web', 'api-*'] })
    const token = parseEnrollmentToken(made.Token)
    expect(token).toMatchObject({
      ok: true,
      value: {
        servers: ['10.0.0.1:8300'],
        pin: Array(32).fill('ab').join(':'),
        node: 'host-3',
        datacenter: 'dc1',
      },
    })
    const secret = token.ok ? token.value.secret : ''
    const command = lastCommand()
    expect(command).toMatchObject({
      type: 'enrollment.create',
      enrollment: {
        node: 'host-3',
        services: ['web', 'api-*'],
        tokenHash: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
    })
    expect(JSON.stringify(command)).not.toContain(secret)
    expect(JSON.stringify(api.lines)).not.toContain(secret)
    const another = enrollmentToken.parse((await put('/v1/mesh/token', {})).json)
    expect(another.Token).not.toBe(made.Token)
    // What a host may be is decided, not assumed.
    expect(another.Services).toEqual([])
  })

  test.each([
    [{ TTL: '0s' }, 'TTL must be between'],
    [{ TTL: '721h' }, 'TTL must be between'],
    [{ Services: [''] }, 'empty name'],
    [{ Nodes: 'x' }, 'unknown field "Nodes"'],
  ])('a token request %o is refused: %s', async (body, text) => {
    const reply = await put('/v1/mesh/token', body)
    expect(reply.status).toBe(400)
    expect(reply.text).toContain(text)
  })

  test('an eviction says whether it changed anything, and where it stands in the log', async () => {
    const own = await startTestApi()
    await seed(own)
    const evict = (name: string) => own.ask('PUT', `/v1/mesh/evict/${name}`, { headers: asOperator })
    const reply = await evict('host-2')
    expect(eviction.parse(reply.json)).toEqual({ Node: 'host-2', Changed: true })
    expect(reply.headers['x-mesh-index']).toMatch(/^[1-9]/)
    expect(own.cluster.writes.at(-1)?.command).toEqual({ type: 'host.evict', node: 'host-2' })
    expect((await evict('host-2')).json).toEqual({ Node: 'host-2', Changed: false })
    expect((await evict('')).status).toBe(400)
    expect((await own.ask('PUT', '/v1/mesh/evict/host-1')).status).toBe(403)
    await own.close()
  })

  test('enforcement answers at once when all proxies are there, and waits while some are not', async () => {
    api.cluster.enforcement = { enforced: 1, total: 2, waitingFor: ['host-2'] }
    const now = (await api.ask('GET', '/v1/mesh/enforcement/backend?index=9')).json
    expect(now).toEqual({ Destination: 'backend', Index: 9, Enforced: 1, Total: 2, WaitingFor: ['host-2'] })
    const waiting = api.ask('GET', '/v1/mesh/enforcement/backend?index=9&wait=30s')
    api.cluster.enforcement = { enforced: 2, total: 2, waitingFor: [] }
    expect((await waiting).json).toMatchObject({ Enforced: 2, Total: 2, WaitingFor: [] })
    api.cluster.enforcement = { enforced: 0, total: 1, waitingFor: ['host-1'] }
    const late = await api.ask('GET', '/v1/mesh/enforcement/backend?index=9&wait=50ms')
    expect(late.json).toMatchObject({ Enforced: 0, WaitingFor: ['host-1'] })
    expect(api.cluster.reads.at(-1)).toMatchObject({ args: { destination: 'backend', index: 9 } })
  })

  test('the list of services counts instances by health', async () => {
    const own = await startTestApi()
    await seed(own)
    const rows = (await own.ask('GET', '/v1/mesh/services')).json as { Name: string }[]
    await own.close()
    const web = rows.find((row) => row.Name === 'web')
    expect(web).toMatchObject({ Instances: 1, Warning: 1, Passing: 0, MeshInstances: 0, Kind: '' })
    const backend = rows.find((row) => row.Name === 'backend')
    expect(backend).toMatchObject({ Instances: 2, MeshInstances: 2, Tags: ['host-1', 'host-2', 'v1'] })
  })
})

test('operator and local tokens reach only the places that need them', () => {
  const tokens = new Set(api.cluster.reads.map((read) => read.token))
  expect([...tokens].filter((token) => token !== '' && token !== operatorToken)).toEqual([])
})
