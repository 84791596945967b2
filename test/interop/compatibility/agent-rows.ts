// reference/consul.md 1.5: the agent, its services and checks.
import { z } from 'zod'
import {
  afterwards,
  all,
  empty,
  fails,
  fields,
  has,
  header,
  is,
  lacks,
  of,
  Section,
  says,
  shaped,
  status,
} from './checks.ts'
import { filterRows, waits } from './reads.ts'

const section = new Section('Agent')

const registered = { Name: 'probe', ID: 'probe', Port: 7001, Check: { CheckID: 'probe-beat', TTL: '10m' } }
const register = (scene: { must(method: string, path: string, options: object): Promise<unknown> }) =>
  scene.must('PUT', '/v1/agent/service/register', { body: registered })

section
  .row('GET /agent/self', '/v1/agent/self', shaped('/v1/agent/self'))
  .row('GET /agent/version', '/v1/agent/version', fields('BuildDate', 'FIPS', 'HumanVersion', 'SHA'), {
    differs: {
      how: 'two fields more: `MeshAgent`, our own version, and `Version`',
      check: shaped('/v1/agent/version'),
    },
  })
  .row('GET /agent/host', '/v1/agent/host', shaped('/v1/agent/host'))
  .row('GET /agent/members', '/v1/agent/members', shaped('/v1/agent/members'))
  .row(
    'GET /agent/members',
    '/v1/agent/members?wan=1',
    all(shaped('/v1/agent/members'), says(/"Name":"[^"]+\.dc1"/)),
    {
      part: '`wan`',
      differs: {
        how: 'an empty list while this is the only datacenter: its servers gossip with nobody',
        check: is([]),
      },
    },
  )
  .row('GET /agent/members', '/v1/agent/members?segment=_all', shaped('/v1/agent/members'), {
    part: '`segment=_all`',
  })
  .row('GET /agent/services', '/v1/agent/services', shaped('/v1/agent/services'))

filterRows(
  section,
  { endpoint: 'GET /agent/services', path: '/v1/agent/services' },
  { expression: 'Kind == "connect-proxy"', items: 1 },
)

section
  .row(
    'GET /agent/service/:id',
    '/v1/agent/service/web',
    all(shaped('/v1/agent/service/*'), header('x-consul-contenthash', /[0-9a-f]{16}$/)),
  )
  .row('GET /agent/service/:id', '/v1/agent/service/none', fails(404, /unknown service ID: none/), {
    part: 'an unknown id',
  })
  .row('GET /agent/service/:id', '/v1/agent/service/web?hash=0000&wait=1s', shaped('/v1/agent/service/*'), {
    part: '`hash`, `wait`',
    before: async (scene) => {
      const hash = (await scene.get('/v1/agent/service/web')).headers.get('x-consul-contenthash')
      const began = performance.now()
      const waited = await scene.get(`/v1/agent/service/web?hash=${hash}&wait=50ms`)
      if (waited.status !== 200 || performance.now() - began < 45) throw new Error('it did not wait')
    },
  })
  .row(
    'PUT /agent/service/register',
    '/v1/agent/service/register',
    all(empty, afterwards('/v1/agent/service/probe', has({ Service: 'probe', Port: 7001 }))),
    { body: registered },
  )
  .row('PUT /agent/service/register', '/v1/agent/service/register', fails(400, /Missing service name/), {
    part: 'without a name',
    body: { Port: 1 },
  })
  .row('PUT /agent/service/register', '/v1/agent/service/register?replace-existing-checks=true', empty, {
    part: '`replace-existing-checks`',
    body: registered,
  })
  .row(
    'PUT /agent/service/register',
    '/v1/agent/service/register',
    all(empty, afterwards('/v1/agent/service/sidecarred-sidecar-proxy', has({ Kind: 'connect-proxy' }))),
    {
      part: '`Connect.SidecarService`, with a port of its own',
      body: { Name: 'sidecarred', Port: 7100, Connect: { SidecarService: {} } },
    },
  )
  .row('PUT /agent/service/register', '/v1/agent/service/register', empty, {
    part: 'a check of each kind: HTTP, TCP, UDP, TTL, gRPC, script, alias, H2 ping, OS service',
    body: {
      Name: 'checked',
      Port: 7200,
      Checks: [
        { CheckID: 'k1', HTTP: 'http://127.0.0.1:1/', Interval: '10m' },
        { CheckID: 'k2', TCP: '127.0.0.1:1', Interval: '10m' },
        { CheckID: 'k3', UDP: '127.0.0.1:1', Interval: '10m' },
        { CheckID: 'k4', TTL: '10m' },
        { CheckID: 'k5', GRPC: '127.0.0.1:1', Interval: '10m' },
        { CheckID: 'k6', Args: ['/bin/true'], Interval: '10m' },
        { CheckID: 'k7', AliasService: 'web' },
        { CheckID: 'k8', H2PING: '127.0.0.1:1', Interval: '10m' },
        { CheckID: 'k9', OSService: 'cron', Interval: '10m' },
      ],
    },
  })
  .row('PUT /agent/service/deregister/:id', '/v1/agent/service/deregister/probe', empty, { before: register })
  .row(
    'PUT /agent/service/deregister/:id',
    '/v1/agent/service/deregister/none',
    fails(404, /Unknown service ID "none"\. Ensure that the service ID is passed, not the service name\./),
    { part: 'an unknown id' },
  )
  .row(
    'PUT /agent/service/maintenance/:id',
    '/v1/agent/service/maintenance/probe?enable=true&reason=disk',
    all(
      empty,
      afterwards(
        '/v1/agent/checks',
        has({ '_service_maintenance:probe': { Status: 'critical', Type: 'maintenance', Notes: 'disk' } }),
      ),
    ),
    { part: '`enable`, `reason`', before: register },
  )
  .row(
    'PUT /agent/service/maintenance/:id',
    '/v1/agent/service/maintenance/probe?enable=false',
    all(empty, afterwards('/v1/agent/checks', lacks('_service_maintenance:probe'))),
    {
      part: '`enable=false`',
    },
  )
  .row('PUT /agent/service/maintenance/:id', '/v1/agent/service/maintenance/probe', status(400), {
    part: 'without `enable`',
  })
  .row('PUT /agent/service/maintenance/:id', '/v1/agent/service/maintenance/none?enable=true', status(404), {
    part: 'an unknown id',
  })
  .row(
    'PUT /agent/maintenance',
    '/v1/agent/maintenance?enable=true&reason=kernel',
    all(
      empty,
      afterwards('/v1/agent/checks', has({ _node_maintenance: { Status: 'critical', Notes: 'kernel' } })),
    ),
    {
      part: '`enable`, `reason`',
    },
  )
  .row(
    'PUT /agent/maintenance',
    '/v1/agent/maintenance?enable=false',
    all(empty, afterwards('/v1/agent/checks', lacks('_node_maintenance'))),
    { part: '`enable=false`' },
  )
  .row('GET /agent/checks', '/v1/agent/checks', shaped('/v1/agent/checks'))

filterRows(
  section,
  { endpoint: 'GET /agent/checks', path: '/v1/agent/checks' },
  { expression: 'CheckID == "probe-beat"', items: 1 },
)

section
  .row('PUT /agent/check/register', '/v1/agent/check/register', empty, {
    body: { Name: 'alone', ID: 'alone', TTL: '10m', Notes: 'n' },
  })
  .row('PUT /agent/check/register', '/v1/agent/check/register', status(400), {
    part: 'without a name',
    body: { TTL: '10m' },
  })
  .row(
    'PUT /agent/check/pass/:id',
    '/v1/agent/check/pass/alone?note=fine',
    all(empty, afterwards('/v1/agent/checks', has({ alone: { Status: 'passing' } }))),
    { part: '`note`' },
  )
  .row(
    'PUT /agent/check/warn/:id',
    '/v1/agent/check/warn/alone',
    all(empty, afterwards('/v1/agent/checks', has({ alone: { Status: 'warning' } }))),
  )
  .row(
    'PUT /agent/check/fail/:id',
    '/v1/agent/check/fail/alone',
    all(empty, afterwards('/v1/agent/checks', has({ alone: { Status: 'critical' } }))),
  )
  .row('PUT /agent/check/pass/:id', '/v1/agent/check/pass/none', status(404, 500), { part: 'an unknown id' })
  .row(
    'PUT /agent/check/update/:id',
    '/v1/agent/check/update/alone',
    all(empty, afterwards('/v1/agent/checks', has({ alone: { Status: 'warning', Output: 'so so' } }))),
    {
      body: { Status: 'warning', Output: 'so so' },
    },
  )
  .row('PUT /agent/check/update/:id', '/v1/agent/check/update/alone', status(400), {
    part: 'a bad status',
    body: { Status: 'splendid' },
  })
  .row(
    'PUT /agent/check/deregister/:id',
    '/v1/agent/check/deregister/alone',
    all(empty, afterwards('/v1/agent/checks', lacks('alone'))),
  )
  .row('PUT /agent/check/deregister/:id', '/v1/agent/check/deregister/none', status(404), {
    part: 'an unknown id',
  })
  .row(
    'GET /agent/health/service/id/:id',
    '/v1/agent/health/service/id/web',
    shaped('/v1/agent/health/service/id/*'),
  )
  .row('GET /agent/health/service/id/:id', '/v1/agent/health/service/id/none', status(404), {
    part: 'an unknown id',
  })
  .row('GET /agent/health/service/id/:id', '/v1/agent/health/service/id/web?format=text', says(/^passing$/), {
    part: '`format=text`',
  })
  .row(
    'GET /agent/health/service/name/:name',
    '/v1/agent/health/service/name/web',
    shaped('/v1/agent/health/service/name/*'),
  )
  .row('GET /agent/health/service/name/:name', '/v1/agent/health/service/name/probe', status(503), {
    part: 'a critical service',
    before: async (scene) => {
      await register(scene)
      await scene.must('PUT', '/v1/agent/check/fail/probe-beat')
    },
  })
  .row(
    'POST /agent/connect/authorize',
    '/v1/agent/connect/authorize',
    of(z.object({ Authorized: z.boolean(), Reason: z.string() })),
    {
      body: {
        Target: 'backend',
        ClientCertURI: 'spiffe://x/ns/default/dc/dc1/svc/web',
        ClientCertSerial: '00',
      },
    },
  )
  .row('GET /agent/connect/ca/roots', '/v1/agent/connect/ca/roots', shaped('/v1/agent/connect/ca/roots'))
  .row(
    'GET /agent/connect/ca/roots',
    '/v1/agent/connect/ca/roots?pem=true',
    all(status(200), says(/^-----BEGIN CERTIFICATE-----/)),
    {
      part: '`pem`',
    },
  )
  .row(
    'GET /agent/connect/ca/leaf/:service',
    '/v1/agent/connect/ca/leaf/web',
    shaped('/v1/agent/connect/ca/leaf/*'),
  )
  .row(
    'GET /agent/connect/ca/roots',
    '/v1/agent/connect/ca/roots?cached',
    all(header('x-consul-index', /\d$/), header('x-cache', /(HIT|MISS)$/)),
    {
      part: '`index` and `X-Cache` in the answer',
    },
  )
  .row('GET /agent/connect/ca/roots', '/v1/agent/connect/ca/roots', status(200), {
    part: '`index`, `wait`',
    before: (scene) => waits(scene, '/v1/agent/connect/ca/roots'),
  })
  .row('GET /agent/connect/ca/leaf/:service', '/v1/agent/connect/ca/leaf/web', status(200), {
    part: '`index`, `wait`',
    before: (scene) => waits(scene, '/v1/agent/connect/ca/leaf/web'),
  })
  .row(
    'GET /agent/connect/ca/leaf/:service',
    '/v1/agent/connect/ca/leaf/web',
    all(header('x-consul-index', /\d$/), header('x-cache', /(HIT|MISS)$/)),
    {
      part: '`index` and `X-Cache` in the answer',
    },
  )
  .row('GET /agent/metrics', '/v1/agent/metrics', shaped('/v1/agent/metrics'))
  .row('GET /agent/metrics', '/v1/agent/metrics?format=prometheus', all(status(200), says(/^# HELP /m)), {
    part: '`format=prometheus`',
  })
  .row('GET /agent/metrics/stream', '/v1/agent/metrics/stream', status(200), { options: { headOnly: true } })
  .row('GET /agent/monitor', '/v1/agent/monitor?loglevel=debug&logjson', status(200), {
    part: '`loglevel`, `logjson`',
    options: { headOnly: true },
  })
  .row('PUT /agent/reload', '/v1/agent/reload', empty)
  .row('PUT /agent/join/:address', '/v1/agent/join/@beta', empty)
  .row('PUT /agent/join/:address', '/v1/agent/join/127.0.0.1:1', fails(500, /./), { part: 'where nobody is' })
  .row('PUT /agent/force-leave/:node', '/v1/agent/force-leave/none?prune', fails(500, /./), {
    part: 'an unknown node',
    differs: { how: '404: nothing failed', check: fails(404, /none/) },
  })
  .row('PUT /agent/token/:type', '/v1/agent/token/default', status(200, 401), { body: { Token: 'x' } })
  .row('GET /agent/metrics/certificates', '/v1/agent/metrics/certificates', status(200))

/** A leave would end the agent, so what can be asked is only whether the path is there. */
section.row('PUT /agent/leave', '/v1/agent/leave', all(status(405), header('allow', /PUT/)), {
  part: 'the path (asked with `GET`)',
  method: 'GET',
})

export const agent = section
