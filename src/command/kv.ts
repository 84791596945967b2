/** `mesh kv get | list | put | delete`: single entries of the key-value store, and lists of keys. */
import { readFileSync } from 'node:fs'
import { base64Bytes, isFlags } from '../model/kv.ts'
import { limits } from '../model/limits.ts'
import { parseKeepingDigits } from '../wire/http-json/exact-number.ts'
import type { Context } from './declare.ts'
import { CommandFailure, systemReason, UsageFailure } from './failure.ts'

export interface ListOptions {
  readonly separator?: string
  readonly long?: true
}

export interface PutOptions {
  readonly cas?: string
  readonly flags: string
  readonly base64?: true
  readonly acquire?: true
  readonly release?: true
  readonly session?: string
}

export interface DeleteOptions {
  readonly cas?: string
  readonly recurse?: true
}

/** An entry as the API shows it; `Flags` are its digits. */
export interface KvRow {
  readonly Key: string
  readonly Flags: string
  readonly Value: string | null
  readonly CreateIndex: number
  readonly ModifyIndex: number
  readonly Session?: string
}

/** A key stands in the path as it is, but for what would end the path or be taken apart on the way. */
export const kvPath = (key: string): string => `/v1/kv/${encodeURIComponent(key)}`

export const readRows = (text: string): readonly KvRow[] =>
  parseKeepingDigits(text, 'Flags') as readonly KvRow[]

export async function getKey({ client, terminal }: Context, key: string): Promise<void> {
  const reply = await client().find(terminal.form === 'json' ? kvPath(key) : `${kvPath(key)}?raw`)
  if (reply === undefined) throw await missing({ client }, key)
  if (terminal.form === 'json') {
    terminal.line(reply.text)
    return
  }
  process.stdout.write(reply.bytes)
  // A file must get the value and nothing else; a person wants the next prompt on its own line.
  if (process.stdout.isTTY && reply.bytes.at(-1) !== 0x0a) process.stdout.write('\n')
}

async function missing({ client }: Pick<Context, 'client'>, key: string): Promise<CommandFailure> {
  const below = await client().find(`${kvPath(`${key}/`)}?keys`)
  return new CommandFailure(`there is no key "${key}"`, {
    next: below === undefined ? 'mesh kv list' : `mesh kv list ${key}/`,
  })
}

export async function listKeys(
  { client, terminal }: Context,
  prefix: string,
  options: ListOptions,
): Promise<void> {
  const separator = options.separator ?? ''
  if (options.long === true && separator !== '')
    throw new UsageFailure('-long shows entries and -separator cuts keys: use one of them')
  const query = options.long === true ? 'recurse' : `keys&separator=${encodeURIComponent(separator)}`
  const reply = await client().find(`${kvPath(prefix)}?${query}`)
  if (reply === undefined || (options.long === undefined && reply.json<readonly string[]>().length === 0)) {
    terminal.show([], () =>
      terminal.note(
        prefix === '' ? 'No keys yet. Try: mesh kv put KEY VALUE' : `No key begins with "${prefix}".`,
      ),
    )
    return
  }
  if (terminal.form === 'json') terminal.line(reply.text)
  else if (options.long === undefined) for (const key of reply.json<readonly string[]>()) terminal.line(key)
  else
    terminal.table(
      ['key', 'bytes', 'flags', 'created at', 'changed at', 'locked by'],
      readRows(reply.text).map((row) => [
        row.Key,
        String(base64Bytes(row.Value ?? '') ?? 0),
        row.Flags,
        String(row.CreateIndex),
        String(row.ModifyIndex),
        row.Session ?? '',
      ]),
    )
}

export async function putKey(
  { client, terminal }: Context,
  { key, value }: { readonly key: string; readonly value: string },
  options: PutOptions,
): Promise<void> {
  if (!isFlags(options.flags))
    throw new UsageFailure(`-flags ${options.flags}: write a whole number from 0 to 18446744073709551615`)
  const condition = casQuery(options) + lockQuery(options)
  const bytes = bytesOf(value, options.base64 === true)
  if (bytes.length > limits.kvValueBytes)
    throw new CommandFailure(`the value has ${bytes.length} bytes, the limit is ${limits.kvValueBytes}`)
  const reply = await client().store(`${kvPath(key)}?flags=${options.flags}${condition}`, bytes)
  if (reply.text.trim() !== 'true') throw notWritten(key, options)
  terminal.line(`Written: ${key}`)
}

export async function deleteKey(
  { client, terminal }: Context,
  key: string,
  options: DeleteOptions,
): Promise<void> {
  if (options.recurse === true && options.cas !== undefined)
    throw new UsageFailure('-cas is about one key, -recurse about many: use one of them')
  const query = options.recurse === true ? '?recurse' : `?${casQuery(options).slice(1)}`
  const reply = await client().ask('DELETE', kvPath(key) + query)
  if (reply.text.trim() !== 'true') throw changedMeanwhile(key, options.cas)
  const isUnchanged = reply.header('x-mesh-result') === 'unchanged'
  if (options.recurse === true) {
    if (isUnchanged) throw new CommandFailure(`no key begins with "${key}"`, { next: 'mesh kv list' })
    terminal.line(`Deleted: every key that begins with ${key}`)
  } else if (isUnchanged) throw await missing({ client }, key)
  else terminal.line(`Deleted: ${key}`)
}

function casQuery({ cas }: { readonly cas?: string }): string {
  if (cas === undefined) return ''
  if (!/^\d{1,20}$/.test(cas))
    throw new UsageFailure(`-cas ${cas}: write an index, as \`mesh kv list -long\` shows it`)
  return `&cas=${cas}`
}

function lockQuery({ acquire, release, session = '', cas }: PutOptions): string {
  if (acquire === undefined && release === undefined) {
    if (session !== '') throw new UsageFailure('-session is for -acquire or -release: say which')
    return ''
  }
  if (session === '')
    throw new UsageFailure('a lock is taken and given back with -session ID', 'mesh session create')
  if ([acquire, release, cas].filter((flag) => flag !== undefined).length > 1)
    throw new UsageFailure('-acquire, -release and -cas exclude each other: use one of them')
  return `&${acquire === true ? 'acquire' : 'release'}=${encodeURIComponent(session)}`
}

function notWritten(key: string, { acquire, release, cas, session }: PutOptions): CommandFailure {
  const next = `mesh kv list -long ${key}`
  if (acquire === true)
    return new CommandFailure(
      `"${key}" is locked by another session, or was a moment ago; nothing was written`,
      {
        next,
      },
    )
  if (release === true)
    return new CommandFailure(`"${key}" is not locked by ${session}; nothing was written`, { next })
  return changedMeanwhile(key, cas)
}

function changedMeanwhile(key: string, cas: string | undefined): CommandFailure {
  const what = cas === '0' ? `"${key}" is there already` : `"${key}" was not last changed at index ${cas}`
  return new CommandFailure(`${what}; nothing was written`, { next: `mesh kv list -long ${key}` })
}

function bytesOf(value: string, isBase64: boolean): Uint8Array {
  const given = value === '-' || value.startsWith('@') ? readSource(value) : Buffer.from(value)
  if (!isBase64) return given
  const text = given.toString().trim()
  if (base64Bytes(text) === undefined) throw new UsageFailure('the value is no base64')
  return Buffer.from(text, 'base64')
}

/** Bytes of the file after `@`, or of standard input. */
export function readSource(value: string): Buffer {
  const path = value === '-' ? 0 : value.replace(/^@/, '')
  try {
    return readFileSync(path)
  } catch (error) {
    throw new CommandFailure(`${path === 0 ? 'standard input' : path} cannot be read: ${systemReason(error)}`)
  }
}
