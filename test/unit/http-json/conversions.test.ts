// Model to Consul's JSON and back, apart from any server: times, hashes, bodies of every kind of nonsense.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  parseDeregistration,
  parseIntentionBody,
  parseTokenBody,
  parseTtlUpdate,
} from '../../../src/wire/http-json/bodies.ts'
import { parseCatalogRegistration } from '../../../src/wire/http-json/catalog-registration.ts'
import { contentHash } from '../../../src/wire/http-json/content-hash.ts'
import { decodeObject } from '../../../src/wire/http-json/fields.ts'
import { nodeTaggedAddresses } from '../../../src/wire/http-json/node.ts'
import { agentServiceJson } from '../../../src/wire/http-json/service.ts'
import { formatTime } from '../../../src/wire/http-json/time.ts'
import { serviceRow } from '../api/fake-cluster.ts'
import { agentService } from '../api/schemas.ts'
import { sidecarOf } from '../api/seed.ts'

test.each([
  [Date.UTC(2026, 2, 1, 12, 0, 0, 0), '2026-03-01T12:00:00Z'],
  [Date.UTC(2026, 2, 1, 12, 0, 0, 500), '2026-03-01T12:00:00.5Z'],
  [Date.UTC(2026, 2, 1, 12, 0, 10, 120), '2026-03-01T12:00:10.12Z'],
  [Date.UTC(2026, 2, 1, 12, 0, 0, 7), '2026-03-01T12:00:00.007Z'],
  [0, '1970-01-01T00:00:00Z'],
])('%d is written as Go writes it: %s', (ms, text) => {
  expect(formatTime(ms)).toBe(text)
})

test('every time reads back as itself', () => {
  fc.assert(
    fc.property(fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true }), (date) => {
      expect(Date.parse(formatTime(date.getTime()))).toBe(date.getTime())
    }),
  )
})

test('the content hash ignores the order of keys and nothing else', () => {
  expect(contentHash({ a: 1, b: [1, { c: 2, d: 3 }] })).toBe(contentHash({ b: [1, { d: 3, c: 2 }], a: 1 }))
  const different = [{ a: 1 }, { a: '1' }, { a: [1] }, { b: 1 }, { a: null }, {}, [], [['a', 1]], null]
  expect(new Set(different.map(contentHash)).size).toBe(different.length)
})

test('a sidecar shows what is set and leaves out what is not', () => {
  const json = agentService.parse(agentServiceJson(sidecarOf('web', 21_000), 'dc1'))
  expect(json.Proxy).toEqual({
    DestinationServiceName: 'web',
    DestinationServiceID: 'web',
    LocalServiceAddress: '127.0.0.1',
    LocalServicePort: 9090,
    Mode: '',
    Config: { local_connect_timeout_ms: 1000 },
    Upstreams: [
      {
        DestinationType: 'service',
        DestinationName: 'db',
        LocalBindAddress: '127.0.0.1',
        LocalBindPort: 9191,
        MeshGateway: {},
      },
      {
        DestinationType: 'service',
        DestinationName: 'cache',
        Datacenter: 'dc2',
        LocalBindSocketPath: '/run/cache.sock',
        LocalBindSocketMode: '0600',
        Config: { protocol: 'tcp' },
        MeshGateway: {},
      },
    ],
    MeshGateway: {},
    Expose: { Checks: true, Paths: [{ ListenerPort: 2, Path: '/m', LocalPathPort: 1, Protocol: 'http' }] },
  })
  expect(agentServiceJson(serviceRow('plain', 1), 'dc1')).not.toHaveProperty('Proxy')
})

test('addresses of a node are filled in by family, and its own win', () => {
  const addresses = (address: string, taggedAddresses = {}) =>
    nodeTaggedAddresses({ address, taggedAddresses })
  expect(addresses('fd00::1')).toEqual({
    lan: 'fd00::1',
    lan_ipv6: 'fd00::1',
    wan_ipv6: 'fd00::1',
    wan: 'fd00::1',
  })
  expect(addresses('db.example')).toEqual({ lan: 'db.example', wan: 'db.example' })
  expect(addresses('10.0.0.1', { wan: '1.2.3.4' })).toMatchObject({ lan: '10.0.0.1', wan: '1.2.3.4' })
})

test('keys match in any case and with underscores; null counts as absent; a strange key is named with its path', () => {
  const read = (body: unknown) =>
    decodeObject(body, ['SourceName', 'Deep'], (fields) => ({
      name: fields.text('SourceName'),
      deep: fields.list('Deep', ['Key'], (inner) => inner.flag('Key')),
    }))
  expect(read({ source_name: 'a', DEEP: [{ key: true }] })).toEqual({
    ok: true,
    value: { name: 'a', deep: [true] },
  })
  expect(read({ SourceName: null })).toEqual({ ok: true, value: { name: '', deep: [] } })
  const message = (body: unknown): string => {
    const result = read(body)
    return result.ok ? '' : result.failure.message
  }
  expect(message({ Deep: [{}, { kez: 1 }] })).toBe(
    'Request decode failed: json: unknown field "Deep[1].kez": the fields are Key',
  )
  expect(message({ Deep: [{ Key: 'yes' }] })).toBe(
    'Request decode failed: json: "Deep[0].Key" must be true or false',
  )
})

test('no body, however strange, makes a parser throw; a refusal is a sentence', () => {
  const words = [
    'Node',
    'Address',
    'Service',
    'Check',
    'Checks',
    'Name',
    'Status',
    'Action',
    'Meta',
    'Tags',
    'Port',
  ]
  const key = fc.oneof(
    fc.constantFrom(...words, 'Services', 'TTL', 'Weights', '__proto__', 'constructor'),
    fc.string(),
  )
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom('allow', 'passing', '10s', '', 0, 1, -1, 70_000, 1e300, true, null),
      fc.string(),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(key, tie('value'), { maxKeys: 5 }),
    ),
  }))
  const parsers = [
    parseIntentionBody,
    parseTtlUpdate,
    parseDeregistration,
    parseTokenBody,
    (body: unknown) => parseCatalogRegistration(body, 'dc1'),
  ]
  fc.assert(
    fc.property(value, (body) => {
      for (const parse of parsers) {
        const result = parse(body)
        if (!result.ok) expect(result.failure.message).not.toBe('')
      }
    }),
    { numRuns: 2_000 },
  )
})
