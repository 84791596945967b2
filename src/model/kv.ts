/**
 * The key-value store's words: one entry, and what is remembered of entries that went. Values are opaque; they travel and
 * are stored as base64, because log, snapshots and answers are JSON and the API shows them so anyway.
 */
import { limits } from './limits.ts'

export interface KvContent {
  /** Any text without U+0000; `/` means nothing to the store. */
  readonly key: string
  /** Base64, '' for no bytes. */
  readonly value: string
  /** A client's own 64-bit number, as decimal text: a double would round it. */
  readonly flags: string
}

export interface KvEntry extends KvContent {
  /** How often a session took the lock of this key; left away for never, so that rows without locks stay as they were. */
  readonly lockIndex?: number
  /** Id of the session that holds the lock; left away where nobody does. */
  readonly session?: string
}

/**
 * Stands where keys were deleted, so that whoever watches for them sees an index that moved. Kept for a while
 * (`limits.tombstoneTtlMs`), then forgotten.
 */
export interface KvTombstone {
  readonly key: string
  /** Stands for `key` and everything that begins with it. */
  readonly below: boolean
  /** Log index of the deletion. */
  readonly index: number
  readonly deletedAtMs: number
}

const flagsMax = 2n ** 64n - 1n

/** Whether `text` is a whole number of 64 bits in the one way that it can be written. */
export function isFlags(text: string): boolean {
  return /^(0|[1-9]\d{0,19})$/.test(text) && BigInt(text) <= flagsMax
}

/** Length in bytes of what base64 stands for; undefined where `text` is no base64 (RFC 4648, padded). */
export function base64Bytes(text: string): number | undefined {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  return (text.length / 4) * 3 - padding
}

/** Whether `key` can name an entry. U+0000 ends keys inside the store. */
export function isKvKey(key: string): boolean {
  return key !== '' && isKvPrefix(key)
}

/** The same for the beginning of keys, which may be empty. */
export function isKvPrefix(prefix: string): boolean {
  return prefix.length <= limits.kvKeyChars && !prefix.includes('\u0000')
}
