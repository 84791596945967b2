/** A member's tags, in the description that memberlist carries: a magic byte and a map of texts (Serf's protocol 3). */
import { limits } from '../../model/limits.ts'
import { MsgpackReader } from './msgpack-reader.ts'
import { MsgpackWriter } from './msgpack-writer.ts'

const magic = 255

/** Undefined if the tags are too long together: `limits.gossipMetaBytes` encoded. */
export function encodeTags(tags: ReadonlyMap<string, string>): Uint8Array | undefined {
  const to = new MsgpackWriter().byte(magic).map(tags.size)
  for (const [name, value] of tags) to.text(name).text(value)
  return to.result().length <= limits.gossipMetaBytes ? to.result() : undefined
}

/** Members of very old versions send their role as plain text. Text says what is wrong. */
export function decodeTags(meta: Uint8Array): ReadonlyMap<string, string> | string {
  const tags = new Map<string, string>()
  if (meta.length === 0) return tags
  if (meta[0] !== magic) return tags.set('role', Buffer.from(meta).toString('latin1'))
  const reader = new MsgpackReader(meta, 1)
  for (let entries = reader.map(); entries > 0 && reader.fault === ''; entries -= 1)
    tags.set(reader.text(limits.gossipMetaBytes), reader.text(limits.gossipMetaBytes))
  return reader.fault === '' ? tags : reader.fault
}
