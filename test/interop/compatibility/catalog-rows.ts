// reference/consul.md 1.6: catalog and health.
import { afterwards, all, counts, fails, has, is, Section, shaped, status } from './checks.ts'
import { blockingRows, type Read } from './reads.ts'

const section = new Section('Catalog and health')

const reads: readonly Read[] = [
  {
    endpoint: 'GET /catalog/nodes',
    path: '/v1/catalog/nodes',
    near: true,
    nodeMeta: true,
    filter: { expression: 'Meta.rack == "r9"', items: 1 },
  },
  {
    endpoint: 'GET /catalog/services',
    path: '/v1/catalog/services',
    nodeMeta: true,
    filter: { expression: 'ServiceName == "shop"', items: 1 },
  },
  {
    endpoint: 'GET /catalog/service/:service',
    path: '/v1/catalog/service/shop',
    cached: true,
    near: true,
    nodeMeta: true,
    filter: { expression: 'ServiceMeta.team == "x"', items: 1 },
  },
  {
    endpoint: 'GET /catalog/connect/:service',
    path: '/v1/catalog/connect/backend',
    near: true,
    nodeMeta: true,
    filter: { expression: 'ServicePort == 1', items: 0 },
  },
  {
    endpoint: 'GET /catalog/node/:node',
    path: '/v1/catalog/node/outside',
    filter: { expression: 'Meta.team == "x"', items: 1 },
  },
  {
    endpoint: 'GET /catalog/node-services/:node',
    path: '/v1/catalog/node-services/outside',
    filter: { expression: 'Meta.team == "x"', items: 1 },
  },
  { endpoint: 'GET /catalog/gateway-services/:gateway', path: '/v1/catalog/gateway-services/none' },
  {
    endpoint: 'GET /health/node/:node',
    path: '/v1/health/node/outside',
    filter: { expression: 'Status == "warning"', items: 1 },
  },
  {
    endpoint: 'GET /health/checks/:service',
    path: '/v1/health/checks/shop',
    near: true,
    nodeMeta: true,
    filter: { expression: 'Status == "warning"', items: 1 },
  },
  {
    endpoint: 'GET /health/state/:state',
    path: '/v1/health/state/any',
    near: true,
    nodeMeta: true,
    filter: { expression: 'ServiceName == "shop"', items: 1 },
  },
  {
    endpoint: 'GET /health/service/:service',
    path: '/v1/health/service/shop',
    cached: true,
    near: true,
    nodeMeta: true,
    filter: { expression: 'Service.Meta.team == "x" and Node.Meta.rack == "r9"', items: 1 },
  },
  {
    endpoint: 'GET /health/connect/:service',
    path: '/v1/health/connect/backend',
    cached: true,
    near: true,
    nodeMeta: true,
    filter: { expression: '"nobody" in Service.Tags', items: 0 },
  },
  { endpoint: 'GET /health/ingress/:service', path: '/v1/health/ingress/shop', cached: true },
]

const external = { Node: 'by-hand', Address: '192.0.2.77', Service: { Service: 'hand', Port: 1 } }

section
  .row(
    'PUT /catalog/register',
    '/v1/catalog/register',
    all(is(true), afterwards('/v1/catalog/service/hand', counts(1))),
    { body: external },
  )
  .row('PUT /catalog/register', '/v1/catalog/register', is(true), {
    part: 'a node with checks and `NodeMeta`',
    body: {
      ...external,
      ID: '40e4a748-2192-161a-0510-9bf59fe950b5',
      NodeMeta: { a: 'b' },
      TaggedAddresses: { lan: '192.0.2.77', wan: '198.51.100.77' },
      Checks: [{ CheckID: 'c', Name: 'c', Status: 'passing', Definition: { TCP: 'x:1', Interval: '5s' } }],
    },
  })
  .row('PUT /catalog/register', '/v1/catalog/register', is(true), {
    part: '`SkipNodeUpdate`',
    body: { ...external, SkipNodeUpdate: true },
  })
  .row('PUT /catalog/register', '/v1/catalog/register', fails(400, /Must provide node|Node/i), {
    part: 'without a node',
    body: { Address: '192.0.2.77' },
  })
  .row('PUT /catalog/deregister', '/v1/catalog/deregister', is(true), {
    part: 'a service',
    body: { Node: 'by-hand', ServiceID: 'hand' },
  })
  .row('PUT /catalog/deregister', '/v1/catalog/deregister', is(true), {
    part: 'a check',
    body: { Node: 'by-hand', CheckID: 'c' },
  })
  .row(
    'PUT /catalog/deregister',
    '/v1/catalog/deregister',
    all(is(true), afterwards('/v1/catalog/node/by-hand', is(null))),
    { part: 'a node', body: { Node: 'by-hand' } },
  )
  .row('GET /catalog/datacenters', '/v1/catalog/datacenters', shaped('/v1/catalog/datacenters'))
  .row('GET /catalog/nodes', '/v1/catalog/nodes', shaped('/v1/catalog/nodes'))
  .row('GET /catalog/services', '/v1/catalog/services', shaped('/v1/catalog/services'))
  .row('GET /catalog/service/:service', '/v1/catalog/service/backend', shaped('/v1/catalog/service/*'))
  .row('GET /catalog/service/:service', '/v1/catalog/service/shop?tag=V1&tag=blue', counts(1), {
    part: '`tag`, repeated',
  })
  .row(
    'GET /catalog/service/:service',
    '/v1/catalog/service/backend?merge-central-config',
    shaped('/v1/catalog/service/*'),
    {
      part: '`merge-central-config` with nothing to merge',
    },
  )
  .row('GET /catalog/service/:service', '/v1/catalog/service/shop?peer=other', status(200), {
    part: '`peer`',
  })
  .row('GET /catalog/connect/:service', '/v1/catalog/connect/backend', shaped('/v1/catalog/connect/*'))
  .row('GET /catalog/node/:node', '/v1/catalog/node/beta', shaped('/v1/catalog/node/*'))
  .row('GET /catalog/node/:node', '/v1/catalog/node/none', is(null), { part: 'an unknown node' })
  .row(
    'GET /catalog/node-services/:node',
    '/v1/catalog/node-services/beta',
    shaped('/v1/catalog/node-services/*'),
  )
  .row(
    'GET /catalog/node-services/:node',
    '/v1/catalog/node-services/beta?merge-central-config',
    shaped('/v1/catalog/node-services/*'),
    {
      part: '`merge-central-config` with nothing to merge',
    },
  )
  .row(
    'GET /catalog/gateway-services/:gateway',
    '/v1/catalog/gateway-services/none',
    shaped('/v1/catalog/gateway-services/*'),
    { part: 'where there is no gateway' },
  )
  .row('GET /health/node/:node', '/v1/health/node/outside', shaped('/v1/health/node/*'))
  .row('GET /health/node/:node', '/v1/health/node/none', is([]), { part: 'an unknown node' })
  .row('GET /health/checks/:service', '/v1/health/checks/shop', shaped('/v1/health/checks/*'))
  .row('GET /health/state/:state', '/v1/health/state/any', shaped('/v1/health/state/*'), { part: '`any`' })
  .row(
    'GET /health/node/:node',
    '/v1/health/node/defined',
    has([{ Definition: { TCP: 'localhost:8888' } }]),
    {
      part: '`Definition` of a check that was registered in the catalog',
      before: (scene) =>
        scene.must('PUT', '/v1/catalog/register', {
          body: {
            Node: 'defined',
            Address: '192.0.2.8',
            Check: {
              CheckID: 'c',
              Name: 'c',
              Status: 'passing',
              Definition: { TCP: 'localhost:8888', Interval: '5s' },
            },
          },
        }),
    },
  )
  .row('GET /health/state/:state', '/v1/health/state/warning', counts(1), { part: 'a status' })
  .row('GET /health/state/:state', '/v1/health/state/splendid', status(400), { part: 'a bad status' })
  .row('GET /health/service/:service', '/v1/health/service/backend', shaped('/v1/health/service/*'))
  .row('GET /health/service/:service', '/v1/health/service/none', is([]), { part: 'an unknown service' })
  .row('GET /health/service/:service', '/v1/health/service/shop?tag=v1', counts(1), { part: '`tag`' })
  .row('GET /health/service/:service', '/v1/health/service/shop?passing', counts(1), { part: '`passing`' })
  .row('GET /health/service/:service', '/v1/health/service/shop?passing=false', counts(2), {
    part: '`passing=false`',
  })
  .row(
    'GET /health/service/:service',
    '/v1/health/service/shop?passing=maybe',
    fails(400, /Invalid value for \?passing/),
    {
      part: 'a bad `passing`',
    },
  )
  .row(
    'GET /health/service/:service',
    '/v1/health/service/backend?merge-central-config',
    shaped('/v1/health/service/*'),
    {
      part: '`merge-central-config` with nothing to merge',
    },
  )
  .row('GET /health/service/:service', '/v1/health/service/shop?peer=other', status(200), { part: '`peer`' })
  .row('GET /health/service/:service', '/v1/health/service/shop?sg=other', status(200), { part: '`sg`' })
  .row('GET /health/connect/:service', '/v1/health/connect/backend', shaped('/v1/health/connect/*'))
  .row('GET /health/ingress/:service', '/v1/health/ingress/shop', shaped('/v1/health/ingress/*'), {
    part: 'where there is no gateway',
  })

blockingRows(section, reads)

export const catalog = section
