import { X509Certificate } from 'node:crypto'
import { afterAll, expect, test } from 'vitest'
import type { Result } from '../../../src/model/errors.ts'
import { limits } from '../../../src/model/limits.ts'
import type { HostCertificate } from '../../../src/rpc/contract.ts'
import { generateKey, publicKeyInfo } from '../../../src/wire/x509/keys.ts'
import { createCertificateRequest } from '../../../src/wire/x509/request.ts'
import { VirtualClock } from '../../simulation/clock.ts'
import { openSsl } from '../x509/openssl.ts'
import { type Cluster, makeCluster, peerWith } from './cluster.ts'

const ssl = openSsl()
afterAll(() => ssl.remove())

const nodeId = '0f0f0f0f-0000-4000-8000-000000000001'
const nobody = { certificates: [], address: '192.0.2.9' }

interface Request {
  readonly secret: string
  readonly node?: string
  readonly nodeId?: string
  readonly key?: ReturnType<typeof generateKey>
}

function enroll(cluster: Cluster, request: Request): Result<HostCertificate> {
  const answers: Result<HostCertificate>[] = []
  const csr = createCertificateRequest(request.key ?? generateKey())
  const { secret, node = 'h1' } = request
  cluster.hosts.enroll(nobody, { secret, node, nodeId: request.nodeId ?? nodeId, csr }, (answer) =>
    answers.push(answer),
  )
  if (answers.length !== 1 || answers[0] === undefined) throw new Error(`${answers.length} answers`)
  return answers[0]
}

function renew(cluster: Cluster, pem: string, key: ReturnType<typeof generateKey>): Result<HostCertificate> {
  const answers: Result<HostCertificate>[] = []
  cluster.hosts.renewHost(peerWith(pem), { csr: createCertificateRequest(key) }, (answer) =>
    answers.push(answer),
  )
  if (answers[0] === undefined) throw new Error('no answer')
  return answers[0]
}

const codeOf = (result: Result<unknown>): string => (result.ok ? 'ok' : result.failure.code)

function enrolled(cluster: Cluster) {
  const key = generateKey()
  const answer = enroll(cluster, { secret: cluster.makeToken().secret, key })
  if (!answer.ok) throw new Error(answer.failure.message)
  return { key, answer: answer.value }
}

test('a token gives a host its certificate, the roots of both planes and its services', () => {
  const clock = new VirtualClock()
  clock.wallOffsetMs = Date.now()
  const cluster = makeCluster({ clock })
  const { key, answer } = enrolled(cluster)
  expect(answer.services).toEqual(['web', 'api-*'])
  expect(answer.clusterId).toBe(cluster.state.clusterSettings?.clusterId)
  expect(answer.hostRoots).toHaveLength(1)
  expect(answer.serviceRoots).toHaveLength(1)
  expect(JSON.stringify(answer)).not.toContain('sealedKey')
  const certificate = new X509Certificate(answer.certificatePem)
  expect(certificate.checkPrivateKey(key)).toBe(true)
  expect(certificate.subjectAltName).toBe(
    `URI:spiffe://host.${answer.clusterId}.consul/agent/client/dc/dc1/id/h1`,
  )
  const ca = ssl.file('host-root.pem', answer.hostRoots[0]?.certificatePem ?? '')
  const wrong = ssl.file('service-root.pem', answer.serviceRoots[0]?.certificatePem ?? '')
  const leaf = ssl.file('host.pem', answer.certificatePem)
  expect(ssl.run('verify', '-x509_strict', '-CAfile', ca, leaf)).toContain(': OK')
  expect(ssl.run('verify', '-CAfile', wrong, leaf)).toContain('failed:')
})

test('a token works once: another host with it is refused, the same host with the same key is not', () => {
  const cluster = makeCluster({ clock: new VirtualClock() })
  const { secret } = cluster.makeToken()
  const key = generateKey()
  expect(codeOf(enroll(cluster, { secret, key }))).toBe('ok')
  expect(codeOf(enroll(cluster, { secret }))).toBe('token-used')
  expect(codeOf(enroll(cluster, { secret, node: 'h2' }))).toBe('token-used')
  expect(codeOf(enroll(cluster, { secret, node: 'h2', key }))).toBe('token-used')
  expect(codeOf(enroll(cluster, { secret, key }))).toBe('ok')
  expect(cluster.metrics.counts.get('mesh_rpc_refused_total enroll token-used')).toBe(3)
})

test('a used token in wrong hands writes nothing to the log', () => {
  const cluster = makeCluster({ clock: new VirtualClock() })
  const { secret } = cluster.makeToken()
  enroll(cluster, { secret })
  const before = cluster.admission.written.length
  for (let i = 0; i < 5; i += 1) enroll(cluster, { secret })
  expect(cluster.admission.written.length).toBe(before)
})

test('forged, expired and foreign tokens are refused, each with its reason', () => {
  const clock = new VirtualClock()
  const cluster = makeCluster({ clock })
  const { secret } = cluster.makeToken({ ttlMs: 1_000 })
  expect(codeOf(enroll(cluster, { secret: 'x'.repeat(43) }))).toBe('token-unknown')
  expect(codeOf(enroll(cluster, { secret: cluster.makeToken({ node: 'h7' }).secret }))).toBe('bad-token')
  clock.run(1_001)
  expect(codeOf(enroll(cluster, { secret }))).toBe('token-expired')
})

test('no refusal repeats the secret, neither to the caller nor in the log', () => {
  const cluster = makeCluster({ clock: new VirtualClock() })
  const { secret } = cluster.makeToken()
  enroll(cluster, { secret })
  const answers = [
    enroll(cluster, { secret }),
    enroll(cluster, { secret: 'secret-that-nobody-issued-0123456789' }),
  ]
  const told = JSON.stringify(answers) + cluster.log.lines.join('\n')
  expect(cluster.log.lines.length).toBeGreaterThan(0)
  expect(told).not.toContain(secret)
  expect(told).not.toContain('secret-that-nobody')
})

test('names that could not stand in a certificate are refused', () => {
  const cluster = makeCluster({ clock: new VirtualClock() })
  for (const node of ['', 'a/b', 'a b', '-a', 'ä', 'a'.repeat(129)])
    expect(codeOf(enroll(cluster, { secret: cluster.makeToken().secret, node }))).toBe('bad-request')
  expect(codeOf(enroll(cluster, { secret: cluster.makeToken().secret, nodeId: 'x' }))).toBe('bad-request')
})

test('a request without proof of its key does not use up the token', () => {
  const cluster = makeCluster({ clock: new VirtualClock() })
  const { secret } = cluster.makeToken()
  const answers: Result<HostCertificate>[] = []
  const csr = createCertificateRequest(generateKey())
  csr[csr.length - 1] = (csr.at(-1) ?? 0) ^ 1
  cluster.hosts.enroll(nobody, { secret, node: 'h1', nodeId, csr }, (answer) => answers.push(answer))
  expect(answers.map(codeOf)).toEqual(['bad-request'])
  expect(codeOf(enroll(cluster, { secret }))).toBe('ok')
})

test('a host renews with its key, also long after its certificate expired', () => {
  const clock = new VirtualClock()
  const cluster = makeCluster({ clock })
  const { key, answer } = enrolled(cluster)
  clock.run(365 * 24 * 3_600_000)
  const renewed = renew(cluster, answer.certificatePem, key)
  if (!renewed.ok) throw new Error(renewed.failure.message)
  const certificate = new X509Certificate(renewed.value.certificatePem)
  expect(certificate.validToDate.getTime()).toBeGreaterThan(
    clock.wallMs() + limits.hostCertificateTtlMs - 1_000,
  )
  expect(Buffer.from(publicKeyInfo(certificate.publicKey)).equals(Buffer.from(publicKeyInfo(key)))).toBe(true)
})

test('a renewal is for the registered key and for no other', () => {
  const cluster = makeCluster({ clock: new VirtualClock() })
  const { answer } = enrolled(cluster)
  expect(codeOf(renew(cluster, answer.certificatePem, generateKey()))).toBe('not-enrolled')
})

test('an evicted host does not renew', () => {
  const cluster = makeCluster({ clock: new VirtualClock() })
  const { key, answer } = enrolled(cluster)
  const host = cluster.state.hosts.get('h1')
  if (host === undefined) throw new Error('not registered')
  cluster.state.hosts.set('h1', { ...host, evicted: true })
  expect(codeOf(renew(cluster, answer.certificatePem, key))).toBe('host-evicted')
})

test('a host of another cluster does not renew, even under the same name', () => {
  const [ours, theirs] = [0, 1].map(() => makeCluster({ clock: new VirtualClock() }))
  if (ours === undefined || theirs === undefined) throw new Error('two clusters')
  enrolled(ours)
  const { key, answer } = enrolled(theirs)
  expect(codeOf(renew(ours, answer.certificatePem, key))).toBe('wrong-cluster')
})
