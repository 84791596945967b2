import { X509Certificate } from 'node:crypto'
import { expect, test } from 'vitest'
import { limits } from '../../../src/model/limits.ts'
import { judgeServer } from '../../../src/rpc/channel-credentials.ts'
import type { TlsIdentity } from '../../../src/rpc/tls.ts'
import { OwnCertificate, serverKeyFile, storedIdentity } from '../../../src/server/ca/own-certificate.ts'
import { admissionFile, readServerFiles } from '../../../src/server/ca/server-files.ts'
import { decodeCertificatePems } from '../../../src/wire/x509/pem.ts'
import { VirtualClock } from '../../simulation/clock.ts'
import { makeCluster } from './cluster.ts'
import { MemoryFiles } from './ports.ts'

function serverOf(clock: VirtualClock, files = new MemoryFiles()) {
  const cluster = makeCluster({ clock })
  const changes: TlsIdentity[] = []
  const opened = OwnCertificate.open({
    authority: cluster.authority,
    view: () => cluster.state,
    names: { node: 's1', dnsNames: [], ipAddresses: ['127.0.0.1'] },
    files,
    clock,
    random: cluster.random,
    log: cluster.log,
    metrics: cluster.metrics,
    onChange: (identity) => changes.push(identity),
  })
  if (!opened.ok) throw new Error(opened.failure.message)
  return { cluster, files, own: opened.value, changes }
}

test('a server signs its own certificate, which a new host can check by the pin alone', () => {
  const clock = new VirtualClock()
  const { cluster, own, files } = serverOf(clock)
  const identity = own.start()
  own.stop()
  if (!identity.ok) throw new Error(identity.failure.message)
  const chain = decodeCertificatePems(identity.value.certificatePem)
  const pin = cluster.state.roots('host')[0]?.id ?? ''
  const judge = (id: string) => judgeServer(chain, { kind: 'pinned', pin: id }, clock.wallMs())
  expect(judge(pin)).toBeUndefined()
  expect(judge(cluster.state.roots('service')[0]?.id ?? '')?.code).toBe('wrong-cluster')
  expect(new X509Certificate(identity.value.certificatePem).subjectAltName).toContain('DNS:server.dc1.mesh')
  expect(Buffer.from(files.read(serverKeyFile) ?? []).toString()).toBe(identity.value.privateKeyPem)
})

test('the certificate is renewed between 50 and 66 % of its life, with the same key', () => {
  const clock = new VirtualClock()
  const { own, changes } = serverOf(clock)
  const first = own.start()
  clock.run(limits.hostCertificateTtlMs * 0.49)
  expect(changes).toHaveLength(0)
  clock.run(limits.hostCertificateTtlMs * 0.18)
  own.stop()
  expect(changes).toHaveLength(1)
  expect(changes[0]?.privateKeyPem).toBe(first.ok ? first.value.privateKeyPem : '')
  expect(changes[0]?.certificatePem).not.toBe(first.ok ? first.value.certificatePem : '')
})

test('after a restart the server has the same key', () => {
  const clock = new VirtualClock()
  const { own, files } = serverOf(clock)
  const first = own.start()
  own.stop()
  const again = serverOf(clock, files).own
  const second = again.start()
  again.stop()
  expect(first.ok && second.ok && first.value.privateKeyPem === second.value.privateKeyPem).toBe(true)
})

test('what a server shows is kept on disk, with the roots, for the time before it has the cluster’s state', () => {
  const clock = new VirtualClock()
  const { own, files, cluster } = serverOf(clock)
  const identity = own.start()
  own.stop()
  if (!identity.ok) throw new Error(identity.failure.message)
  const kept = readServerFiles(files)
  if (!kept.ok || kept.value === undefined) throw new Error('nothing was kept')
  expect(storedIdentity(files, kept.value.certificatePem)).toEqual(identity.value)
  expect(kept.value.hostRoots.map((root) => root.id)).toEqual(
    cluster.state.roots('host').map((root) => root.id),
  )
  expect(JSON.stringify(kept.value)).not.toContain('sealedKey')
  expect(kept.value.hasState, 'without a log it must not start again').toBe(true)
})

test('a damaged file of the admission is named, not taken for none', () => {
  const { files, own } = serverOf(new VirtualClock())
  own.start()
  own.stop()
  files.write(admissionFile, Buffer.from('{"clusterId":'))
  expect(readServerFiles(files)).toMatchObject({ ok: false, failure: { code: 'invalid-config' } })
})
