// Services, their sidecars and upstreams: every way to write one, Consul's defaults, and what may not be together.
import { expect, test } from 'vitest'
import { withSidecarPort } from '../../../src/config/sidecar.ts'
import { errorsOf, linesOf, load, proxyOf, serviceOf } from './load.ts'

test('blocks, attributes, lists, JSON, and one-element lists mean the same', () => {
  const forms = [
    'service {\n name = "web"\n port = 80\n tags = ["a"]\n check { ttl = "10s" }\n connect { sidecar_service {} }\n}',
    'service = { name = "web", port = 80, tags = ["a",], check = { ttl = "10s" }, connect = { sidecar_service = {} } }',
    'services = [{ name : "web", "port" : 80, tags : ["a"], checks = [{ ttl = "10s" }], connect { sidecar_service {} } }]',
    'services { name = "web" port = 80 tags = ["a"] checks { ttl = "10s" } connect { sidecar_service {} } }',
    '{"service": {"name": "web", "port": 80, "tags": ["a"], "check": {"ttl": "10s"}, "connect": {"sidecar_service": {}}}}',
    '{"Services": [{"Name": "web", "Port": 80, "Tags": ["a"], "Checks": [{"TTL": "10s"}], "Connect": {"SidecarService": {}}}]}',
    '{"service": [{"name": "web", "port": 80, "tags": ["a"], "check": [{"ttl": "10s"}], "connect": [{"sidecar_service": [{}]}]}]}',
  ]
  const [first, ...others] = forms.map(serviceOf)
  expect(first?.service).toMatchObject({ id: 'web', name: 'web', port: 80, tags: ['a'] })
  expect(first?.sidecar?.service.id).toBe('web-sidecar-proxy')
  for (const other of others) expect(other).toEqual(first)
})

test('upstreams as a list, as repeated blocks and in JSON mean the same', () => {
  const forms = [
    'upstreams = [{ destination_name = "a", local_bind_port = 1 }, { destination_name = "b", local_bind_port = 2 }]',
    'upstreams { destination_name = "a" local_bind_port = 1 }\nupstreams { destination_name = "b" local_bind_port = 2 }',
    'upstreams = { destination_name = "a" local_bind_port = 1 }\nupstreams = { DestinationName = "b" LocalBindPort = 2 }',
  ]
  const [first, ...others] = forms.map((form) => proxyOf(form).upstreams)
  expect(first).toEqual([
    {
      destinationName: 'a',
      datacenter: '',
      localBindAddress: '127.0.0.1',
      localBindPort: 1,
      localBindSocketPath: '',
      localBindSocketMode: '',
      connectTimeoutMs: 5_000,
      config: {},
    },
    expect.objectContaining({ destinationName: 'b', localBindPort: 2 }),
  ])
  for (const other of others) expect(other).toEqual(first)
})

test('every key of an upstream', () => {
  expect(
    proxyOf(`upstreams {
      destination_type = "service"
      destination_name = "db"
      datacenter = "DC2"
      local_bind_address = "127.0.0.9"
      local_bind_port = 5432
      config { connect_timeout_ms = 250 protocol = "tcp" limits { max_connections = 3 } }
    }
    upstreams {
      destination_name = "db"
      local_bind_socket_path = "/run/web/db.sock"
      local_bind_socket_mode = "0600"
    }`).upstreams,
  ).toEqual([
    {
      destinationName: 'db',
      datacenter: 'dc2',
      localBindAddress: '127.0.0.9',
      localBindPort: 5432,
      localBindSocketPath: '',
      localBindSocketMode: '',
      connectTimeoutMs: 250,
      config: { connect_timeout_ms: 250, protocol: 'tcp', limits: { max_connections: 3 } },
    },
    {
      destinationName: 'db',
      datacenter: '',
      localBindAddress: '',
      localBindPort: 0,
      localBindSocketPath: '/run/web/db.sock',
      localBindSocketMode: '0600',
      connectTimeoutMs: 5_000,
      config: {},
    },
  ])
})

test("a sidecar takes Consul's defaults from its service", () => {
  const { service, sidecar } = serviceOf(`service {
    id = "web-1"
    name = "web"
    port = 8080
    address = "10.0.0.5"
    tags = ["v1"]
    meta { team = "red" }
    weights { passing = 10 }
    connect { sidecar_service {} }
  }`)
  expect(service).toMatchObject({
    kind: '',
    id: 'web-1',
    weights: { passing: 10, warning: 1 },
    connectNative: false,
  })
  expect(service.proxy).toBeUndefined()
  expect(sidecar?.service).toEqual({
    kind: 'connect-proxy',
    id: 'web-1-sidecar-proxy',
    name: 'web-sidecar-proxy',
    address: '10.0.0.5',
    port: 0,
    socketPath: '',
    tags: ['v1'],
    meta: { team: 'red' },
    taggedAddresses: {},
    weights: { passing: 1, warning: 1 },
    enableTagOverride: false,
    connectNative: false,
    proxy: {
      destinationServiceName: 'web',
      destinationServiceId: 'web-1',
      localServiceAddress: '127.0.0.1',
      localServicePort: 8080,
      localServiceSocketPath: '',
      mode: '',
      config: {},
      upstreams: [],
      expose: { checks: false, paths: [] },
    },
  })
})

test('default checks of a sidecar: it listens, and its service is healthy; they follow the port that it gets', () => {
  const { sidecar } = serviceOf(
    'service { id = "web-1" name = "web" port = 80 connect { sidecar_service {} } }',
  )
  if (sidecar === undefined) throw new Error('no sidecar')
  const placed = withSidecarPort(sidecar, 21_004)
  expect(placed.service.port).toBe(21_004)
  expect(placed.checks).toMatchObject([
    {
      checkId: 'service:web-1-sidecar-proxy:1',
      name: 'Connect Sidecar Listening',
      serviceId: 'web-1-sidecar-proxy',
      intervalMs: 10_000,
      probe: { type: 'tcp', address: '127.0.0.1:21004' },
    },
    {
      checkId: 'service:web-1-sidecar-proxy:2',
      name: 'Connect Sidecar Aliasing web-1',
      serviceId: 'web-1-sidecar-proxy',
      probe: { type: 'alias', node: '', serviceId: 'web-1' },
    },
  ])
})

test('the default check of a sidecar with an address connects there', () => {
  const { sidecar } = serviceOf(
    'service { name = "web" port = 80 address = "fd00::5" connect { sidecar_service { port = 21001 } } }',
  )
  expect(sidecar?.checks[0]?.probe).toMatchObject({ address: '[fd00::5]:21001' })
})

test('a sidecar may override everything but its id', () => {
  const { sidecar } = serviceOf(`service {
    name = "web"
    port = 8080
    tags = ["v1"]
    connect {
      sidecar_service {
        name = "web-mesh"
        kind = "connect-proxy"
        address = "10.0.0.6"
        port = 20000
        tags = []
        meta { own = "yes" }
        weights { passing = 5 warning = 0 }
        enable_tag_override = true
        tagged_addresses { wan { address = "203.0.113.9" port = 443 } }
        check { id = "own" name = "mine" tcp = "127.0.0.1:20000" interval = "3s" }
        proxy {
          local_service_address = "127.0.0.3"
          local_service_port = 8081
          mode = "direct"
          config { protocol = "tcp" }
        }
      }
    }
  }`)
  expect(sidecar?.service).toMatchObject({
    id: 'web-sidecar-proxy',
    name: 'web-mesh',
    address: '10.0.0.6',
    port: 20_000,
    tags: [],
    meta: { own: 'yes' },
    weights: { passing: 5, warning: 0 },
    enableTagOverride: true,
    taggedAddresses: { wan: { address: '203.0.113.9', port: 443 } },
    proxy: {
      localServiceAddress: '127.0.0.3',
      localServicePort: 8_081,
      mode: 'direct',
      config: { protocol: 'tcp' },
    },
  })
  expect(sidecar?.checks.map((check) => check.checkId)).toEqual(['own'])
})

test('a service on a socket is reached on its socket', () => {
  const { service, sidecar } = serviceOf(
    'service { name = "web" socket_path = "/run/web.sock" connect { sidecar_service {} } }',
  )
  expect(service).toMatchObject({ port: 0, socketPath: '/run/web.sock' })
  expect(sidecar?.service.proxy).toMatchObject({
    localServicePort: 0,
    localServiceSocketPath: '/run/web.sock',
  })
})

test('a native service and a service that is a proxy', () => {
  expect(serviceOf('service { name = "web" port = 1 connect { native = true } }').service.connectNative).toBe(
    true,
  )
  const { service, sidecar } = serviceOf(
    'service { kind = "connect-proxy" name = "p" port = 2000 proxy { destination_service_name = "web" local_service_port = 80 } }',
  )
  expect(sidecar).toBeUndefined()
  expect(service).toMatchObject({
    kind: 'connect-proxy',
    proxy: { destinationServiceName: 'web', destinationServiceId: '', localServicePort: 80 },
  })
})

test('tagged addresses and labels', () => {
  expect(
    serviceOf(
      'service { name = "web" tagged_addresses { lan = { address = "10.0.0.5", port = 80 } wan { address = "w.example.com" } } meta = { "a-b_C" = "" } }',
    ).service,
  ).toMatchObject({
    taggedAddresses: { lan: { address: '10.0.0.5', port: 80 }, wan: { address: 'w.example.com', port: 0 } },
    meta: { 'a-b_C': '' },
  })
})

const inService = (text: string): string => `service {\nname = "web"\nport = 80\n${text}\n}`
const inSidecar = (text: string): string => inService(`connect { sidecar_service {\n${text}\n} }`)
const inProxy = (text: string): string => inSidecar(`proxy {\n${text}\n}`)

test.each<[string, string, readonly string[]]>([
  ['a name with a dot', 'service { name = "web.v1" }', ['1:18 `name` is "web.v1"']],
  [
    'a name over the limit',
    `service { name = "${'a'.repeat(129)}" }`,
    [`1:18 \`name\` is "${'a'.repeat(48)}…"`],
  ],
  ['an id with a space', inService('id = "web 1"'), ['4:6 `id` is "web 1"']],
  [
    'port and socket',
    inService('socket_path = "/run/x"'),
    ['4:1 the service has both `port` and `socket_path`'],
  ],
  ['a relative socket', 'service { name = "web" socket_path = "x" }', ['1:38 `socket_path` is "x"']],
  [
    'a socket longer than the kernel keeps',
    `service { name = "a" socket_path = "/${'x'.repeat(107)}" }`,
    [`1:36 \`socket_path\` is "/${'x'.repeat(47)}…"`],
  ],
  ['any address as an address', inService('address = "0.0.0.0"'), ['4:11 `address` is "0.0.0.0"']],
  ['an address with a mistake', inService('address = "10.0.0.500"'), ['4:11 `address` is "10.0.0.500"']],
  ['a fraction of a port', 'service { name = "a" port = 80.5 }', ['1:29 `port` is 80.5']],
  ['a weight of 0', inService('weights { passing = 0 }'), ['4:21 `passing` is 0']],
  ['a weight over the limit', inService('weights { warning = 70000 }'), ['4:21 `warning` is 70000']],
  ['an empty tag', inService('tags = ["a", ""]'), ['4:14 item 2 of `tags` is empty']],
  ['a label with a bad key', inService('meta { "a.b" = "x" }'), ['4:8 `meta` has the key "a.b"']],
  [
    'a label that is too long',
    inService(`meta { a = "${'x'.repeat(513)}" }`),
    [`4:12 \`a\` is "${'x'.repeat(48)}…"`],
  ],
  ['two `meta` blocks', inService('meta { a = "1" }\nmeta { b = "2" }'), ['5:1 `meta` is given twice']],
  [
    'a reserved tagged address',
    inService('tagged_addresses { consul-virtual = { address = "240.0.0.1" } }'),
    ['4:20 `tagged_addresses` has the key "consul-virtual"'],
  ],
  [
    'a tagged address without address',
    inService('tagged_addresses { lan { port = 1 } }'),
    ['4:20 the tagged address "lan" has no address'],
  ],
  ['an id for a sidecar', inSidecar('id = "x"'), ['5:1 a sidecar has an `id` of its own here']],
  [
    'a sidecar for another service',
    inProxy('destination_service_name = "db"'),
    ['6:28 `destination_service_name` is "db"'],
  ],
  [
    'a proxy block in a plain service',
    inService('proxy { }'),
    ['4:1 `proxy` stands in a service that is no proxy'],
  ],
  [
    'a proxy without port',
    'service { kind = "connect-proxy" name = "p" proxy { destination_service_name = "web" } }',
    ['1:1 the proxy has no port'],
  ],
  [
    'a proxy without destination',
    'service { kind = "connect-proxy" name = "p" port = 1 proxy { } }',
    ['1:54 the proxy does not say which service it stands for'],
  ],
  [
    'a proxy that connects',
    'service { kind = "connect-proxy" name = "p" port = 1 proxy { destination_service_name = "web" } connect { native = true } }',
    ['1:97 a service of the kind "connect-proxy" has a `connect` block'],
  ],
  [
    'port and socket of the local service',
    inProxy('local_service_port = 1\nlocal_service_socket_path = "/run/x"'),
    ['7:1 the proxy has both `local_service_port` and `local_service_socket_path`'],
  ],
  ['a bind_port that is text', inProxy('config { bind_port = "8443" }'), ['6:22 `bind_port` is text']],
  [
    'an exposed path without a slash',
    inProxy('expose { paths { path = "health" local_path_port = 1 listener_port = 2 } }'),
    ['6:25 `path` is "health"'],
  ],
  [
    'an exposed path without its ports',
    inProxy('expose { paths { path = "/" } }'),
    ['6:10 the exposed path has no `local_path_port`', '6:10 the exposed path has no `listener_port`'],
  ],
  [
    'two protocols on one exposed port, and a path twice',
    inProxy(`expose {
 paths { path = "/a" local_path_port = 1 listener_port = 2 }
 paths { path = "/b" local_path_port = 1 listener_port = 2 protocol = "http2" }
 paths { path = "/a" local_path_port = 1 listener_port = 2 }
}`),
    ['8:58 port 2 is to speak http and http2', '9:58 the path /a is exposed twice on port 2'],
  ],
  [
    'an upstream without name',
    inProxy('upstreams { local_bind_port = 1 }'),
    ['6:1 the upstream does not say where it leads'],
  ],
  [
    'an upstream to every service',
    inProxy('upstreams { destination_name = "*" local_bind_port = 1 }'),
    ['6:32 `destination_name` is "*"'],
  ],
  [
    'an upstream on port and socket',
    inProxy('upstreams { destination_name = "a" local_bind_port = 1 local_bind_socket_path = "/run/x" }'),
    ['6:56 the upstream has both `local_bind_port` and `local_bind_socket_path`'],
  ],
  [
    'a mode without a socket',
    inProxy('upstreams { destination_name = "a" local_bind_port = 1 local_bind_socket_mode = "0600" }'),
    ['6:56 `local_bind_socket_mode` stands without `local_bind_socket_path`'],
  ],
  [
    'an address with a socket',
    inProxy(
      'upstreams { destination_name = "a" local_bind_socket_path = "/run/x" local_bind_address = "127.0.0.1" }',
    ),
    ['6:70 `local_bind_address` stands without `local_bind_port`'],
  ],
  [
    'a mode that is none',
    inProxy(
      'upstreams { destination_name = "a" local_bind_socket_path = "/run/x" local_bind_socket_mode = "rw" }',
    ),
    ['6:95 `local_bind_socket_mode` is "rw"'],
  ],
  [
    'a timeout that is text',
    inProxy('upstreams { destination_name = "a" local_bind_port = 1 config { connect_timeout_ms = "1s" } }'),
    ['6:86 `connect_timeout_ms` is text'],
  ],
  [
    'a peer',
    inProxy('upstreams { destination_name = "a" local_bind_port = 1 destination_peer = "x" }'),
    ['6:56 `destination_peer` is not supported'],
  ],
  [
    'another name for a key',
    inProxy('upstreams { service = "a" local_bind_port = 1 }'),
    ['6:13 `service` is not a key here'],
  ],
  ['a label on an inner block', inService('connect "x" { }'), ['4:9 the block `connect` has the label "x"']],
  [
    'a list of services where one block is meant',
    inService('connect = [{}, {}]'),
    ['4:11 `connect` is a list'],
  ],
])('%s is refused', (_, text, errors) => {
  expect(errorsOf(text)).toEqual(errors.map((error) => `a.hcl:${error}`))
})

test('in JSON the remedy is written as JSON', () => {
  expect(linesOf({ 'web.json': '{"service": {"name": "web", "port": "80"}}' })).toEqual([
    'web.json:1:37: `port` is text, it must be a whole number from 1 to 65535; write `"port": 80`',
  ])
})

test('an upstream to another datacenter is another upstream', () => {
  expect(
    proxyOf(
      'upstreams { destination_name = "a" local_bind_port = 1 }\nupstreams { destination_name = "a" datacenter = "dc2" local_bind_port = 2 }',
    ).upstreams,
  ).toHaveLength(2)
  expect(load(inService('')).definitions.services).toHaveLength(1)
})

test('mistakes in what an upstream says of balancing are told at their place', () => {
  const upstream = (config: string): string =>
    `service {\n name = "web"\n port = 80\n connect { sidecar_service { proxy { upstreams {\n destination_name = "db"\n local_bind_port = 1\n config {\n${config}\n} } } } }\n}`
  expect(errorsOf(upstream('balance { policy = "fastest" }'))).toHaveLength(1)
  expect(errorsOf(upstream('balance { policy = "least_request" prefer = "zone" }'))).toEqual([])
  expect(errorsOf(upstream('limits { max_conections = 3 }'))).toEqual([
    expect.stringMatching(/:8:10 .*max_conections/),
  ])
  const late = 'passive_health_check { interval = 10 max_failures = 3 max_ejection_percent = 101 }'
  expect(errorsOf(upstream(late)).map((line) => line.split(':')[1])).toEqual(['8', '8'])
})
