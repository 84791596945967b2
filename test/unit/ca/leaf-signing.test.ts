import { X509Certificate } from 'node:crypto'
import { afterAll, expect, test } from 'vitest'
import type { Result } from '../../../src/model/errors.ts'
import { limits } from '../../../src/model/limits.ts'
import type { HostCertificate, LeafCertificate, Peer } from '../../../src/rpc/contract.ts'
import { hostTagOf, hostTagOfSerial } from '../../../src/wire/x509/host-tag.ts'
import { generateKey } from '../../../src/wire/x509/keys.ts'
import { createCertificateRequest } from '../../../src/wire/x509/request.ts'
import { VirtualClock } from '../../simulation/clock.ts'
import { openSsl } from '../x509/openssl.ts'
import { type Cluster, makeCluster, peerWith } from './cluster.ts'
import { serviceNamed, sidecarOf } from './fake-state.ts'

const ssl = openSsl()
afterAll(() => ssl.remove())

function enrolledPeer(cluster: Cluster, services: readonly string[] = ['web', 'api-*']): Peer {
  let peer: Peer | undefined
  const csr = createCertificateRequest(generateKey())
  const nodeId = '0f0f0f0f-0000-4000-8000-000000000001'
  const { secret } = cluster.makeToken({ services })
  cluster.hosts.enroll(
    { certificates: [], address: '' },
    { secret, node: 'h1', nodeId, csr },
    (answer: Result<HostCertificate>) => {
      if (answer.ok) peer = peerWith(answer.value.certificatePem)
    },
  )
  if (peer === undefined) throw new Error('not enrolled')
  return peer
}

function sign(cluster: Cluster, peer: Peer, service: string): Result<LeafCertificate> {
  const answers: Result<LeafCertificate>[] = []
  const csr = createCertificateRequest(generateKey())
  cluster.leafSigning.signLeaf(peer, { service, csr }, (answer) => answers.push(answer))
  if (answers[0] === undefined) throw new Error('no answer')
  return answers[0]
}

const codeOf = (result: Result<unknown>): string => (result.ok ? 'ok' : result.failure.code)

test('a host gets the leaf of a service that is registered on it: itself, by sidecar, or native', () => {
  const clock = new VirtualClock()
  clock.wallOffsetMs = Date.now()
  const cluster = makeCluster({ clock })
  const peer = enrolledPeer(cluster)
  cluster.state.services.set('h1', [
    serviceNamed('web'),
    sidecarOf('api-1'),
    serviceNamed('api-2', { connectNative: true }),
  ])
  for (const service of ['web', 'api-1', 'api-2']) {
    const leaf = sign(cluster, peer, service)
    if (!leaf.ok) throw new Error(leaf.failure.message)
    const certificate = new X509Certificate(leaf.value.certificatePem)
    const { clusterId } = cluster.state.clusterSettings ?? {}
    expect(certificate.subjectAltName).toBe(
      `URI:spiffe://${clusterId}.consul/ns/default/dc/dc1/svc/${service}`,
    )
    expect(leaf.value.notAfterMs - clock.wallMs()).toBeLessThanOrEqual(limits.leafTtlMs)
    const ca = ssl.file('ca.pem', cluster.state.roots('service')[0]?.certificatePem ?? '')
    expect(
      ssl.run('verify', '-x509_strict', '-CAfile', ca, ssl.file('l.pem', leaf.value.certificatePem)),
    ).toContain(': OK')
  }
})

test('a service that the enrollment does not name is refused, with what it names', () => {
  const cluster = makeCluster({ clock: new VirtualClock() })
  const peer = enrolledPeer(cluster)
  cluster.state.services.set('h1', [serviceNamed('db'), serviceNamed('web')])
  const refused = sign(cluster, peer, 'db')
  expect(codeOf(refused)).toBe('service-not-allowed')
  expect(refused.ok ? '' : refused.failure.message).toContain('web, api-*')
  expect(cluster.log.lines.at(-1)).toContain('service-not-allowed')
  expect(cluster.metrics.counts.get('mesh_rpc_refused_total signLeaf service-not-allowed')).toBe(1)
})

test('a leaf carries the mark of its host in its serial number, and is random behind it', () => {
  const cluster = makeCluster({ clock: new VirtualClock() })
  const peer = enrolledPeer(cluster)
  cluster.state.services.set('h1', [serviceNamed('web')])
  const serials = [sign(cluster, peer, 'web'), sign(cluster, peer, 'web')].map((leaf) =>
    leaf.ok ? leaf.value.serialNumber : '',
  )
  const key = Buffer.from(cluster.state.hosts.get('h1')?.publicKey ?? '', 'base64')
  expect(serials.map(hostTagOfSerial)).toEqual([hostTagOf(key), hostTagOf(key)])
  expect(new Set(serials).size).toBe(2)
})

test('a service that is not registered on that host is refused, wherever else it is', () => {
  const cluster = makeCluster({ clock: new VirtualClock() })
  const peer = enrolledPeer(cluster)
  cluster.state.services.set('h1', [serviceNamed('api-1'), sidecarOf('api-2')])
  cluster.state.services.set('h2', [serviceNamed('web')])
  expect(codeOf(sign(cluster, peer, 'web'))).toBe('service-not-registered')
})

test('nobody but an enrolled host gets a leaf: not an operator, not a stranger, not a service', () => {
  const cluster = makeCluster({ clock: new VirtualClock() })
  const peer = enrolledPeer(cluster)
  cluster.state.services.set('h1', [serviceNamed('web')])
  const leaf = sign(cluster, peer, 'web')
  if (!leaf.ok) throw new Error(leaf.failure.message)
  expect(codeOf(sign(cluster, peerWith(leaf.value.certificatePem), 'web'))).toBe('not-enrolled')
  expect(codeOf(sign(cluster, { certificates: [], address: '192.0.2.9' }, 'web'))).toBe('not-enrolled')
  expect(codeOf(sign(cluster, { certificates: [], address: 'local' }, 'web'))).toBe('not-enrolled')
})

test('an expired host certificate signs nothing', () => {
  const clock = new VirtualClock()
  const cluster = makeCluster({ clock })
  const peer = enrolledPeer(cluster)
  cluster.state.services.set('h1', [serviceNamed('web')])
  expect(codeOf(sign(cluster, peer, 'web'))).toBe('ok')
  clock.run(limits.hostCertificateTtlMs + 60_000)
  expect(codeOf(sign(cluster, peer, 'web'))).toBe('not-enrolled')
})

test('an evicted host gets no leaf over the connection that it still has', () => {
  const cluster = makeCluster({ clock: new VirtualClock() })
  const peer = enrolledPeer(cluster)
  cluster.state.services.set('h1', [serviceNamed('web')])
  expect(codeOf(sign(cluster, peer, 'web'))).toBe('ok')
  const host = cluster.state.hosts.get('h1')
  if (host === undefined) throw new Error('not registered')
  cluster.state.hosts.set('h1', { ...host, evicted: true })
  expect(codeOf(sign(cluster, peer, 'web'))).toBe('host-evicted')
})

test('signing is bounded, says when to come back, and then goes on', () => {
  const clock = new VirtualClock()
  const cluster = makeCluster({ clock })
  const peer = enrolledPeer(cluster)
  cluster.state.services.set('h1', [serviceNamed('web')])
  const first = Array.from({ length: limits.leafSignaturesPerSecond }, () =>
    codeOf(sign(cluster, peer, 'web')),
  )
  expect(new Set(first)).toEqual(new Set(['ok']))
  const refused = sign(cluster, peer, 'web')
  expect(codeOf(refused)).toBe('overloaded')
  const waitMs = Number(/again in (\d+) ms/.exec(refused.ok ? '' : refused.failure.message)?.[1])
  expect(waitMs).toBeGreaterThan(0)
  clock.run(waitMs)
  expect(codeOf(sign(cluster, peer, 'web'))).toBe('ok')
})

test('a refused request does not use up the right of others to be signed for', () => {
  const cluster = makeCluster({ clock: new VirtualClock() })
  const peer = enrolledPeer(cluster)
  cluster.state.services.set('h1', [serviceNamed('web')])
  for (let i = 0; i < limits.leafSignaturesPerSecond * 2; i += 1) sign(cluster, peer, 'db')
  expect(codeOf(sign(cluster, peer, 'web'))).toBe('ok')
})
