/** A member as users see it: gossip's record, Serf's state of presence, and its tags read once per record. */
import type { Alive } from '../model/gossip-message.ts'
import type { Member } from '../swim/roster.ts'
import type { Intents } from '../swim/serf/intents.ts'
import { decodeTags } from '../wire/gossip/serf-tags.ts'
import type { PoolMember } from './contract.ts'

/** Records are replaced, never changed. */
const tagsOfRecords = new WeakMap<Alive, ReadonlyMap<string, string>>()
const noTags: ReadonlyMap<string, string> = new Map()

/** Tags that cannot be read count as none: the member is there all the same. */
export function tagsOf(record: Alive): ReadonlyMap<string, string> {
  const known = tagsOfRecords.get(record)
  if (known !== undefined) return known
  const decoded = decodeTags(record.meta)
  const tags = typeof decoded === 'string' ? noTags : decoded
  tagsOfRecords.set(record, tags)
  return tags
}

export function viewOf({ record, status, incarnation }: Readonly<Member>, intents: Intents): PoolMember {
  const { node, address, port, versions } = record
  return {
    node,
    address,
    port,
    tags: tagsOf(record),
    presence: intents.presence(node, status),
    isSuspected: status === 'suspect',
    incarnation,
    versions,
  }
}
