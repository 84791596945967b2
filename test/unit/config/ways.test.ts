// Keys of a proxy's and an upstream's `config` for the ways in and out of the mesh on a host.
import { expect, test } from 'vitest'
import { inboundWaysOf, outboundWaysOf } from '../../../src/config/ways.ts'
import { upstreamKey } from '../../../src/model/upstream.ts'
import { errorsOf, linesOf, proxyOf } from './load.ts'

const inProxy = (text: string): string =>
  `service {\n name = "web"\n port = 80\n connect { sidecar_service { proxy {\n${text}\n} } }\n}`
const upstream = (local: string, config: string): string =>
  inProxy(`upstreams {\n destination_name = "db"\n ${local}\n config { ${config} }\n}`)

test('what is written is what the plan reads', () => {
  const proxy = proxyOf(
    'config { tls_min_version = "TLSv1_2" local_proxy_protocol = "v2" }\nupstreams { destination_name = "db" local_bind_port = 1 config { allowed_uids = [0, 1000] } }',
  )
  expect(inboundWaysOf(proxy.config)).toEqual({ tlsMinVersion: 'TLSv1_2', localProxyProtocol: 'v2' })
  expect(outboundWaysOf(proxy.upstreams[0]?.config ?? {})).toEqual({ allowedUids: [0, 1_000] })
  expect(inboundWaysOf({})).toEqual({})
  expect(outboundWaysOf({})).toEqual({})
})

test('words and users that are none are told at their place', () => {
  expect(errorsOf(inProxy('config { tls_min_version = "TLSv1_1" }'))).toEqual([
    'a.hcl:5:28 `tls_min_version` is "TLSv1_1"',
  ])
  expect(errorsOf(inProxy('config { local_proxy_protocol = "v1" }'))).toHaveLength(1)
  expect(errorsOf(inProxy('local_proxy_protocol = "v2"'))).toHaveLength(1)
  for (const said of ['1000', '[]', '["app"]', '[1000, -1]', '[4294967295]'])
    expect(errorsOf(upstream('local_bind_port = 1', `allowed_uids = ${said}`)), said).toHaveLength(1)
})

test('a socket has its mode instead of a list of users', () => {
  const text = upstream('local_bind_socket_path = "/run/db.sock"', 'allowed_uids = [1000]')
  expect(linesOf({ 'a.hcl': text })).toEqual([
    expect.stringMatching(
      /^a\.hcl:8:2: `allowed_uids` stands with .*; write `local_bind_socket_mode = "0660"` instead$/,
    ),
  ])
})

test('an upstream for datagrams is written and read, beside one for bytes at the same port', () => {
  const proxy = proxyOf(
    'config { local_udp_port = 53 }\nupstreams { destination_name = "db" local_bind_port = 5300 }\nupstreams { destination_name = "db" local_bind_port = 5300 config { protocol = "udp" } }',
  )
  expect(inboundWaysOf(proxy.config)).toEqual({ localUdpPort: 53 })
  expect(proxy.upstreams.map(({ config }) => outboundWaysOf(config))).toEqual([{}, { protocol: 'udp' }])
  expect(proxy.upstreams.map(upstreamKey)).toEqual(['db', 'db+udp'])
  for (const said of [0, -1, 65_536, 1.5, '53', null])
    expect(inboundWaysOf({ local_udp_port: said })).toEqual({})
})

test('datagrams come in at one port each, and their senders cannot be asked for', () => {
  const twice = inProxy(
    'upstreams { destination_name = "db" local_bind_port = 5300 config { protocol = "udp" } }\nupstreams { destination_name = "dc" local_bind_port = 5300 config { protocol = "UDP" } }',
  )
  expect(errorsOf(twice)).toEqual([expect.stringMatching(/ port 5300 is used twice on this host$/)])
  expect(errorsOf(upstream('local_bind_socket_path = "/run/db.sock"', 'protocol = "udp"'))).toEqual([
    'a.hcl:7:2 `local_bind_socket_path` stands in an upstream for datagrams',
  ])
  expect(errorsOf(upstream('local_bind_port = 1', 'protocol = "udp" allowed_uids = [1000]'))).toEqual([
    'a.hcl:8:2 `allowed_uids` stands in an upstream for datagrams',
  ])
  expect(errorsOf(upstream('local_bind_port = 1', 'protocol = "quic"'))).toEqual([
    expect.stringMatching(/ `protocol` is "quic"$/),
  ])
  expect(errorsOf(inProxy('config { local_udp_port = 0 }'))).toHaveLength(1)
})

test('a list of users that cannot be read lets nobody in', () => {
  for (const said of ['app', ['app'], null, { uid: 1 }, -1])
    expect(outboundWaysOf({ allowed_uids: said })).toEqual({ allowedUids: [] })
  expect(outboundWaysOf({ allowed_uids: ['app', 1_000] })).toEqual({ allowedUids: [1_000] })
})
