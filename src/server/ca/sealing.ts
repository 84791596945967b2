/**
 * Seals the authority's private keys by the cluster key, so that log, snapshots and backups hold nothing usable. The
 * cluster key is a file on each server and never enters Raft. AES-256-GCM (NIST SP 800-38D), a fresh random nonce
 * each time; what the key belongs to is authenticated with it, so that a sealed key cannot be moved under another
 * root.
 */
import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto'
import { failed, type Result } from '../../model/errors.ts'
import type { Random } from '../../platform/ports.ts'
import { privateKeyPem, readPrivateKeyPem } from '../../wire/x509/keys.ts'

export const clusterKeyBytes = 32
const nonceBytes = 12
const tagBytes = 16
/** First byte of what is sealed: another method gets another number. */
const version = 1

/** Base64 of version, nonce, tag and ciphertext. `rootId` is the id of the root whose key it is. */
export function sealKey(key: KeyObject, rootId: string, clusterKey: Uint8Array, random: Random): string {
  const nonce = random.bytes(nonceBytes)
  const cipher = createCipheriv('aes-256-gcm', clusterKey, nonce, { authTagLength: tagBytes })
  cipher.setAAD(Buffer.from(rootId))
  const body = Buffer.concat([cipher.update(privateKeyPem(key), 'utf8'), cipher.final()])
  return Buffer.concat([Uint8Array.of(version), nonce, cipher.getAuthTag(), body]).toString('base64')
}

/** Fails with `invalid-config` where the cluster key of this server is not the one that sealed it. */
export function unsealKey(sealed: string, rootId: string, clusterKey: Uint8Array): Result<KeyObject> {
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
    decipher.setAAD(Buffer.from(rootId))
    decipher.setAuthTag(bytes.subarray(1 + nonceBytes, 1 + nonceBytes + tagBytes))
    return readPrivateKeyPem(Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8'))
  } catch {
    return failed(
      'invalid-config',
      'the key of the authority cannot be unsealed: the cluster key file of this server is not the one of this cluster',
    )
  }
}
