// Registrations over HTTP: any spelling of Consul's keys, empty values, Consul's own error texts.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parseCheckRegistration, parseServiceRegistration } from '../../../src/config/registration.ts'
import type { CheckDefinition } from '../../../src/model/check.ts'
import { limits } from '../../../src/model/limits.ts'
import type { ServiceDefinition } from '../../../src/model/service.ts'

function service(body: unknown): ServiceDefinition {
  const parsed = parseServiceRegistration(body)
  if (!parsed.ok) throw new Error(parsed.failure.message)
  return parsed.value
}

function check(body: unknown): CheckDefinition {
  const parsed = parseCheckRegistration(body)
  if (!parsed.ok) throw new Error(parsed.failure.message)
  return parsed.value
}

const sample = (name: string): string => readFileSync(join(import.meta.dirname, 'bodies', name), 'utf8')

test('a registration as clients of Consul send it, as text and as parsed JSON', () => {
  const text = sample('service.json')
  const definition = service(text)
  expect(service(JSON.parse(text))).toEqual(definition)
  expect(definition.service).toMatchObject({
    id: 'web-1',
    name: 'web',
    port: 8_080,
    address: '',
    taggedAddresses: { lan: { address: '10.0.0.7', port: 8_080 } },
  })
  expect(definition.checks).toMatchObject([
    { checkId: 'service:web-1', timeoutMs: 2_000, deregisterCriticalServiceAfterMs: 60_000 },
  ])
  expect(definition.sidecar?.service.proxy?.upstreams).toMatchObject([
    { destinationName: 'db', localBindPort: 5_432 },
  ])
})

test('keys are read in any case, with and without underscores', () => {
  for (const body of [
    { Name: 'web', EnableTagOverride: true, TaggedAddresses: { lan: { Address: 'a', Port: 1 } } },
    { NAME: 'web', enable_tag_override: true, tagged_addresses: { lan: { ADDRESS: 'a', port: 1 } } },
    { name: 'web', enabletagoverride: true, taggedaddresses: { lan: { address: 'a', PORT: 1 } } },
  ])
    expect(service(body).service).toMatchObject({
      name: 'web',
      enableTagOverride: true,
      taggedAddresses: { lan: { address: 'a', port: 1 } },
    })
})

test('empty values are the same as none, because programs send every field', () => {
  const definition = service({
    ID: '',
    Name: 'web',
    Kind: '',
    Tags: null,
    Port: 0,
    Address: '',
    SocketPath: '',
    Token: '',
    Namespace: 'default',
    Partition: '',
    Locality: null,
    Ports: [],
    Check: null,
    Checks: [],
    Proxy: {},
    Connect: { Native: false, SidecarService: null },
  })
  expect(definition).toEqual(service({ Name: 'web' }))
  expect(definition.sidecar).toBeUndefined()
  expect(service({ Name: 'web', Check: {} }).checks).toEqual([])
  expect(service({ Name: 'web', Connect: { SidecarService: {} } }).sidecar?.service.port).toBe(0)
})

test('durations are Go strings or whole nanoseconds; less than a minimum is raised to it, as by Consul', () => {
  const { checks } = service({
    Name: 'web',
    Checks: [
      { TCP: 'a:1', Interval: 15_000_000_000 },
      { TCP: 'a:1', Interval: '100ms', DeregisterCriticalServiceAfter: '1s' },
    ],
  })
  expect(checks.map((item) => item.intervalMs)).toEqual([15_000, 1_000])
  expect(checks[1]?.deregisterCriticalServiceAfterMs).toBe(60_000)
})

test('checks of the host and of a service', () => {
  expect(check(sample('check.json'))).toMatchObject({
    checkId: 'mem',
    name: 'memory',
    serviceId: 'web-1',
    initialStatus: 'passing',
    intervalMs: 1_000,
    probe: { type: 'script', args: ['/usr/local/bin/check-memory'] },
  })
  expect(check({ name: 'n', ttl: '30s' })).toMatchObject({ checkId: 'n', serviceId: '' })
})

test.each<[string, unknown, string]>([
  ['an unknown key', { Name: 'web', Prot: 80 }, 'Request decode failed: json: unknown field "Prot"'],
  [
    'an unknown key inside',
    { Name: 'web', Check: { TTL: '1m', foo: 1 } },
    'Request decode failed: json: unknown field "foo"',
  ],
  [
    'an unknown key before another mistake',
    { Port: 'x', Nope: null, Name: 'a b' },
    'Request decode failed: json: unknown field "Nope"',
  ],
  [
    'an unknown key behind another mistake',
    { Name: 'a b', Check: { TTL: '1m', foo: 1 } },
    'Request decode failed: json: unknown field "foo"',
  ],
  ['no name', { Port: 80 }, 'Missing service name'],
  ['an empty name', { Name: '' }, 'Missing service name'],
])('%s is answered in the words that clients of Consul know', (_, body, message) => {
  // Clients look for the words at the beginning; what to do stands behind them.
  const answer = parseServiceRegistration(body)
  expect(answer).toMatchObject({ ok: false, failure: { code: 'bad-request' } })
  expect(answer.ok ? '' : answer.failure.message.slice(0, message.length + 2)).toBe(`${message}: `)
})

test('a check without a name', () => {
  expect(parseCheckRegistration({ TTL: '1m' })).toEqual({
    ok: false,
    failure: { code: 'bad-request', message: 'Missing check name: add `"name": "disk space"`' },
  })
})

test.each<[string, unknown, string]>([
  [
    'a port as text',
    { Name: 'web', Port: '80' },
    '`Port` is text, it must be a whole number from 1 to 65535; write `"Port": 80`',
  ],
  ['a token', { Name: 'web', Token: 'secret-token' }, '`Token` is not supported'],
  [
    'a gateway',
    { Name: 'web', Kind: 'mesh-gateway' },
    'services of the kind "mesh-gateway" are not supported',
  ],
  [
    'a prepared query',
    {
      Name: 'web',
      Connect: {
        SidecarService: {
          Proxy: {
            Upstreams: [{ DestinationType: 'prepared_query', DestinationName: 'q', LocalBindPort: 1 }],
          },
        },
      },
    },
    'prepared queries are not supported',
  ],
  [
    'an upstream twice',
    {
      Name: 'web',
      Connect: {
        SidecarService: {
          Proxy: {
            Upstreams: [
              { DestinationName: 'q', LocalBindPort: 1 },
              { DestinationName: 'r', LocalBindPort: 1 },
            ],
          },
        },
      },
    },
    'port 1 is used twice on this host',
  ],
  ['a gRPC check without a port', { Name: 'web', Check: { GRPC: 'a', Interval: '1s' } }, '`GRPC` is "a"'],
  ['a list', [], '`body` is a list'],
  ['nothing', null, '`body` is null'],
])('%s is refused', (_, body, message) => {
  const parsed = parseServiceRegistration(body)
  expect(parsed.ok).toBe(false)
  if (!parsed.ok) {
    expect(parsed.failure.message).toContain(message)
    expect(parsed.failure.message).not.toContain('secret')
  }
})

test('JSON that is broken, too deep, or poisoned is refused', () => {
  expect(parseServiceRegistration('{"Name": "web",}')).toMatchObject({
    ok: false,
    failure: {
      code: 'bad-request',
      message: expect.stringMatching(/^Request decode failed: line 1, column 15: /),
    },
  })
  let deep: unknown = {}
  for (let level = 0; level < limits.hclDepth + 1; level++) deep = { a: deep }
  expect(parseServiceRegistration(deep).ok).toBe(false)
  expect(parseServiceRegistration({ Name: 'web', Meta: JSON.parse('{"__proto__": "x"}') }).ok).toBe(false)
  expect(parseServiceRegistration({ Name: 'web', Port: Number.NaN }).ok).toBe(false)
  expect(parseServiceRegistration({ Name: 'web', Meta: () => 1 }).ok).toBe(false)
  expect(({} as Record<string, unknown>)['x']).toBeUndefined()
})
