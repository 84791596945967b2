/**
 * This host's identity on disk: its long-lived key, its certificate, the roots that it trusts, and what it was enrolled
 * for. Read at start, so that a reboot without servers costs nothing; every file is 0600 and replaced whole.
 */
import type { KeyObject } from 'node:crypto'
import * as z from 'zod'
import type { PublicCaRoot } from '../../model/authority.ts'
import { failed, ok, type Result } from '../../model/errors.ts'
import { limits } from '../../model/limits.ts'
import type { StateFiles } from '../../platform/ports.ts'
import type { HostCertificate } from '../../rpc/contract.ts'
import { rootShape } from '../../rpc/shape/intention.ts'
import { readCertificateFacts } from '../../wire/x509/certificate-facts.ts'
import { generateKey, privateKeyPem, publicKeyInfo, readPrivateKeyPem } from '../../wire/x509/keys.ts'
import { decodeCertificatePems } from '../../wire/x509/pem.ts'

/** What the host is, once it is enrolled. */
export interface HostIdentity {
  readonly node: string
  readonly nodeId: string
  readonly clusterId: string
  readonly datacenter: string
  /** Service names that the enrollment allows, with `*` as in model/access.ts. */
  readonly services: readonly string[]
  readonly privateKeyPem: string
  /** Leaf first. */
  readonly certificatePem: string
  readonly notBeforeMs: number
  readonly notAfterMs: number
  readonly hostRoots: readonly PublicCaRoot[]
  readonly serviceRoots: readonly PublicCaRoot[]
  /** RPC addresses that the token named, later those that the servers told. */
  readonly servers: readonly string[]
  /** Of the gossip pool, base64, the one in use first; empty where the servers gave none. */
  readonly gossipKeys: readonly string[]
}

const keyFile = 'host.key'
const nextKeyFile = 'host.key.next'
const certificateFile = 'host.crt'
const hostRootsFile = 'host-roots.pem'
const serviceRootsFile = 'service-roots.json'
const gossipKeysFile = 'gossip-keys.json'
/** Written last: without it the host is not enrolled, whatever else is there. */
const enrollmentFile = 'enrollment.json'

const enrollmentShape = z.object({
  node: z.string(),
  nodeId: z.string(),
  clusterId: z.string(),
  datacenter: z.string(),
  services: z.array(z.string()),
  hostRoots: z.array(rootShape),
  servers: z.array(z.string()),
})

/** The host's key; made and stored where there is none, before it is used for anything. */
export const openHostKey = (files: StateFiles): Result<KeyObject> => openKey(files, keyFile)

/**
 * A key to come back with after an eviction, which refuses the old one. It becomes the host's key with its
 * certificate.
 */
export const openNextKey = (files: StateFiles): Result<KeyObject> => openKey(files, nextKeyFile)

/** An earlier enrollment with another key was begun and not finished. */
export const hasNextKey = (files: StateFiles): boolean => files.read(nextKeyFile) !== undefined

function openKey(files: StateFiles, path: string): Result<KeyObject> {
  const stored = storedKey(files, path)
  if (stored !== undefined) return stored
  const key = generateKey()
  // `mesh enroll` may be typed while the agent enrolls itself: both have to ask for the same key.
  const error = files.write(path, Buffer.from(privateKeyPem(key)), { ifAbsent: true })
  if (error === undefined) return ok(key)
  const other = error.code === 'exists' ? storedKey(files, path) : undefined
  return other ?? failed('internal', `${path} cannot be written: ${error.message}`)
}

function storedKey(files: StateFiles, path: string): Result<KeyObject> | undefined {
  const stored = files.read(path)
  if (stored === undefined) return undefined
  const key = readPrivateKeyPem(text(stored))
  return key.ok ? key : failed('invalid-config', `${path} is damaged; remove it and enroll this host again`)
}

/** The one of our keys that a certificate is for. */
function keyOf(files: StateFiles, publicKey: Uint8Array): KeyObject | undefined {
  for (const path of [keyFile, nextKeyFile]) {
    const key = readPrivateKeyPem(text(files.read(path)))
    if (key.ok && Buffer.compare(publicKey, publicKeyInfo(key.value)) === 0) return key.value
  }
  return undefined
}

/** Undefined where this host was never enrolled; a failure where its files are damaged. */
export function loadIdentity(files: StateFiles): Result<HostIdentity | undefined> {
  const stored = files.read(enrollmentFile)
  if (stored === undefined) return ok(undefined)
  const enrollment = enrollmentShape.safeParse(parse(stored))
  const serviceRoots = z.array(rootShape).safeParse(parse(files.read(serviceRootsFile)))
  const certificatePem = text(files.read(certificateFile))
  const facts = factsOf(certificatePem)
  const key = facts === undefined ? undefined : keyOf(files, facts.publicKey)
  if (!enrollment.success || !serviceRoots.success || facts === undefined || key === undefined) return damaged
  return ok({
    ...enrollment.data,
    privateKeyPem: privateKeyPem(key),
    certificatePem,
    notBeforeMs: facts.notBeforeMs,
    notAfterMs: facts.notAfterMs,
    serviceRoots: serviceRoots.data,
    gossipKeys: readGossipKeys(files),
  })
}

/** Damaged ones count as none: the servers tell them again. */
function readGossipKeys(files: StateFiles): readonly string[] {
  const keys = z
    .array(z.string())
    .max(limits.gossipKeys)
    .safeParse(parse(files.read(gossipKeysFile)))
  return keys.success ? keys.data : []
}

/** The servers told the keys of the gossip pool, outside a renewal. */
export function storeGossipKeys(
  files: StateFiles,
  identity: HostIdentity,
  gossipKeys: readonly string[],
): Result<HostIdentity> {
  const error = files.write(gossipKeysFile, json(gossipKeys))
  if (error === undefined) return ok({ ...identity, gossipKeys })
  return failed('internal', `the gossip keys cannot be stored: ${error.message}`)
}

const damaged = failed(
  'invalid-config',
  `the files of this host’s enrollment are damaged; remove ${enrollmentFile} and enroll it again with a new token`,
)

/**
 * Checks that the answer is for a key of ours and stores it. A crash in between leaves the old identity or the new one:
 * every file that a certificate needs is there before it.
 */
export function storeIdentity(
  files: StateFiles,
  host: { readonly node: string; readonly nodeId: string; readonly servers: readonly string[] },
  answer: HostCertificate,
): Result<HostIdentity> {
  const facts = factsOf(answer.certificatePem)
  const key = facts === undefined ? undefined : keyOf(files, facts.publicKey)
  if (facts === undefined || key === undefined)
    return failed('wrong-cluster', 'the server answered with a certificate that is not for this host’s key')
  const { certificatePem, clusterId, datacenter, services, hostRoots, serviceRoots } = answer
  // A server that has none, or cannot read them, does not take away what another one gave.
  const { gossipKeys: told = [] } = answer
  const gossipKeys = told.length === 0 ? readGossipKeys(files) : told
  const enrollment = { ...host, clusterId, datacenter, services, hostRoots }
  const error =
    files.write(hostRootsFile, Buffer.from(hostRoots.map((root) => root.certificatePem).join(''))) ??
    files.write(serviceRootsFile, json(serviceRoots)) ??
    (told.length === 0 ? undefined : files.write(gossipKeysFile, json(told))) ??
    files.write(certificateFile, Buffer.from(certificatePem)) ??
    files.write(enrollmentFile, json(enrollment)) ??
    files.write(keyFile, Buffer.from(privateKeyPem(key))) ??
    files.remove(nextKeyFile)
  if (error !== undefined) return failed('internal', `the enrollment cannot be stored: ${error.message}`)
  const { notBeforeMs, notAfterMs } = facts
  const privatePem = privateKeyPem(key)
  return ok({
    ...enrollment,
    privateKeyPem: privatePem,
    certificatePem,
    notBeforeMs,
    notAfterMs,
    serviceRoots,
    gossipKeys,
  })
}

/** The servers of the cluster told where they all are: found there too after a reboot. */
export function storeServers(
  files: StateFiles,
  identity: HostIdentity,
  servers: readonly string[],
): Result<HostIdentity> {
  const { node, nodeId, clusterId, datacenter, services, hostRoots } = identity
  const enrollment = { node, nodeId, servers, clusterId, datacenter, services, hostRoots }
  const error = files.write(enrollmentFile, json(enrollment))
  if (error === undefined) return ok({ ...identity, servers })
  return failed('internal', `the servers’ addresses cannot be stored: ${error.message}`)
}

function factsOf(certificatePem: string): ReturnType<typeof readCertificateFacts> {
  const [der] = decodeCertificatePems(certificatePem)
  return der === undefined ? undefined : readCertificateFacts(der)
}

const json = (value: unknown): Uint8Array => Buffer.from(`${JSON.stringify(value, null, 1)}\n`)

const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString()

function parse(bytes: Uint8Array | undefined): unknown {
  try {
    return JSON.parse(text(bytes))
  } catch {
    return undefined
  }
}
