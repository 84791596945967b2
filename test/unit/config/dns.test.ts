// Keys of the agent's DNS: what they mean, and what is said about mistakes in them.
import { expect, test } from 'vitest'
import { linesOf, settingsOf } from './load.ts'

test('every key of dns_config means what Consul says it means', () => {
  const { dns } = settingsOf(`
    recursors = ["10.0.0.2", "10.0.0.3:5353", "[fd00::2]:53", "fd00::3"]
    dns_config {
      allow_stale = false
      max_stale = "10s"
      node_ttl = "1m"
      service_ttl = { "*" = "5s" "Web*" = "1500ms" "api" = "0s" }
      enable_truncate = true
      only_passing = true
      recursor_strategy = "random"
      recursor_timeout = "500ms"
      disable_compression = true
      udp_answer_limit = 7
      a_record_limit = 9
      enable_additional_node_meta_txt = false
      soa { refresh = 1 retry = 2 expire = 3 min_ttl = 4 }
    }`)
  expect(dns).toEqual({
    recursors: [
      { address: '10.0.0.2', port: 53 },
      { address: '10.0.0.3', port: 5353 },
      { address: 'fd00::2', port: 53 },
      { address: 'fd00::3', port: 53 },
    ],
    recursorStrategy: 'random',
    recursorTimeoutMs: 500,
    nodeTtlSeconds: 60,
    serviceTtlSeconds: { '*': 5, 'web*': 2, api: 0 },
    onlyPassing: true,
    enableTruncate: true,
    disableCompression: true,
    udpAnswerLimit: 7,
    addressLimit: 9,
    nodeMetaTexts: false,
    allowStale: false,
    maxStaleMs: 10_000,
    soa: { refreshSeconds: 1, retrySeconds: 2, expireSeconds: 3, minimumSeconds: 4 },
  })
})

test('DNS listens where the API does unless addresses say otherwise', () => {
  expect(settingsOf('client_addr = "10.0.0.7"').dnsAddresses).toEqual(['10.0.0.7'])
  const apart = settingsOf('addresses { dns = "127.0.0.1 10.0.0.7" }\nports { dns = 53 }')
  expect([apart.dnsAddresses, apart.clientAddresses, apart.ports.dns]).toEqual([
    ['127.0.0.1', '10.0.0.7'],
    ['127.0.0.1'],
    53,
  ])
})

test('consul is answered beside any domain', () => {
  expect(settingsOf('').dnsDomains).toEqual(['mesh', 'consul'])
  expect(settingsOf('domain = "Example.Internal."').dnsDomains).toEqual(['example.internal', 'consul'])
  expect(settingsOf('domain = "consul"').dnsDomains).toEqual(['consul'])
  expect(settingsOf('alt_domain = "other"').dnsDomains).toEqual(['mesh', 'other'])
})

test.each([
  ['recursors = ["dns.example.com"]', 'item 1 of `recursors` is "dns.example.com"'],
  ['domain = "a..b"', '`domain` is "a..b"'],
  ['dns_config { service_ttl = { "w*b" = "5s" } }', '`service_ttl` has the key "w*b"'],
  ['dns_config { node_ttl = 10 }', 'write `node_ttl = "10s"`'],
  ['dns_config { recursor_strategy = "parallel" }', 'it must be "sequential" or "random"'],
  ['dns_config { udp_answer_limit = -1 }', '`udp_answer_limit` is -1'],
  ['dns_config { use_cache = true }', 'mesh-agent does not'],
  ['dns_config { nod_ttl = "1s" }', 'did you mean `node_ttl`?'],
  ['addresses { http = "127.0.0.1" }', 'client_addr'],
  ['ports { dns = 70000 }', '`dns` is 70000'],
  ['ports { dns = 8500 }', 'port 8500 is used twice on this host'],
])('%s is a mistake that is named', (text, what) => {
  const errors = linesOf(text)
  expect(errors).toHaveLength(1)
  expect(errors[0]).toMatch(/^a\.hcl:1:\d+: /)
  expect(errors[0]).toContain(what)
})
