// What several definitions may not share, in one file and across files. The later one is told, with the earlier one's place.
import { expect, test } from 'vitest'
import { errorsOf, linesOf } from './load.ts'

const upstream = (service: string, bind: string): string =>
  `service { name = "${service}" connect { sidecar_service { proxy { upstreams { destination_name = "db" ${bind} } } } } }`

test('one service id in two files', () => {
  expect(
    linesOf({ 'a.hcl': '\nservice { name = "web" }', 'b.hcl': 'service { name = "shop" id = "web" }' }),
  ).toEqual([
    'b.hcl:1:30: a second service has the id "web", ids are unique on a host, and the first stands at a.hcl:2; give one of them an `id` of its own; both may keep their name',
  ])
})

test('a service with the id of a sidecar', () => {
  expect(
    errorsOf(
      'service { name = "web" port = 1 connect { sidecar_service {} } }\nservice { name = "web-sidecar-proxy" }',
    ),
  ).toEqual(['a.hcl:2:18 a second service has the id "web-sidecar-proxy"'])
})

test('the same service twice is one mistake, not one for each of its parts', () => {
  const service = 'service { name = "web" port = 1 check { ttl = "1m" } connect { sidecar_service {} } }'
  expect(errorsOf(`${service}\n${service}`)).toEqual(['a.hcl:2:18 a second service has the id "web"'])
})

test('one check id twice', () => {
  expect(
    errorsOf({
      'a.hcl': 'service { name = "web" check { id = "c" ttl = "1m" } }',
      'b.hcl': 'check { id = "c" name = "x" ttl = "1m" }',
    }),
  ).toEqual(['b.hcl:1:14 a second check has the id "c"'])
})

test.each<[string, string, string, boolean]>([
  ['the same port', 'local_bind_port = 5432', 'local_bind_port = 5432', true],
  [
    'the same port of another address',
    'local_bind_port = 5432',
    'local_bind_port = 5432 local_bind_address = "127.0.0.2"',
    false,
  ],
  [
    'any address and one of them',
    'local_bind_port = 5432 local_bind_address = "0.0.0.0"',
    'local_bind_port = 5432',
    true,
  ],
  [
    'one address and any',
    'local_bind_port = 5432 local_bind_address = "127.0.0.9"',
    'local_bind_port = 5432 local_bind_address = "0.0.0.0"',
    true,
  ],
  [
    'localhost by name and by address',
    'local_bind_port = 5432 local_bind_address = "localhost"',
    'local_bind_port = 5432',
    true,
  ],
  ['the same socket', 'local_bind_socket_path = "/run/x"', 'local_bind_socket_path = "/run/x"', true],
  ['two sockets', 'local_bind_socket_path = "/run/x"', 'local_bind_socket_path = "/run/y"', false],
])('upstreams of two services on %s', (_, first, second, isConflict) => {
  const errors = errorsOf({ 'a.hcl': upstream('a', first), 'b.hcl': upstream('b', second) })
  expect(errors).toHaveLength(isConflict ? 1 : 0)
  if (isConflict) expect(errors[0]).toMatch(/^b\.hcl:1:.*is used twice/)
})

test.each<[string, string, string]>([
  [
    'two sidecars',
    'service { name = "a" connect { sidecar_service { port = 21001 } } }\nservice { name = "b" connect { sidecar_service { port = 21001 } } }',
    'port 21001',
  ],
  [
    'a sidecar and an upstream',
    `service { name = "a" connect { sidecar_service { port = 5432 } } }\n${upstream('b', 'local_bind_port = 5432')}`,
    'port 5432',
  ],
  [
    'a sidecar and its own service',
    'service { name = "a" port = 80 connect { sidecar_service { port = 80 } } }',
    'port 80',
  ],
  [
    'a sidecar that listens elsewhere and an upstream',
    `service { name = "a" connect { sidecar_service { port = 443 proxy { config { bind_port = 5432 } } } } }\n${upstream('b', 'local_bind_port = 5432')}`,
    'port 5432',
  ],
  ['an upstream and the agent', upstream('a', 'local_bind_port = 8500'), 'port 8500'],
  [
    'an upstream and the agent on another port',
    `ports { http = 8700 }\n${upstream('a', 'local_bind_port = 8700')}`,
    'port 8700',
  ],
  [
    'a sidecar and the server',
    'server = true\nservice { name = "a" connect { sidecar_service { port = 8300 } } }',
    'port 8300',
  ],
  [
    'a service and the agent',
    'service { name = "a" port = 8500 connect { sidecar_service {} } }',
    'port 8500',
  ],
  [
    'a proxy of its own and a sidecar',
    'service { name = "a" kind = "connect-proxy" port = 21001 proxy { destination_service_name = "x" } }\nservice { name = "b" connect { sidecar_service { port = 21001 } } }',
    'port 21001',
  ],
])('one port for %s', (_, text, what) => {
  const errors = errorsOf(text)
  expect(errors).toHaveLength(1)
  expect(errors[0]).toMatch(/^a\.hcl:[12]:\d/)
  expect(errors[0]).toContain(`${what} is used twice on this host`)
})

test('a collision is found behind listeners on other addresses', () => {
  const bound = (service: string, address: string): string =>
    upstream(service, `local_bind_port = 5432 local_bind_address = "${address}"`)
  const four = [
    bound('a', '127.0.0.2'),
    bound('b', '127.0.0.3'),
    bound('c', 'localhost'),
    bound('d', '127.0.0.1'),
  ]
  expect(linesOf(four.join('\n'))).toEqual([
    expect.stringMatching(/^a\.hcl:4:.*the upstream "db" of "c" listens there, on line 3/),
  ])
})

test('what only looks alike is no conflict', () => {
  expect(
    errorsOf(`
      ports { http = -1 }
      service { name = "a" port = 80 }
      service { name = "b" port = 80 }
      service { name = "c" port = 8300 connect { sidecar_service {} } }
      ${upstream('d', 'local_bind_port = 8500')}
    `),
  ).toEqual([])
})

test('a check for a service that no file defines is told, with the nearest id', () => {
  expect(
    linesOf('service { name = "backend" }\ncheck { name = "x" service_id = "backnd" ttl = "1m" }')[0],
  ).toContain('did you mean "backend"?')
  expect(
    errorsOf(
      'service { name = "a" port = 1 connect { sidecar_service {} } }\ncheck { name = "x" service_id = "a-sidecar-proxy" ttl = "1m" }',
    ),
  ).toEqual([])
})
