/**
 * Sealed packets and stream messages: AES-GCM, version byte, nonce, ciphertext, tag. Version 0 pads the text to blocks
 * as memberlist's first protocol did, version 1 does not; both are read, 1 is written. What surrounds a packet (label,
 * stream header) is authenticated with it.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto'

const nonceBytes = 12
const tagBytes = 16
const blockBytes = 16
const headBytes = 1 + nonceBytes

/** What sealing adds to a text (version 1). */
export const sealBytes = headBytes + tagBytes

const cipherOf = (key: Uint8Array): 'aes-128-gcm' | 'aes-192-gcm' | 'aes-256-gcm' =>
  key.length === 16 ? 'aes-128-gcm' : key.length === 24 ? 'aes-192-gcm' : 'aes-256-gcm'

/**
 * Whether a datagram that no key opens was sealed at all: clear messages have a map behind a first byte as low. For words
 * to the operator only, a nonce may look like a map.
 */
export function looksSealed(bytes: Uint8Array): boolean {
  const [version = 255, next = 0] = bytes
  const isMap = (next >= 0x80 && next <= 0x8f) || next === 0xde || next === 0xdf
  return version <= 1 && bytes.length >= sealBytes && !isMap
}

/** `nonce`: 12 bytes that were never used with this key. */
export function seal(
  text: Uint8Array,
  key: Uint8Array,
  nonce: Uint8Array,
  authenticated: Uint8Array,
): Uint8Array {
  const cipher = createCipheriv(cipherOf(key), key, nonce)
  cipher.setAAD(authenticated)
  return Buffer.concat([Buffer.of(1), nonce, cipher.update(text), cipher.final(), cipher.getAuthTag()])
}

/** Undefined if no key fits or it was changed on its way. */
export function unseal(
  sealed: Uint8Array,
  keys: readonly Uint8Array[],
  authenticated: Uint8Array,
): Uint8Array | undefined {
  const version = sealed[0]
  if (sealed.length < sealBytes || (version !== 0 && version !== 1)) return undefined
  for (const key of keys) {
    const text = unsealWith(sealed, key, authenticated)
    if (text !== undefined) return version === 0 ? withoutPadding(text) : text
  }
  return undefined
}

function unsealWith(sealed: Uint8Array, key: Uint8Array, authenticated: Uint8Array): Uint8Array | undefined {
  const decipher = createDecipheriv(cipherOf(key), key, sealed.subarray(1, headBytes))
  decipher.setAAD(authenticated)
  decipher.setAuthTag(sealed.subarray(-tagBytes))
  const text = decipher.update(sealed.subarray(headBytes, -tagBytes))
  try {
    // Throws where the tag does not fit: Node has no other way to say so.
    decipher.final()
    return text
  } catch {
    return undefined
  }
}

/** PKCS #7: the last byte says how many to take away. */
function withoutPadding(text: Uint8Array): Uint8Array | undefined {
  const padding = text.at(-1) ?? 0
  if (padding < 1 || padding > blockBytes || padding > text.length) return undefined
  return text.subarray(0, text.length - padding)
}
