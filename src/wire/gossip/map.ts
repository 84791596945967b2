/** Reads a MessagePack map whose entries are known by name; the others are skipped. */
import type { MsgpackReader } from './msgpack-reader.ts'

const keyBytes = 64

export function readMap(reader: MsgpackReader, entries: Readonly<Record<string, () => unknown>>): void {
  for (let left = reader.map(); left > 0 && reader.fault === ''; left -= 1) {
    const key = reader.text(keyBytes)
    const read = Object.hasOwn(entries, key) ? entries[key] : undefined
    if (read === undefined) reader.skip()
    else read()
  }
}

/** Reads a list, bounded by what is there; `read` is called per item. */
export function readList<Item>(reader: MsgpackReader, read: () => Item): Item[] {
  const items: Item[] = []
  for (let left = reader.array(); left > 0 && reader.fault === ''; left -= 1) items.push(read())
  return items
}
