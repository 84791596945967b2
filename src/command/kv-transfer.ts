/**
 * `mesh kv export` and `import`: entries as JSON in the form of Consul's commands of this name, so that a store can be
 * carried over from there: a list of `key`, `flags` and `value` in base64.
 */
import { base64Bytes, isFlags } from '../model/kv.ts'
import { exactNumber, parseKeepingDigits } from '../wire/http-json/exact-number.ts'
import type { Context } from './declare.ts'
import { CommandFailure } from './failure.ts'
import { type KvRow, kvPath, readRows, readSource } from './kv.ts'

interface Exported {
  readonly key: string
  readonly flags: string
  readonly value: string
}

/** Writes under way at once: each waits for the server's disk, and together they share it. */
const writesAtOnce = 16

export async function exportKeys({ client, terminal }: Context, prefix: string): Promise<void> {
  const reply = await client().find(`${kvPath(prefix)}?recurse`)
  const rows: readonly KvRow[] = reply === undefined ? [] : readRows(reply.text)
  const entries = rows.map((row) => ({
    key: row.Key,
    flags: exactNumber(row.Flags),
    value: row.Value ?? '',
  }))
  terminal.line(JSON.stringify(entries, null, 2))
}

export async function importKeys({ client, terminal }: Context, file: string): Promise<void> {
  const entries = readEntries(readSource(file).toString(), file)
  let next = 0
  const lane = async (): Promise<void> => {
    for (let entry = entries[next++]; entry !== undefined; entry = entries[next++]) {
      const path = `${kvPath(entry.key)}?flags=${entry.flags}`
      await client().store(path, Buffer.from(entry.value, 'base64'))
      terminal.line(`Imported: ${entry.key}`)
    }
  }
  await Promise.all(Array.from({ length: Math.min(writesAtOnce, entries.length) }, lane))
}

/** All of it is read before anything is written: a mistake at the end must not leave half an import. */
function readEntries(text: string, file: string): readonly Exported[] {
  const broken = (what: string): CommandFailure =>
    new CommandFailure(`${file === '-' ? 'standard input' : file}: ${what}`, {
      next: '[{"key": "a", "flags": 0, "value": "BASE64"}] is what `mesh kv export` writes',
    })
  let list: unknown
  try {
    list = parseKeepingDigits(text, 'flags')
  } catch {
    throw broken('this is no JSON')
  }
  if (!Array.isArray(list)) throw broken('an export is a list of entries')
  return list.map((item: unknown, at) => {
    const { key, flags = '0', value } = (item ?? {}) as Partial<Record<string, unknown>>
    if (typeof key !== 'string' || key === '') throw broken(`entry ${at + 1} has no key`)
    if (typeof value !== 'string' || base64Bytes(value) === undefined)
      throw broken(`the value of "${key}" is no base64`)
    if (typeof flags !== 'string' || !isFlags(flags)) throw broken(`the flags of "${key}" are no number`)
    return { key, flags, value }
  })
}
