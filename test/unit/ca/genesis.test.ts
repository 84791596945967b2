import { X509Certificate } from 'node:crypto'
import { expect, test } from 'vitest'
import {
  clusterKeyFile,
  makeGenesis,
  operatorTokenFile,
  prepareSecrets,
  readClusterKey,
} from '../../../src/server/ca/genesis.ts'
import { sealKey, unsealKey } from '../../../src/server/ca/sealing.ts'
import { generateKey, privateKeyPem, publicKeyInfo } from '../../../src/wire/x509/keys.ts'
import { MemoryFiles, TestRandom } from './ports.ts'

const random = new TestRandom()

function genesisOf(files: MemoryFiles) {
  const secrets = prepareSecrets(files, random)
  if (!secrets.ok) throw new Error(secrets.failure.message)
  const command = makeGenesis({
    datacenter: 'dc1',
    defaultIntentionAction: 'deny',
    secrets: secrets.value,
    random,
    nowMs: Date.UTC(2026, 10, 21),
  })
  return { secrets: secrets.value, command }
}

test('a cluster begins with one root per plane, each with its own key and domain', () => {
  const { command } = genesisOf(new MemoryFiles())
  expect(command.roots.map((root) => [root.plane, root.active])).toEqual([
    ['host', true],
    ['service', true],
  ])
  const { clusterId } = command.settings
  expect(command.roots.map((root) => root.trustDomain)).toEqual([
    `host.${clusterId}.consul`,
    `${clusterId}.consul`,
  ])
  expect(new Set(command.roots.map((root) => root.signingKeyId)).size).toBe(2)
  for (const root of command.roots) {
    const certificate = new X509Certificate(root.certificatePem)
    expect(root.id).toBe(certificate.fingerprint256.toLowerCase())
    expect(root.serialNumber).toBe(certificate.serialNumber.toLowerCase().match(/../g)?.join(':'))
    expect(certificate.validToDate.getTime()).toBe(root.notAfterMs)
    expect(certificate.verify(certificate.publicKey)).toBe(true)
  }
})

test('no secret is in the command: neither keys nor tokens', () => {
  const { command, secrets } = genesisOf(new MemoryFiles())
  const text = JSON.stringify(command)
  expect(text).not.toContain('PRIVATE KEY')
  expect(text).not.toContain(secrets.operatorToken)
  expect(text).not.toContain(Buffer.from(secrets.clusterKey).toString('base64'))
  expect(text).not.toContain(Buffer.from(secrets.clusterKey).toString('hex'))
})

test('a sealed key opens with the cluster key and as the key of its own root only', () => {
  const { command, secrets } = genesisOf(new MemoryFiles())
  const [host, service] = command.roots
  if (host === undefined || service === undefined) throw new Error('two roots')
  const key = unsealKey(host.sealedKey, host.id, secrets.clusterKey)
  expect(key.ok && new X509Certificate(host.certificatePem).checkPrivateKey(key.value)).toBe(true)
  expect(unsealKey(host.sealedKey, service.id, secrets.clusterKey).ok).toBe(false)
  expect(unsealKey(host.sealedKey, host.id, random.bytes(32)).ok).toBe(false)
})

test('every flipped bit of a sealed key is noticed', () => {
  const clusterKey = random.bytes(32)
  const key = generateKey()
  const sealed = Buffer.from(sealKey(key, 'root', clusterKey, random), 'base64')
  for (let at = 0; at < sealed.length; at += 5) {
    const changed = Buffer.from(sealed)
    changed[at] = (changed[at] ?? 0) ^ 1
    expect(unsealKey(changed.toString('base64'), 'root', clusterKey).ok).toBe(false)
  }
  const opened = unsealKey(sealed.toString('base64'), 'root', clusterKey)
  expect(opened.ok && privateKeyPem(opened.value)).toBe(privateKeyPem(key))
  expect(opened.ok && Buffer.compare(publicKeyInfo(opened.value), publicKeyInfo(key))).toBe(0)
})

test('a genesis that was interrupted goes on with the secrets it had stored', () => {
  const files = new MemoryFiles()
  const first = genesisOf(files)
  const second = genesisOf(files)
  expect(second.secrets).toEqual(first.secrets)
  expect(files.modes.get(clusterKeyFile)).toBe(0o600)
  expect(files.modes.get(operatorTokenFile)).toBe(0o600)
  const read = readClusterKey(files)
  expect(read.ok && read.value).toEqual(first.secrets.clusterKey)
})

test('without a place for its secrets a cluster does not begin', () => {
  const files = new MemoryFiles()
  files.broken = true
  expect(prepareSecrets(files, random)).toMatchObject({ ok: false, failure: { code: 'internal' } })
  expect(readClusterKey(new MemoryFiles())).toMatchObject({ ok: false, failure: { code: 'invalid-config' } })
})
