import { expect, test } from 'vitest'
import {
  formatSpiffeId,
  hostTrustDomain,
  type Identity,
  parseSpiffeId,
  serviceTrustDomain,
  sniOf,
} from '../../../src/model/identity.ts'

const clusterId = '11111111-2222-4333-8444-555555555555'

test('a service id has the form that Consul’s tools read', () => {
  const id = formatSpiffeId({
    kind: 'service',
    trustDomain: serviceTrustDomain(clusterId),
    datacenter: 'dc1',
    service: 'web',
  })
  expect(id).toBe(`spiffe://${clusterId}.consul/ns/default/dc/dc1/svc/web`)
})

test.each<Identity>([
  { kind: 'service', trustDomain: 'a.consul', datacenter: 'dc1', service: 'web api/1' },
  { kind: 'host', trustDomain: hostTrustDomain(clusterId), datacenter: 'dc1', node: 'h1' },
  { kind: 'server', trustDomain: hostTrustDomain(clusterId), datacenter: 'dc2', node: 's1' },
])('%o survives the way to text and back', (identity) => {
  expect(parseSpiffeId(formatSpiffeId(identity))).toEqual(identity)
})

test.each([
  'https://a.consul/ns/default/dc/dc1/svc/web',
  'spiffe://A.consul/ns/default/dc/dc1/svc/web',
  'spiffe:///ns/default/dc/dc1/svc/web',
  'spiffe://a.consul/ns/other/dc/dc1/svc/web',
  'spiffe://a.consul/ns/default/dc/dc1/svc/',
  'spiffe://a.consul/ns/default/dc/dc1/svc/web/extra',
  'spiffe://a.consul/ns/default/dc//svc/web',
  'spiffe://a.consul/ns/default/dc/dc1/svc/%zz',
  'spiffe://a.consul:8443/ns/default/dc/dc1/svc/web',
  'spiffe://user@a.consul/ns/default/dc/dc1/svc/web',
  `spiffe://a.consul/ns/default/dc/dc1/svc/${'w'.repeat(2_048)}`,
])('refuses %s', (uri) => {
  expect(parseSpiffeId(uri)).toBeUndefined()
})

test('the two planes never share a trust domain', () => {
  expect(hostTrustDomain(clusterId)).not.toBe(serviceTrustDomain(clusterId))
})

test('the SNI name is Consul’s', () => {
  expect(sniOf('web', 'dc1', 'td.consul')).toBe('web.default.dc1.internal.td.consul')
})
