/**
 * Leaves on disk: key and certificate of one service in one file, so that they cannot part, 0600 in the agent's own
 * directory, so that a restart without servers still has them.
 */
import { createHash } from 'node:crypto'
import * as z from 'zod'
import type { StateFiles } from '../../platform/ports.ts'
import { readCertificateFacts } from '../../wire/x509/certificate-facts.ts'
import { publicKeyInfo, readPrivateKeyPem } from '../../wire/x509/keys.ts'
import { decodeCertificatePems } from '../../wire/x509/pem.ts'
import type { Leaf } from '../contract.ts'

const folder = 'leaves'

const shape = z.object({
  service: z.string(),
  uri: z.string(),
  certificatePem: z.string(),
  privateKeyPem: z.string(),
  serialNumber: z.string(),
  notBeforeMs: z.number(),
  notAfterMs: z.number(),
  generation: z.number(),
}) satisfies z.ZodType<Leaf>

/** All that can be used; a damaged file counts as none and is removed, because a leaf can be had again. */
export function loadLeaves(files: StateFiles): readonly Leaf[] {
  const leaves: Leaf[] = []
  for (const name of files.list(folder)) {
    const path = `${folder}/${name}`
    const leaf = readLeaf(files.read(path))
    if (leaf !== undefined && path === pathOf(leaf.service)) leaves.push(leaf)
    else files.remove(path)
  }
  return leaves
}

/** The message of an error, or undefined when the leaf is stored. */
export function storeLeaf(files: StateFiles, leaf: Leaf): string | undefined {
  return files.write(pathOf(leaf.service), Buffer.from(JSON.stringify(leaf)))?.message
}

export function removeLeaf(files: StateFiles, service: string): void {
  files.remove(pathOf(service))
}

/** Readable where the name allows it; a long one is replaced by its hash, which no readable name looks like. */
function pathOf(service: string): string {
  const readable = encodeURIComponent(service)
  const hash = createHash('sha256').update(service).digest('hex')
  return `${folder}/${readable.length <= 200 ? `${readable}.json` : `%${hash}.json`}`
}

function readLeaf(bytes: Uint8Array | undefined): Leaf | undefined {
  const leaf = shape.safeParse(parse(bytes))
  if (!leaf.success) return undefined
  const [der] = decodeCertificatePems(leaf.data.certificatePem)
  const facts = der === undefined ? undefined : readCertificateFacts(der)
  const key = readPrivateKeyPem(leaf.data.privateKeyPem)
  if (facts === undefined || !key.ok) return undefined
  return Buffer.compare(facts.publicKey, publicKeyInfo(key.value)) === 0 ? leaf.data : undefined
}

function parse(bytes: Uint8Array | undefined): unknown {
  try {
    return JSON.parse(Buffer.from(bytes ?? []).toString())
  } catch {
    return undefined
  }
}
