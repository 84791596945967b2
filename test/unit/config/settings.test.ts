// Settings of agent and server: defaults, every key, how files are joined, rules between keys.

import { expect, test } from 'vitest'
import { dnsDefaults } from '../../../src/config/dns-settings.ts'
import { gossipDefaults } from '../../../src/config/gossip-settings.ts'
import type { Machine } from '../../../src/config/settings.ts'
import { wanDefaults } from '../../../src/config/wan-settings.ts'
import { autopilotDefaults } from '../../../src/model/autopilot.ts'
import { limits } from '../../../src/model/limits.ts'
import { errorsOf, linesOf, load, settingsOf } from './load.ts'
import { machine } from './machine.ts'

test('without files every setting has its default', () => {
  expect(load({})).toEqual({
    settings: {
      datacenter: 'dc1',
      nodeName: 'host-7',
      nodeId: '',
      dataDirectory: '/var/lib/mesh-agent',
      runtimeDirectory: '/run/mesh-agent',
      server: false,
      bindAddress: '0.0.0.0',
      advertiseAddress: '10.0.0.7',
      clientAddresses: ['127.0.0.1'],
      dnsAddresses: ['127.0.0.1'],
      dnsDomains: ['mesh', 'consul'],
      dns: dnsDefaults,
      gossip: { ...gossipDefaults, bindAddress: '0.0.0.0', advertiseAddress: '10.0.0.7' },
      wan: { ...wanDefaults, bindAddress: '0.0.0.0', advertiseAddress: '10.0.0.7' },
      ports: {
        http: 8500,
        dns: 8600,
        server: 8300,
        sidecarMin: 21000,
        sidecarMax: 21_255,
        exposeMin: 21_500,
        exposeMax: 21_755,
      },
      servers: [],
      bootstrapExpect: 0,
      enrollmentTokenFile: '',
      unixSockets: { group: '', mode: '0660' },
      log: { level: 'info', json: false },
      nodeMeta: {},
      defaultIntentionAction: 'deny',
      enableScriptChecks: false,
      enableLocalScriptChecks: false,
      checkUpdateIntervalMs: 300_000,
      discardCheckOutput: false,
      leaveOnTerminate: false,
      httpMaxConnectionsPerClient: 200,
      proxy: { isolation: 'host', accessLogPath: '' },
      leafTtlMs: 72 * 3_600_000,
      hostCertificateTtlMs: 720 * 3_600_000,
      rpcHoldTimeoutMs: 7_000,
      autopilot: autopilotDefaults,
      bootstrapEntries: [],
    },
    definitions: { services: [], checks: [] },
  })
})

test('files are joined in the order of their names, whatever the order they come in', () => {
  const settings = settingsOf({
    'b.hcl': 'datacenter = "two"\nservers = ["b:1"]\nnode_meta { x = "b" y = "b" }\nports { http = 9500 }',
    'a.hcl': 'datacenter = "one"\nservers = ["a:1"]\nnode_meta { x = "a" z = "a" }\nports { server = 9300 }',
    'c.json': '{"node_name": "three", "servers": ["c:1", "a:1"]}',
  })
  expect(settings.datacenter).toBe('two')
  expect(settings.nodeName).toBe('three')
  expect(settings.servers).toEqual(['a:1', 'b:1', 'c:1'])
  expect(settings.nodeMeta).toEqual({ x: 'b', y: 'b', z: 'a' })
  expect(settings.ports).toEqual({
    http: 9500,
    dns: 8600,
    server: 9300,
    sidecarMin: 21000,
    sidecarMax: 21_255,
    exposeMin: 21_500,
    exposeMax: 21_755,
  })
})

test('services and checks of all files count, in all their spellings', () => {
  const { definitions } = load({
    'a.hcl': 'service { name = "a" }\nservice { name = "b" }\ncheck { name = "x" ttl = "10s" }',
    'b.json': '{"services": [{"name": "c"}], "checks": [{"name": "y", "ttl": "10s"}]}',
    'c.json': '{"Service": {"Name": "d"}}',
  })
  expect(definitions.services.map(({ service }) => service.name).sort()).toEqual(['a', 'b', 'c', 'd'])
  expect(definitions.checks.map((check) => check.checkId)).toEqual(['x', 'y'])
})

test.each([
  ['TRACE', 'debug'],
  ['Debug', 'debug'],
  ['INFO', 'info'],
  ['warn', 'warn'],
  ['WARNING', 'warn'],
  ['ERR', 'error'],
  ['error', 'error'],
])('log_level %s is %s', (written, level) => {
  expect(settingsOf(`log_level = "${written}"`).log.level).toBe(level)
})

test('addresses may be templates that this machine fills in', () => {
  const settings = settingsOf(
    'bind_addr = "{{ GetInterfaceIP \\"eth1\\" }}"\nclient_addr = "127.0.0.1 {{GetPrivateIP}}"\n',
  )
  expect(settings.bindAddress).toBe('192.168.1.7')
  expect(settings.advertiseAddress).toBe('192.168.1.7')
  expect(settings.clientAddresses).toEqual(['127.0.0.1', '10.0.0.7'])
  expect(errorsOf('advertise_addr = "{{ GetInterfaceIP \\"constructor\\" }}"')).toEqual([
    'a.hcl:1:18 `{{ GetInterfaceIP "constructor" }}` has no address on this host',
  ])
  expect(errorsOf('advertise_addr = "{{ GetPublicIP }}"')).toEqual([
    'a.hcl:1:18 `advertise_addr` is "{{ GetPublicIP }}"',
  ])
})

test('client_addr is a list or one text', () => {
  expect(settingsOf('client_addr = ["127.0.0.1", "::1"]').clientAddresses).toEqual(['127.0.0.1', '::1'])
  expect(settingsOf('client_addr = "0.0.0.0"').clientAddresses).toEqual(['0.0.0.0'])
  expect(errorsOf('client_addr = "127.0.0.1 localhots"')).toEqual(['a.hcl:1:15 `client_addr` is "localhots"'])
  expect(errorsOf('client_addr = ""')).toEqual(['a.hcl:1:15 `client_addr` is empty'])
  expect(errorsOf('client_addr = ["127.0.0.1", 1]')).toEqual([
    'a.hcl:1:29 item 2 of `client_addr` is a number',
  ])
})

test('servers get the default port', () => {
  expect(settingsOf('servers = ["a", "b:9", "10.0.0.1", "[::1]", "[::1]:9"]').servers).toEqual([
    'a:8300',
    'b:9',
    '10.0.0.1:8300',
    '[::1]:8300',
    '[::1]:9',
  ])
  expect(errorsOf('servers = ["a:b", "a:70000", "http://a", "::1"]')).toEqual([
    'a.hcl:1:12 item 1 of `servers` is "a:b"',
    'a.hcl:1:19 item 2 of `servers` is "a:70000"',
    'a.hcl:1:30 item 3 of `servers` is "http://a"',
    'a.hcl:1:42 item 4 of `servers` is "::1"',
  ])
})

test('ports: 0 is any free port, -1 switches the HTTP API off', () => {
  expect(settingsOf('ports { http = 0 server = 0 }').ports).toMatchObject({ http: 0, server: 0 })
  expect(settingsOf('ports { http = -1 }').ports.http).toBe(-1)
  expect(errorsOf('ports { server = -1 }')).toEqual(['a.hcl:1:18 `server` is -1'])
})

test('leaf_cert_ttl, rpc_hold_timeout and check_update_interval', () => {
  const settings = settingsOf({
    'a.json': '{"connect": {"ca_config": {"LeafCertTTL": "10s"}}, "check_update_interval": "0s"}',
    'b.hcl': 'performance { rpc_hold_timeout = "500ms" }',
  })
  expect([settings.leafTtlMs, settings.checkUpdateIntervalMs, settings.rpcHoldTimeoutMs]).toEqual([
    10_000, 0, 500,
  ])
  expect(errorsOf('connect { ca_config { leaf_cert_ttl = "5s" } }')).toEqual([
    'a.hcl:1:39 `leaf_cert_ttl` is 5s',
  ])
})

test.each([
  ['', 'deny'],
  ['default_intention_policy = "allow"', 'allow'],
  ['acl { default_intention_policy = "allow" }', 'allow'],
  ['acl { default_policy = "allow" }', 'allow'],
  ['acl { default_policy = "allow" default_intention_policy = "deny" }', 'deny'],
  ['default_intention_policy = "deny"\nacl { default_policy = "allow" }', 'deny'],
])('the default of intentions with %j is %s', (text, action) => {
  expect(settingsOf(text).defaultIntentionAction).toBe(action)
})

test('two default_intention_policy that disagree are an error, not a guess', () => {
  expect(
    errorsOf({
      'a.hcl': 'default_intention_policy = "deny"',
      'b.hcl': '\nacl { default_intention_policy = "allow" }',
    }),
  ).toEqual(['b.hcl:2:34 `default_intention_policy` is "allow" here'])
})

test('the node name is the first part of the host name, and must be a DNS label', () => {
  const named = (hostname: string): Machine => ({ ...machine, hostname })
  expect(settingsOf('', named('db-1.internal')).nodeName).toBe('db-1')
  expect(settingsOf('node_name = "own"', named('bad_name')).nodeName).toBe('own')
  expect(errorsOf('', named('bad_name'))).toEqual([
    'a.hcl:1:1 the host name "bad_name" cannot be the node name',
  ])
  expect(errorsOf('node_name = "-x"')).toEqual(['a.hcl:1:13 `node_name` is "-x"'])
})

test('a host without a private address must say how others reach it', () => {
  const alone: Machine = { ...machine, privateAddress: '' }
  expect(errorsOf('bind_addr = "0.0.0.0"', alone)).toEqual([
    'a.hcl:1:13 no address was found by which other hosts reach this one',
  ])
  expect(settingsOf('advertise_addr = "203.0.113.5"', alone).advertiseAddress).toBe('203.0.113.5')
  expect(settingsOf('bind_addr = "127.0.0.2"', alone).advertiseAddress).toBe('127.0.0.2')
  expect(errorsOf('advertise_addr = "0.0.0.0"')).toEqual(['a.hcl:1:18 `advertise_addr` is "0.0.0.0"'])
})

test('what a Consul file says needlessly is taken, what would change something is refused', () => {
  expect(settingsOf('connect { enabled = true ca_provider = "consul" }').server).toBe(false)
  expect(errorsOf('connect { enabled = false }')).toEqual(['a.hcl:1:21 `enabled` is false'])
  expect(errorsOf('connect { ca_provider = "vault" }')).toEqual(['a.hcl:1:25 `ca_provider` is "vault"'])
})

test.each([
  ['join = ["a"]', 'write `retry_join` instead'],
  ['bootstrap = true', 'mesh init --server'],
  ['disable_keyring_file = true', 'the keyring is always kept'],
  ['tls { }', 'mesh enroll'],
  ['log_file = "/var/log/x"', 'journalctl'],
  ['acl { enabled = true }', 'mesh enroll'],
  ['ui_config { enabled = true }', 'remove it'],
  ['performance { raft_multiplier = 1 }', 'remove it'],
])("Consul's %j is refused with what to do instead", (text, remedy) => {
  const [line, ...others] = linesOf(text)
  expect(others).toEqual([])
  expect(line).toContain('Consul has this key, mesh-agent does not')
  expect(line).toContain(remedy)
})

test('bootstrap entries are for servers, of one kind, one for each destination', () => {
  const entry = 'kind = "service-intentions" name = "db" sources { name = "web" action = "allow" }'
  const [first] = settingsOf({
    'a.hcl': 'server = true',
    'b.hcl': `config_entries { bootstrap = [{ ${entry} }] }`,
  }).bootstrapEntries
  expect(first).toEqual({
    kind: 'service-intentions',
    name: 'db',
    meta: {},
    sources: [{ name: 'web', action: 'allow', description: '', precedence: 9 }],
  })
  expect(
    errorsOf({
      'a.hcl': `server = true\nconfig_entries { bootstrap { ${entry} } }`,
      'b.hcl': `config_entries { bootstrap { ${entry} } }`,
    }),
  ).toEqual(['b.hcl:1:18 the service-intentions entry "db" is given twice'])
  expect(
    errorsOf(
      'server = true\nconfig_entries { bootstrap { kind = "proxy-defaults" name = "global" config { } } }',
    ),
  ).toEqual(['a.hcl:2:37 config entries of the kind "proxy-defaults" are not supported'])
})

test('all mistakes of all files are told, each file up to the bound, in the order of the text', () => {
  const errors = errorsOf({
    'b.hcl': 'service { port = "x" }\nlog_json = 1',
    'a.hcl': 'datacenter = ["x"]\nserver = "yes"\nnope = 1',
    'c.hcl': 'a = {',
  })
  expect(errors).toEqual([
    'a.hcl:1:14 `datacenter` is a list',
    'a.hcl:2:10 `server` is text',
    'a.hcl:3:1 `nope` is not a key of the configuration',
    'b.hcl:1:1 the service has no name',
    'b.hcl:1:18 `port` is text',
    'b.hcl:2:12 `log_json` is a number',
    'c.hcl:1:5 the object `a` that begins here is not closed',
  ])
  const many = Array.from({ length: 100 }, (_, i) => `unknown_${i} = 1`).join('\n')
  expect(errorsOf({ 'a.hcl': many, 'b.hcl': many })).toHaveLength(2 * limits.configErrorsShown)
})

test('a file that cannot be read does not make other files look wrong', () => {
  expect(
    errorsOf({
      'a.hcl': 'service { name = web }\nenable_script_checks = true\nserver = true',
      'b.hcl': 'check { name = "x" service_id = "web" args = ["x"] interval = "1s" }',
    }),
  ).toEqual(['a.hcl:1:18 `web` stands without quotes'])
})

test('null is the same as no key; empty text is a mistake', () => {
  expect(
    settingsOf({ 'a.json': '{"datacenter": null, "service": null, "ports": {"http": null}}' }).datacenter,
  ).toBe('dc1')
  expect(errorsOf('datacenter = ""')).toEqual(['a.hcl:1:14 `datacenter` is empty'])
})

test('keys like __proto__ are refused, keys like constructor are the user’s', () => {
  const settings = settingsOf('node_meta { constructor = "x" toString = "y" }')
  expect(Object.entries(settings.nodeMeta)).toEqual([
    ['constructor', 'x'],
    ['toString', 'y'],
  ])
  expect(errorsOf('node_meta { "__proto__" = "x" }')).toEqual(['a.hcl:1:13 `__proto__` is not a usable key'])
  expect(errorsOf('constructor = 1\ntoString = 2\nhasOwnProperty { }')).toHaveLength(3)
})

test('the autopilot block says with which rules a cluster begins', () => {
  const hcl = `server = true
    autopilot {
      cleanup_dead_servers = false
      min_quorum = 3
      server_stabilization_time = "2s"
      dead_server_last_contact = "1h"
    }`
  expect(settingsOf({ 'a.hcl': hcl }).autopilot).toEqual({
    ...autopilotDefaults,
    cleanupDeadServers: false,
    minQuorum: 3,
    serverStabilizationTimeMs: 2_000,
    deadServerLastContactMs: 3_600_000,
  })
  expect(linesOf({ 'a.hcl': 'autopilot { min_quorum = -1 redundancy_zone_tag = "x" }' })).toHaveLength(2)
})

test('the access log’s file is an absolute path', () => {
  expect(settingsOf('proxy { access_log_path = "/var/log/mesh-proxy/access.log" }').proxy).toEqual({
    isolation: 'host',
    accessLogPath: '/var/log/mesh-proxy/access.log',
  })
  expect(errorsOf('proxy { access_log_path = "access.log" }')).toHaveLength(1)
})
