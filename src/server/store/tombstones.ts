/**
 * Where tombstones lie: one per deletion, found by key and by age. That of a single key lies under the key with its end,
 * that of a prefix under the prefix without one, so a path through the tree meets all that cover a key.
 */
import type { KvTombstone } from '../../model/kv.ts'
import { key1 } from './keys.ts'
import type { Edits } from './tables.ts'

/** Decimal digits of the largest safe integer, so that key order is numeric order. */
const indexDigits = 16

const placeOf = ({ key, below }: KvTombstone): string => (below ? key : key1(key))

/** A transaction may delete a key and everything below the same text at one index: both are kept. */
const ageOf = (tombstone: KvTombstone): string =>
  key1(String(tombstone.index).padStart(indexDigits, '0')) + placeOf(tombstone) + key1(tombstone.key)

/** A newer deletion in the same place replaces the older one. */
export function placeTombstone(edits: Edits, tombstone: KvTombstone): void {
  const before = edits.tombstones.get(placeOf(tombstone))
  if (before !== undefined) edits.tombstonesByIndex.delete(ageOf(before))
  edits.tombstones.set(placeOf(tombstone), tombstone)
  edits.tombstonesByIndex.set(ageOf(tombstone), tombstone)
}

export function removeTombstone(edits: Edits, tombstone: KvTombstone): void {
  edits.tombstones.delete(placeOf(tombstone))
  edits.tombstonesByIndex.delete(ageOf(tombstone))
}
