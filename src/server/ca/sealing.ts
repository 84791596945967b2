/**
 * Seals the authority's private keys and the gossip keys by the cluster key, so that log, snapshots and backups hold nothing usable. The
 * cluster key is a file on each server and never enters Raft. AES-256-GCM (NIST SP 800-38D), a fresh random nonce
 * each time; what the key belongs to is authenticated with it, so that a sealed key cannot be moved under another
 * root.
 */
import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto'
import { failed, ok, type Result } from '../../model/errors.ts'
import type { Random } from '../../platform/ports.ts'
import { privateKeyPem, readPrivateKeyPem } from '../../wire/x509/keys.ts'

export const clusterKeyBytes = 32
const nonceBytes = 12
const tagBytes = 16
/** First byte of what is sealed: another method gets another number. */
const version = 1

/** Base64 of version, nonce, tag and ciphertext. `rootId` is the id of the root whose key it is. */
export function sealKey(key: KeyObject, rootId: string, clusterKey: Uint8Array, random: Random): string {
  return sealSecret(Buffer.from(privateKeyPem(key), 'utf8'), rootId, clusterKey, random)
}

/** The same for other secrets of the cluster. `label` says what it is, and must be given again to unseal it. */
export function sealSecret(
  secret: Uint8Array,
  label: string,
  clusterKey: Uint8Array,
  random: Random,
): string {
  const nonce = random.bytes(nonceBytes)
  const cipher = createCipheriv('aes-256-gcm', clusterKey, nonce, { authTagLength: tagBytes })
  cipher.setAAD(Buffer.from(label))
  const body = Buffer.concat([cipher.update(secret), cipher.final()])
  return Buffer.concat([Uint8Array.of(version), nonce, cipher.getAuthTag(), body]).toString('base64')
}

/** Fails with `invalid-config` where the cluster key of this server is not the one that sealed it. */
export function unsealKey(sealed: string, rootId: string, clusterKey: Uint8Array): Result<KeyObject> {
  const secret = unsealSecret(sealed, rootId, clusterKey)
  if (!secret.ok) return secret
  const key = readPrivateKeyPem(Buffer.from(secret.value).toString('utf8'))
  return key.ok ? key : notOurs
}

const notOurs = failed(
  'invalid-config',
  'the key of the authority cannot be unsealed: the cluster key file of this server is not the one of this cluster',
)

/** Fails as `unsealKey` does. */
export function unsealSecret(sealed: string, label: string, clusterKey: Uint8Array): Result<Uint8Array> {
  const bytes = Buffer.from(sealed, 'base64')
  const body = bytes.subarray(1 + nonceBytes + tagBytes)
  if (bytes[0] !== version || body.length === 0)
    return failed(
      'format-too-new',
      'the sealed key of the authority has a form that this version does not know',
    )
  try {
    const nonce = bytes.subarray(1, 1 + nonceBytes)
    const decipher = createDecipheriv('aes-256-gcm', clusterKey, nonce, { authTagLength: tagBytes })
    decipher.setAAD(Buffer.from(label))
    decipher.setAuthTag(bytes.subarray(1 + nonceBytes, 1 + nonceBytes + tagBytes))
    return ok(Buffer.concat([decipher.update(body), decipher.final()]))
  } catch {
    return notOurs
  }
}
