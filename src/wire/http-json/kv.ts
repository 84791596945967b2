/** Entries of the key-value store as Consul shows them; reference/consul.md 1.8 and Appendix A, traps 7 and 8. */
import type { KvEntry } from '../../model/kv.ts'
import type { RowIndexes } from '../../model/service.ts'
import { type ExactNumber, exactNumber } from './exact-number.ts'

export interface KvEntryJson {
  /** How often a session took the lock. */
  readonly LockIndex: number
  readonly Key: string
  readonly Flags: ExactNumber
  /** Base64; null for no bytes. */
  readonly Value: string | null
  /** Who holds the lock; absent where nobody does. */
  readonly Session?: string
  readonly CreateIndex: number
  readonly ModifyIndex: number
}

export function kvEntryJson({
  key,
  value,
  flags,
  lockIndex = 0,
  session,
  createIndex,
  modifyIndex,
}: KvEntry & RowIndexes): KvEntryJson {
  return {
    LockIndex: lockIndex,
    Key: key,
    Flags: exactNumber(flags),
    Value: value === '' ? null : value,
    ...(session === undefined ? {} : { Session: session }),
    CreateIndex: createIndex,
    ModifyIndex: modifyIndex,
  }
}
