import { expect, test } from 'vitest'
import { authorize } from '../../../src/model/access.ts'
import type { Result } from '../../../src/model/errors.ts'
import { limits } from '../../../src/model/limits.ts'
import type { HostCertificate, Peer } from '../../../src/rpc/contract.ts'
import { generateKey, publicKeyInfo } from '../../../src/wire/x509/keys.ts'
import { createCertificateRequest } from '../../../src/wire/x509/request.ts'
import { VirtualClock } from '../../simulation/clock.ts'
import { type Cluster, makeCluster, peerWith } from '../ca/cluster.ts'

const nodeId = '0f0f0f0f-0000-4000-8000-000000000001'
const nobody: Peer = { certificates: [], address: '192.0.2.9' }

function hostPeer(cluster: Cluster, node = 'h1'): Peer {
  let peer = nobody
  const csr = createCertificateRequest(generateKey())
  const { secret } = cluster.makeToken()
  cluster.hosts.enroll(nobody, { secret, node, nodeId, csr }, (answer: Result<HostCertificate>) => {
    if (answer.ok) peer = peerWith(answer.value.certificatePem)
  })
  return peer
}

const codeOf = (result: Result<unknown>): string => (result.ok ? 'ok' : result.failure.code)

test('an enrolled host is known by its node, its id and the services it may be', () => {
  const cluster = makeCluster({ clock: new VirtualClock() })
  const principal = cluster.access.identify(hostPeer(cluster), '')
  expect(principal).toEqual({
    ok: true,
    value: { kind: 'host', node: 'h1', nodeId, services: ['web', 'api-*'] },
  })
})

test('whoever proves nothing is not let in as anonymous', () => {
  const cluster = makeCluster({ clock: new VirtualClock() })
  expect(codeOf(cluster.access.identify(nobody, ''))).toBe('not-enrolled')
})

test('an operator token outranks the connection, a wrong one is refused even from a host', () => {
  const cluster = makeCluster({ clock: new VirtualClock() })
  const operator = { ok: true, value: { kind: 'operator', name: 'genesis' } }
  expect(cluster.access.identify(nobody, cluster.operatorToken)).toEqual(operator)
  expect(cluster.access.identify(hostPeer(cluster), cluster.operatorToken)).toEqual(operator)
  const wrong = cluster.access.identify(hostPeer(cluster, 'h2'), `${cluster.operatorToken}x`)
  expect(codeOf(wrong)).toBe('bad-token')
  expect(JSON.stringify(wrong)).not.toContain(cluster.operatorToken)
})

test('the unix socket of the server lets its callers read, and an operator change things', () => {
  const cluster = makeCluster({ clock: new VirtualClock() })
  expect(cluster.access.identify({ certificates: [], address: 'local' }, '')).toEqual({
    ok: true,
    value: { kind: 'anonymous' },
  })
  const operator = cluster.access.identify({ certificates: [], address: 'local' }, cluster.operatorToken)
  expect(operator).toMatchObject({ ok: true, value: { kind: 'operator' } })
})

test('a server’s certificate makes a server', () => {
  const cluster = makeCluster({ clock: new VirtualClock() })
  const names = { node: 's2', dnsNames: [], ipAddresses: [] }
  const signed = cluster.authority.signServer(names, publicKeyInfo(generateKey()))
  if (!signed.ok) throw new Error(signed.failure.message)
  expect(cluster.access.identify(peerWith(signed.value.chainPem), '')).toEqual({
    ok: true,
    value: { kind: 'server', node: 's2' },
  })
})

test('a server that was removed from the cluster may look with its certificate, and change nothing', () => {
  const cluster = makeCluster({ clock: new VirtualClock(), isServer: () => false })
  const names = { node: 's2', dnsNames: [], ipAddresses: [] }
  const signed = cluster.authority.signServer(names, publicKeyInfo(generateKey()))
  if (!signed.ok) throw new Error(signed.failure.message)
  const principal = cluster.access.identify(peerWith(signed.value.chainPem), '')
  if (!principal.ok) throw new Error(principal.failure.message)
  expect(codeOf(authorize(principal.value, { kind: 'read' }))).toBe('ok')
  expect(codeOf(authorize(principal.value, { kind: 'operate' }))).toBe('bad-token')
})

test('a host certificate of another cluster is refused by name of the reason', () => {
  const ours = makeCluster({ clock: new VirtualClock() })
  const theirs = makeCluster({ clock: new VirtualClock() })
  hostPeer(ours)
  expect(codeOf(ours.access.identify(hostPeer(theirs), ''))).toBe('wrong-cluster')
})

test('a valid certificate of a key that is not the registered one is refused', () => {
  const cluster = makeCluster({ clock: new VirtualClock() })
  hostPeer(cluster)
  const other = cluster.authority.signHost('h1', publicKeyInfo(generateKey()))
  if (!other.ok) throw new Error(other.failure.message)
  expect(codeOf(cluster.access.identify(peerWith(other.value.chainPem), ''))).toBe('not-enrolled')
  expect(codeOf(cluster.access.registeredHost(peerWith(other.value.chainPem)))).toBe('not-enrolled')
})

test('a certificate for a host that nobody registered is refused', () => {
  const cluster = makeCluster({ clock: new VirtualClock() })
  const stray = cluster.authority.signHost('h9', publicKeyInfo(generateKey()))
  if (!stray.ok) throw new Error(stray.failure.message)
  expect(codeOf(cluster.access.identify(peerWith(stray.value.chainPem), ''))).toBe('not-enrolled')
})

test('an expired certificate identifies nobody but may renew', () => {
  const clock = new VirtualClock()
  const cluster = makeCluster({ clock })
  const peer = hostPeer(cluster)
  expect(codeOf(cluster.access.identify(peer, ''))).toBe('ok')
  clock.run(limits.hostCertificateTtlMs + 60_000)
  const refused = cluster.access.identify(peer, '')
  expect(codeOf(refused)).toBe('not-enrolled')
  expect(refused.ok ? '' : refused.failure.message).toContain('expired')
  expect(codeOf(cluster.access.registeredHost(peer))).toBe('ok')
})

test('a clock that runs behind is named as the reason', () => {
  const clock = new VirtualClock()
  const cluster = makeCluster({ clock })
  const peer = hostPeer(cluster)
  clock.wallOffsetMs -= 3 * 3_600_000
  const refused = cluster.access.identify(peer, '')
  expect(refused.ok ? '' : refused.failure.message).toContain('clocks')
  expect(codeOf(cluster.access.registeredHost(peer))).toBe('not-enrolled')
})

test('eviction counts at once, also for a connection that was accepted before', () => {
  const cluster = makeCluster({ clock: new VirtualClock() })
  const peer = hostPeer(cluster)
  expect(codeOf(cluster.access.identify(peer, ''))).toBe('ok')
  const host = cluster.state.hosts.get('h1')
  if (host === undefined) throw new Error('not registered')
  cluster.state.hosts.set('h1', { ...host, evicted: true })
  expect(codeOf(cluster.access.identify(peer, ''))).toBe('host-evicted')
})

test('when a root is taken away, connections that it let in are refused', () => {
  const cluster = makeCluster({ clock: new VirtualClock() })
  const peer = hostPeer(cluster)
  expect(codeOf(cluster.access.identify(peer, ''))).toBe('ok')
  const next = makeCluster({ clock: new VirtualClock() }).state.roots('host')
  cluster.state.caRoots = [...cluster.state.roots('service'), ...next]
  expect(codeOf(cluster.access.identify(peer, ''))).toBe('wrong-cluster')
})

test('every refusal is counted, and a flood of them does not flood the log', () => {
  const cluster = makeCluster({ clock: new VirtualClock() })
  const told = cluster.access.refusals('write', nobody)
  for (let i = 0; i < 10_000; i += 1) told(cluster.access.identify(nobody, ''))
  expect(cluster.metrics.counts.get('mesh_rpc_refused_total write not-enrolled')).toBe(10_000)
  expect(cluster.log.lines.length).toBeGreaterThan(0)
  expect(cluster.log.lines.length).toBeLessThan(100)
  expect(cluster.log.lines[0]).toContain('192.0.2.9')
})
