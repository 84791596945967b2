// Health checks: every kind, Consul's defaults and ids, and what may not be together.
import { expect, test } from 'vitest'
import type { CheckDefinition } from '../../../src/model/check.ts'
import { checksOf, errorsOf, load } from './load.ts'

/** As `checksOf`, on a host that lets checks run programs. */
function runningChecksOf(text: string): readonly CheckDefinition[] {
  const { definitions } = load(`enable_script_checks = true\nservice { name = "web" port = 80 ${text} }`)
  return definitions.services[0]?.checks ?? []
}

test('an HTTP check with nothing but its address has defaults for the rest', () => {
  expect(checksOf('check { http = "http://127.0.0.1/health" interval = "10s" }')).toEqual([
    {
      checkId: 'service:web',
      name: "Service 'web' check",
      notes: '',
      serviceId: 'web',
      initialStatus: 'critical',
      intervalMs: 10_000,
      timeoutMs: 10_000,
      successBeforePassing: 0,
      failuresBeforeWarning: 0,
      failuresBeforeCritical: 0,
      deregisterCriticalServiceAfterMs: 0,
      outputMaxBytes: 4_096,
      probe: {
        type: 'http',
        url: 'http://127.0.0.1/health',
        method: 'GET',
        header: {},
        body: '',
        followRedirects: true,
        tlsServerName: '',
        tlsSkipVerify: false,
      },
    },
  ])
})

test('every key of an HTTP check, in snake_case and in CamelCase', () => {
  const snake = checksOf(`check {
    id = "c"
    name = "n"
    notes = ""
    status = "passing"
    http = "https://127.0.0.1/"
    method = "POST"
    header { Accept = ["a", "b"] "X-Y" = [] }
    body = "{}"
    disable_redirects = true
    tls_server_name = "web.example.com"
    tls_skip_verify = true
    interval = "1m30s"
    timeout = "500ms"
    success_before_passing = 2
    failures_before_warning = 1
    failures_before_critical = 3
    deregister_critical_service_after = "90m"
    output_max_size = 100
  }`)
  const camel = checksOf(`check {
    CheckID = "c"
    Name = "n"
    Status = "passing"
    HTTP = "https://127.0.0.1/"
    Method = "POST"
    Header = { Accept = ["a", "b"], "X-Y" = [] }
    Body = "{}"
    DisableRedirects = true
    TLSServerName = "web.example.com"
    TLSSkipVerify = true
    Interval = "90s"
    Timeout = "0.5s"
    SuccessBeforePassing = 2
    FailuresBeforeWarning = 1
    FailuresBeforeCritical = 3
    DeregisterCriticalServiceAfter = "1h30m"
    OutputMaxSize = 100
  }`)
  expect(snake).toEqual(camel)
  expect(snake[0]).toMatchObject({
    checkId: 'c',
    initialStatus: 'passing',
    intervalMs: 90_000,
    timeoutMs: 500,
    successBeforePassing: 2,
    failuresBeforeWarning: 1,
    failuresBeforeCritical: 3,
    deregisterCriticalServiceAfterMs: 5_400_000,
    outputMaxBytes: 100,
    probe: {
      method: 'POST',
      header: { Accept: ['a', 'b'], 'X-Y': [] },
      followRedirects: false,
      tlsSkipVerify: true,
    },
  })
})

test('the other kinds of checks', () => {
  const { definitions } = load(`enable_local_script_checks = true
service {
  name = "web"
  checks = [
    { tcp = "[::1]:80", tcp_use_tls = true, interval = "1s" },
    { ttl = "30s" },
    { ScriptArgs = ["/bin/check", "", "-v"], interval = "10s" },
    { alias_service = "db" },
    { alias_node = "host-2" },
    { alias_service = "db", alias_node = "host-2" },
    { args = ["x"], interval = "10s", timeout = "1s", failures_before_critical = 2 },
  ]
}
service { name = "db" }`)
  const checks = definitions.services[0]?.checks ?? []
  expect(checks.map((check) => check.probe)).toEqual([
    { type: 'tcp', address: '[::1]:80', useTls: true },
    { type: 'ttl', ttlMs: 30_000 },
    { type: 'script', args: ['/bin/check', '', '-v'] },
    { type: 'alias', node: '', serviceId: 'db' },
    { type: 'alias', node: 'host-2', serviceId: '' },
    { type: 'alias', node: 'host-2', serviceId: 'db' },
    { type: 'script', args: ['x'] },
  ])
  expect(checks.map((check) => check.timeoutMs)).toEqual([10_000, 0, 30_000, 0, 0, 0, 1_000])
  expect(checks.map((check) => check.checkId)).toEqual([1, 2, 3, 4, 5, 6, 7].map((n) => `service:web:${n}`))
  expect(checks[6]).toMatchObject({ failuresBeforeWarning: 2, failuresBeforeCritical: 2 })
})

test('`check` and `checks` of a service count together, `check` first', () => {
  expect(
    checksOf('checks = [{ name = "b", ttl = "1s" }]\ncheck { name = "a" ttl = "1s" }').map(
      (c) => `${c.checkId} ${c.name}`,
    ),
  ).toEqual(['service:web:1 a', 'service:web:2 b'])
})

test('checks outside services are of the host, or of the service they name', () => {
  const { definitions } = load(
    'check { name = "disk space" ttl = "1m" }\ncheck { id = "c" name = "n" service_id = "web" ttl = "1m" }\nservice { name = "web" }',
  )
  expect(definitions.checks.map(({ checkId, serviceId }) => [checkId, serviceId])).toEqual([
    ['disk space', ''],
    ['c', 'web'],
  ])
})

test('script checks need a switch, and either of the two does', () => {
  const check = 'service { name = "web" check { args = ["x"] interval = "1s" } }'
  expect(errorsOf(check)).toEqual(['a.hcl:1:32 a check runs a program'])
  expect(errorsOf({ 'a.hcl': check, 'b.hcl': 'enable_script_checks = true' })).toEqual([])
  expect(errorsOf({ 'a.hcl': check, 'b.hcl': 'enable_local_script_checks = true' })).toEqual([])
  expect(errorsOf('check { name = "x" args = ["x"] interval = "1s" }')).toEqual([
    'a.hcl:1:20 a check runs a program',
  ])
})

test('checks that speak other protocols, look at units and run in containers', () => {
  const probes = runningChecksOf(`
    check { h2ping = "127.0.0.1:1" interval = "1s" }
    check { h2ping = "127.0.0.1:1" h2ping_use_tls = false tls_server_name = "a" interval = "1s" }
    check { udp = "127.0.0.1:53" interval = "1s" }
    check { grpc = "127.0.0.1:1" interval = "1s" }
    check { grpc = "[::1]:1/a.b.C" grpc_use_tls = true tls_skip_verify = true interval = "1s" }
    check { tcp = "127.0.0.1:1" tcp_use_tls = true tls_server_name = "a" interval = "1s" }
    check { os_service = "nginx.service" interval = "1s" }
    check { docker_container_id = "web-1" shell = "/bin/sh" args = ["test -e", "/x"] interval = "1s" }
  `).map(({ probe }) => probe)
  expect(probes).toEqual([
    { type: 'h2ping', address: '127.0.0.1:1', useTls: true, tlsServerName: '', tlsSkipVerify: false },
    { type: 'h2ping', address: '127.0.0.1:1', useTls: false, tlsServerName: 'a', tlsSkipVerify: false },
    { type: 'udp', address: '127.0.0.1:53' },
    {
      type: 'grpc',
      address: '127.0.0.1:1',
      service: '',
      useTls: false,
      tlsServerName: '',
      tlsSkipVerify: false,
    },
    {
      type: 'grpc',
      address: '[::1]:1',
      service: 'a.b.C',
      useTls: true,
      tlsServerName: '',
      tlsSkipVerify: true,
    },
    { type: 'tcp', address: '127.0.0.1:1', useTls: true, tlsServerName: 'a' },
    { type: 'os_service', service: 'nginx.service' },
    { type: 'docker', container: 'web-1', shell: '/bin/sh', args: ['test -e', '/x'] },
  ])
})

test('a check in a container runs a program, so it needs the same switch', () => {
  expect(errorsOf('check { name = "x" docker_container_id = "c" args = ["x"] interval = "1s" }')).toEqual([
    'a.hcl:1:46 a check runs a program',
  ])
})

test.each<[string, string]>([
  ['udp = "x" interval = "1s"', '4:15 `udp` is "x"'],
  ['h2ping = "x" interval = "1s"', '4:18 `h2ping` is "x"'],
  ['grpc = "127.0.0.1/orders" interval = "1s"', '4:16 `grpc` is "127.0.0.1/orders"'],
  ['docker_container_id = "x" interval = "1s"', '4:31 the check names a container but no program'],
  ['os_service = "-x" interval = "1s"', '4:22 `os_service` is "-x"'],
  ['os_service = "nginx.service"', '4:1 the check has no interval'],
  ['udp = "a:1" interval = "1s" tls_skip_verify = true', '4:37 `tls_skip_verify` does not go with `udp`'],
  ['tcp = "a:1" interval = "1s" shell = "/bin/sh"', '4:37 `shell` does not go with `tcp`'],
  ['grpc = "a:1" udp = "a:1" interval = "1s"', '4:9 the check has both `udp` and `grpc`'],
  ['script = "/bin/x"', '4:9 `script` is not supported'],
  ['url = "x"', '4:9 `url` is not a key here'],
  ['http = "ftp://x/" interval = "1s"', '4:16 `http` is "ftp://x/"'],
  ['http = "http://" interval = "1s"', '4:16 `http` is "http://"'],
  ['tcp = "localhost" interval = "1s"', '4:15 `tcp` is "localhost"'],
  ['tcp = ":80" interval = "1s"', '4:15 `tcp` is ":80"'],
  ['tcp = "tcp://a:80" interval = "1s"', '4:15 `tcp` is "tcp://a:80"'],
  ['ttl = "10s" interval = "10s"', '4:21 `interval` does not go with `ttl`'],
  ['ttl = "10ms"', '4:15 `ttl` is 10ms'],
  ['ttl = "-5s"', '4:15 `ttl` is -5s'],
  ['ttl = "1000h"', '4:15 `ttl` is 1000h0m0s'],
  ['ttl = 30', '4:15 `ttl` is a number'],
  ['ttl = "10 s"', '4:15 `ttl` is "10 s"'],
  ['args = [] interval = "1s"', '4:16 `args` names no program'],
  ['args = "/bin/x -v" interval = "1s"', '4:16 `args` is text'],
  ['alias_service = "web"', '4:25 the check of "web" takes its state from "web"'],
  ['ttl = "10s" method = "GET"', '4:21 `method` does not go with `ttl`'],
  ['tcp = "a:1" interval = "1s" header { }', '4:37 `header` does not go with `tcp`'],
  ['http = "http://a/" interval = "1s" tcp_use_tls = true', '4:44 `tcp_use_tls` does not go with `http`'],
  ['http = "http://a/" interval = "1s" method = "get"', '4:53 `method` is "get"'],
  ['http = "http://a/" interval = "1s" header { a = "b" }', '4:57 `a` is text'],
  ['ttl = "10s" failures_before_warning = 2', '4:47 `failures_before_warning` is 2'],
  ['ttl = "10s" success_before_passing = -1', '4:46 `success_before_passing` is -1'],
  [
    'ttl = "10s" deregister_critical_service_after = "30s"',
    '4:57 `deregister_critical_service_after` is 30s',
  ],
  ['ttl = "10s" output_max_size = 0', '4:39 `output_max_size` is 0'],
  ['ttl = "10s" status = "ok"', '4:30 `status` is "ok"'],
  ['ttl = "10s" service_id = "web"', '4:21 `service_id` does not belong here'],
  ['ttl = "10s" token = "x"', '4:21 `token` is not supported'],
])('check { %s } is refused', (text, error) => {
  expect(errorsOf(`service {\nname = "web"\nport = 80\ncheck { ${text} }\n}`)).toEqual([`a.hcl:${error}`])
})

test('a check of the host needs a name', () => {
  expect(errorsOf('check { ttl = "10s" }')).toEqual(['a.hcl:1:1 the check has no name'])
})
