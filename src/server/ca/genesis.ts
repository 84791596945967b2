/**
 * Makes a new cluster: its id, a root for each trust plane with a key of its own, the cluster key and the operator
 * token. Secrets go to files of this server before anything is proposed, so that a crash in between leaves nothing
 * sealed by a key that nobody has; the command carries only what every server may know.
 */
import type { CaRoot, TrustPlane } from '../../model/authority.ts'
import type { Command } from '../../model/command.ts'
import { failed, ok, type Result } from '../../model/errors.ts'
import { maxFeatureLevel } from '../../model/feature.ts'
import { hostTrustDomain, serviceTrustDomain } from '../../model/identity.ts'
import { uuidFromBytes } from '../../model/ids.ts'
import type { IntentionAction } from '../../model/intention.ts'
import { limits } from '../../model/limits.ts'
import type { Random, StateFiles } from '../../platform/ports.ts'
import {
  beginningOf,
  certificateId,
  colonHex,
  createRootCertificate,
  keyIdentifier,
} from '../../wire/x509/certificate.ts'
import { generateKey, publicKeyInfo } from '../../wire/x509/keys.ts'
import { encodeCertificatePem } from '../../wire/x509/pem.ts'
import { operatorTokenHash } from '../access/access.ts'
import { clusterKeyBytes, sealKey } from './sealing.ts'

/** Files of a server's state directory, 0600. */
export const clusterKeyFile = 'cluster.key'
export const operatorTokenFile = 'operator.token'

export interface ClusterSecrets {
  readonly clusterKey: Uint8Array
  /** Given to the operator who made the cluster; the state keeps its hash. */
  readonly operatorToken: string
}

/** Reads the secrets of an earlier, interrupted genesis or makes new ones; durable when it returns. */
export function prepareSecrets(files: StateFiles, random: Random): Result<ClusterSecrets> {
  const clusterKey = files.read(clusterKeyFile) ?? random.bytes(clusterKeyBytes)
  const storedToken = files.read(operatorTokenFile)
  const operatorToken =
    storedToken === undefined
      ? Buffer.from(random.bytes(32)).toString('base64url')
      : Buffer.from(storedToken).toString().trim()
  if (clusterKey.length !== clusterKeyBytes || operatorToken === '')
    return failed(
      'invalid-config',
      `${clusterKeyFile} or ${operatorTokenFile} in the server’s directory is damaged`,
    )
  const error =
    files.write(clusterKeyFile, clusterKey) ??
    files.write(operatorTokenFile, Buffer.from(`${operatorToken}\n`))
  if (error !== undefined)
    return failed('internal', `the cluster’s secrets cannot be stored: ${error.message}`)
  return ok({ clusterKey, operatorToken })
}

/** The cluster key of a server that belongs to a cluster already. */
export function readClusterKey(files: StateFiles): Result<Uint8Array> {
  const key = files.read(clusterKeyFile)
  if (key?.length === clusterKeyBytes) return ok(key)
  return failed(
    'invalid-config',
    `${clusterKeyFile} is missing or damaged in the server’s directory; copy it from another server of the cluster`,
  )
}

export interface GenesisOptions {
  readonly datacenter: string
  readonly defaultIntentionAction: IntentionAction
  readonly secrets: ClusterSecrets
  readonly random: Random
  readonly nowMs: number
}

export type RootOptions = Pick<GenesisOptions, 'random' | 'nowMs'> & {
  readonly secrets: Pick<ClusterSecrets, 'clusterKey'>
}

/** The first entry of a cluster's log. */
export function makeGenesis(options: GenesisOptions): Extract<Command, { readonly type: 'genesis' }> {
  const { datacenter, defaultIntentionAction, secrets, random } = options
  const clusterId = uuidFromBytes(random.bytes(16))
  return {
    type: 'genesis',
    settings: { clusterId, datacenter, defaultIntentionAction, featureLevel: maxFeatureLevel },
    roots: [makeRoot('host', clusterId, options), makeRoot('service', clusterId, options)],
    operator: { tokenHash: operatorTokenHash(secrets.operatorToken), name: 'genesis' },
  }
}

/** A root and its sealed key. The name follows Consul's: provider, random part, trust domain's beginning. */
export function makeRoot(plane: TrustPlane, clusterId: string, options: RootOptions): CaRoot {
  const { random, secrets, nowMs } = options
  const key = generateKey()
  const trustDomain = plane === 'host' ? hostTrustDomain(clusterId) : serviceTrustDomain(clusterId)
  const part = Buffer.from(random.bytes(4)).toString('hex')
  const root = createRootCertificate({
    commonName: `${plane}-${part}.mesh.ca.${clusterId.slice(0, 8)}.consul`,
    trustDomain,
    key,
    serial: random.bytes(16),
    notBeforeMs: beginningOf(nowMs, limits.rootTtlMs),
    notAfterMs: nowMs + limits.rootTtlMs,
  })
  const id = certificateId(root.der)
  return {
    id,
    plane,
    name: plane === 'host' ? 'Mesh host root' : 'Mesh service root',
    trustDomain,
    certificatePem: encodeCertificatePem(root.der),
    serialNumber: root.serialNumber,
    signingKeyId: colonHex(keyIdentifier(publicKeyInfo(key))),
    notBeforeMs: root.notBeforeMs,
    notAfterMs: root.notAfterMs,
    active: true,
    privateKeyType: 'ec',
    privateKeyBits: 256,
    sealedKey: sealKey(key, id, secrets.clusterKey, random),
  }
}
