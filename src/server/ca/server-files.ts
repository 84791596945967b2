/**
 * What a server keeps beside its key so that it can speak to the others before it has the cluster's state: its certificate and
 * the roots that it trusts. Written with every new certificate; read at start, when log and snapshot say nothing yet.
 */
import * as z from 'zod'
import type { PublicCaRoot } from '../../model/authority.ts'
import { failed, ok, type Result } from '../../model/errors.ts'
import type { StateFiles } from '../../platform/ports.ts'
import { rootShape } from '../../rpc/shape/intention.ts'
import { clusterKeyFile } from './genesis.ts'
import { clusterKeyBytes } from './sealing.ts'

export const serverCertificateFile = 'server.crt'
/** Written last: with it, this server was admitted to a cluster. */
export const admissionFile = 'cluster.json'

export interface ServerFiles {
  /** Leaf first; may have expired. */
  readonly certificatePem: string
  readonly clusterId: string
  readonly datacenter: string
  readonly hostRoots: readonly PublicCaRoot[]
  /** This server had the cluster's state, so it has a log: where that is gone, votes and entries that it promised are gone. */
  readonly hasState?: boolean
}

const shape = z.object({
  clusterId: z.string(),
  datacenter: z.string(),
  hostRoots: z.array(rootShape),
  hasState: z.boolean().exactOptional(),
})

/** Undefined where this server belongs to no cluster yet. */
export function readServerFiles(files: StateFiles): Result<ServerFiles | undefined> {
  const certificate = files.read(serverCertificateFile)
  const admission = files.read(admissionFile)
  if (certificate === undefined || admission === undefined) return ok(undefined)
  const parsed = shape.safeParse(parse(admission))
  if (!parsed.success)
    return failed('invalid-config', `${admissionFile} in the server’s directory is damaged`)
  return ok({ ...parsed.data, certificatePem: Buffer.from(certificate).toString() })
}

/** Durable when it returns; fails with `internal` where the disk does not take it. */
export function writeServerFiles(files: StateFiles, server: ServerFiles): Result<true> {
  const { certificatePem, ...admission } = server
  const text = JSON.stringify(admission)
  const error =
    files.write(serverCertificateFile, Buffer.from(certificatePem)) ??
    files.write(admissionFile, Buffer.from(`${text}\n`))
  return error === undefined
    ? ok(true)
    : failed('internal', `the server’s certificate cannot be stored: ${error.message}`)
}

/** The cluster key as another server gave it. */
export function writeClusterKey(files: StateFiles, key: Uint8Array): Result<true> {
  if (key.length !== clusterKeyBytes) return failed('bad-request', 'the cluster key has the wrong length')
  const error = files.write(clusterKeyFile, key)
  return error === undefined
    ? ok(true)
    : failed('internal', `${clusterKeyFile} cannot be stored: ${error.message}`)
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString())
  } catch {
    return undefined
  }
}
