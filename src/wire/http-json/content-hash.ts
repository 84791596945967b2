/**
 * Hash of a JSON value that does not depend on the order of keys: what `?hash=` compares, and the `Hash` of an intention.
 */
import { createHash } from 'node:crypto'

/** 16 hex digits, as long as Consul's. Equal values have equal hashes. */
export function contentHash(value: unknown): string {
  return digest(value).toString('hex').slice(0, 16)
}

/** The whole SHA-256 in base64, the form in which Go shows a byte slice. */
export function contentHashBase64(value: unknown): string {
  return digest(value).toString('base64')
}

function digest(value: unknown): Buffer {
  return createHash('sha256')
    .update(JSON.stringify(sorted(value)))
    .digest()
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]))
}
