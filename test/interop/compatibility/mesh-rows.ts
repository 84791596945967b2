// reference/consul.md 1.7: intentions, the certificate authority, discovery chains, configuration entries.
import { z } from 'zod'
import { fails, is, of, Section, shaped, status } from './checks.ts'
import { blockingRows, type Read } from './reads.ts'
import type { Scene } from './scene.ts'

const section = new Section('Mesh: intentions, authority, configuration')

const exact = '/v1/connect/intentions/exact?source=web&destination=backend'
const reads: readonly Read[] = [
  {
    endpoint: 'GET /connect/intentions',
    path: '/v1/connect/intentions',
    filter: { expression: 'DestinationName == "backend"', items: 1 },
  },
  { endpoint: 'GET /connect/intentions/exact', path: exact },
  {
    endpoint: 'GET /connect/intentions/match',
    path: '/v1/connect/intentions/match?by=destination&name=backend',
    cached: true,
  },
  { endpoint: 'GET /connect/ca/roots', path: '/v1/connect/ca/roots' },
  {
    endpoint: 'GET /config/:kind',
    path: '/v1/config/service-intentions',
    filter: { expression: 'Name == "backend"', items: 1 },
  },
  { endpoint: 'GET /config/:kind/:name', path: '/v1/config/service-intentions/backend' },
]

const madeId = z.object({ ID: z.uuid() })
const intentionById = async (scene: Scene): Promise<void> => {
  const body = { SourceName: 'by', DestinationName: 'id', SourceType: 'consul', Action: 'allow' }
  const made = await scene.must('POST', '/v1/connect/intentions', { body })
  scene.made.set('byId', (made.json as { readonly ID: string }).ID)
}
const entry = { Kind: 'service-intentions', Name: 'ledger', Sources: [{ Name: 'web', Action: 'deny' }] }
/** Kinds beside service-intentions, each with the least that it needs. */
const kinds: readonly Readonly<Record<string, unknown>>[] = [
  { Kind: 'service-defaults', Name: 'web', Protocol: 'http' },
  { Kind: 'proxy-defaults', Name: 'global' },
  { Kind: 'service-resolver', Name: 'web' },
  { Kind: 'service-router', Name: 'web' },
  { Kind: 'service-splitter', Name: 'web', Splits: [{ Weight: 100 }] },
  { Kind: 'ingress-gateway', Name: 'gate' },
  { Kind: 'terminating-gateway', Name: 'gate' },
  { Kind: 'mesh', Name: 'mesh' },
  { Kind: 'exported-services', Name: 'default', Services: [] },
]

section
  .row('GET /connect/intentions', '/v1/connect/intentions', shaped('/v1/connect/intentions'))
  .row('POST /connect/intentions', '/v1/connect/intentions', of(madeId), {
    body: { SourceName: 'one', DestinationName: 'two', SourceType: 'consul', Action: 'allow' },
  })
  .row(
    'GET /connect/intentions/:uuid',
    '/v1/connect/intentions/@intention',
    shaped('/v1/connect/intentions/*'),
  )
  .row(
    'GET /connect/intentions/:uuid',
    '/v1/connect/intentions/00000000-0000-4000-8000-000000000000',
    status(404),
    {
      part: 'an unknown id',
    },
  )
  .row('PUT /connect/intentions/:uuid', '/v1/connect/intentions/@byId', is(true), {
    before: intentionById,
    differs: { how: 'answers `{"ID": …}`, as creating does; clients do not read it', check: of(madeId) },
    body: { SourceName: 'by', DestinationName: 'id', SourceType: 'consul', Action: 'deny' },
  })
  .row('DELETE /connect/intentions/:uuid', '/v1/connect/intentions/@byId', is(true))
  .row(
    'PUT /connect/intentions/exact',
    '/v1/connect/intentions/exact?source=three&destination=four',
    is(true),
    {
      body: { Action: 'allow', Description: 'd', Meta: { a: 'b' } },
    },
  )
  .row(
    'PUT /connect/intentions/exact',
    '/v1/connect/intentions/exact?source=three&destination=four',
    is(true),
    {
      part: '`Permissions` (L7)',
      body: { Permissions: [{ Action: 'allow', HTTP: { PathExact: '/' } }] },
      absent: {
        how: 'refused with 400: rules on HTTP come with the HTTP proxy',
        check: fails(400, /Permissions \(HTTP rules\) are not supported/),
      },
    },
  )
  .row('GET /connect/intentions/exact', exact, shaped('/v1/connect/intentions/exact'))
  .row(
    'GET /connect/intentions/exact',
    '/v1/connect/intentions/exact?source=default/web&destination=default/backend',
    shaped('/v1/connect/intentions/exact'),
    {
      part: 'names with a namespace',
    },
  )
  .row(
    'GET /connect/intentions/exact',
    '/v1/connect/intentions/exact?source=no&destination=no',
    status(404),
    {
      part: 'a pair that is not there',
    },
  )
  .row(
    'DELETE /connect/intentions/exact',
    '/v1/connect/intentions/exact?source=three&destination=four',
    is(true),
    {
      before: (scene) =>
        scene.must('PUT', '/v1/connect/intentions/exact?source=three&destination=four', {
          body: { Action: 'allow' },
        }),
    },
  )
  .row(
    'GET /connect/intentions/match',
    '/v1/connect/intentions/match?by=destination&name=backend',
    shaped('/v1/connect/intentions/match'),
    {
      part: '`by=destination`',
    },
  )
  .row(
    'GET /connect/intentions/match',
    '/v1/connect/intentions/match?by=source&name=web&name=one',
    shaped('/v1/connect/intentions/match'),
    {
      part: '`by=source`, `name` repeated',
    },
  )
  .row(
    'GET /connect/intentions/check',
    '/v1/connect/intentions/check?source=web&destination=backend',
    is({ Allowed: true }),
  )
  .row(
    'GET /connect/intentions/check',
    '/v1/connect/intentions/check?source=web&destination=backend&source-type=consul',
    is({ Allowed: true }),
    {
      part: '`source-type`',
    },
  )
  .row('GET /connect/ca/roots', '/v1/connect/ca/roots', shaped('/v1/connect/ca/roots'))
  .row(
    'GET /connect/ca/roots',
    '/v1/connect/ca/roots?pem=true',
    ({ text }) => {
      if (!text.startsWith('-----BEGIN CERTIFICATE-----')) throw new Error('no PEM')
    },
    { part: '`pem`' },
  )
  .row(
    'GET /connect/ca/configuration',
    '/v1/connect/ca/configuration',
    of(z.object({ Provider: z.string(), Config: z.object({}) })),
  )
  .row('PUT /connect/ca/configuration', '/v1/connect/ca/configuration', status(200), {
    body: { Provider: 'consul', Config: {} },
  })
  .row(
    'GET /discovery-chain/:service',
    '/v1/discovery-chain/backend',
    of(z.object({ Chain: z.object({ ServiceName: z.literal('backend') }) })),
  )
  .row('POST /discovery-chain/:service', '/v1/discovery-chain/backend', status(200), {
    body: { OverrideProtocol: 'http' },
  })
  .row('PUT /config', '/v1/config', is(true), { part: 'kind `service-intentions`', body: entry })
  .row('PUT /config', '/v1/config?cas=1', is(false), { part: '`cas`, stale', body: entry })
  .row('PUT /config', '/v1/config', fails(400, /invalid config entry kind: splendid/), {
    part: 'an unknown kind',
    body: { Kind: 'splendid', Name: 'x' },
  })
  .row('PUT /config', '/v1/config', fails(400, /invalid config key "?Colour/), {
    part: 'an unknown key',
    body: { ...entry, Colour: 'red' },
  })
  .row('GET /config/:kind', '/v1/config/service-intentions', shaped('/v1/config/:kind'))
  .row('GET /config/:kind/:name', '/v1/config/service-intentions/backend', shaped('/v1/config/:kind/*'))
  .row(
    'GET /config/:kind/:name',
    '/v1/config/service-intentions/none',
    fails(404, /Config entry not found for "service-intentions" \/ "none"/),
    {
      part: 'an unknown name',
    },
  )
  .row('DELETE /config/:kind/:name', '/v1/config/service-intentions/ledger?cas=1', is(false), {
    part: '`cas`, stale',
  })
  .row('DELETE /config/:kind/:name', '/v1/config/service-intentions/ledger', is({}))

for (const body of kinds)
  section.row('PUT /config', '/v1/config', is(true), {
    part: `kind \`${String(body['Kind'])}\``,
    body,
    absent: {
      how: 'refused with 400: an entry that nothing obeys would be a lie',
      check: fails(400, /invalid config entry kind/),
    },
  })

section.endpoints([
  'GET /v1/exported-services',
  'GET /v1/imported-services',
  'GET /v1/internal/federation-states',
  'GET /v1/internal/ui/services',
  'GET /v1/internal/ui/nodes',
  'GET /v1/internal/ui/service-topology/:service',
])
blockingRows(section, reads)

export const mesh = section
