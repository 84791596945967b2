/**
 * The key-value store over HTTP, as Consul has it: reference/consul.md 1.8. A missing key is a 404 with the index, so that
 * a client can wait for it to come. A lock that is somebody else's is the answer `false`.
 */
import type { Command } from '../../model/command.ts'
import { isFlags, type KvContent } from '../../model/kv.ts'
import { limits } from '../../model/limits.ts'
import { kvEntryJson } from '../../wire/http-json/kv.ts'
import { clusterRead, clusterWrite, written } from './cluster.ts'
import type { Answer, Api, Call, Endpoint } from './contract.ts'
import { indexOf } from './parameters.ts'
import { ApiRefusal } from './refusal.ts'

export const kvEndpoints: readonly Endpoint[] = [
  {
    path: '/v1/kv/*',
    actions: {
      GET: { need: 'read', run: read },
      PUT: { need: 'operate', run: put },
      DELETE: { need: 'operate', run: remove },
    },
  },
]

function read(api: Api, call: Call): Promise<Answer> {
  if (call.query.has('keys')) return keys(api, call)
  return call.query.has('recurse') ? list(api, call) : one(api, call)
}

async function one(api: Api, call: Call): Promise<Answer> {
  const { answer, meta } = await clusterRead(api, call, 'kv.get', { key: keyOf(call) })
  if (answer === null) return { status: 404, meta }
  if (!call.query.has('raw')) return { json: [kvEntryJson(answer)], meta }
  // Whoever may write a value must not be able to write a page of this origin.
  return {
    meta,
    bytes: { body: Buffer.from(answer.value, 'base64'), type: 'text/plain' },
    headers: { 'X-Content-Type-Options': 'nosniff', 'Content-Security-Policy': 'sandbox' },
  }
}

async function list(api: Api, call: Call): Promise<Answer> {
  const { answer, meta } = await clusterRead(api, call, 'kv.list', { prefix: prefixOf(call) })
  return answer.length === 0 ? { status: 404, meta } : { json: answer.map(kvEntryJson), meta }
}

async function keys(api: Api, call: Call): Promise<Answer> {
  const prefix = prefixOf(call)
  // An old misspelling that clients still send.
  const separator = call.query.get('separator') ?? call.query.get('seperator') ?? ''
  const { answer, meta } = await clusterRead(api, call, 'kv.keys', { prefix, separator })
  return answer.length === 0 && prefix !== '' ? { status: 404, meta } : { json: answer, meta }
}

async function put(api: Api, call: Call): Promise<Answer> {
  refuseConflict(call, ['cas', 'acquire', 'release'])
  if (call.bytes.length > limits.kvValueBytes)
    throw new ApiRefusal(
      'too-large',
      `Request body(${call.bytes.length} bytes) too large, max size: ${limits.kvValueBytes} bytes. (too-large)`,
    )
  const content = {
    key: keyOf(call),
    value: Buffer.from(call.bytes).toString('base64'),
    flags: flagsOf(call),
  }
  const write = await clusterWrite(api, call, putCommand(call, content))
  return written(write.value.kind !== 'unchanged', write)
}

function putCommand(call: Call, content: KvContent): Command {
  const acquire = call.query.get('acquire')
  if (acquire !== null) return { type: 'kv.lock', session: acquire.toLowerCase(), ...content }
  const release = call.query.get('release')
  if (release !== null) return { type: 'kv.unlock', session: release.toLowerCase(), ...content }
  return { type: 'kv.set', ...content, ...casOf(call) }
}

/** Without `cas` the answer is yes whether there was anything to delete or not. */
async function remove(api: Api, call: Call): Promise<Answer> {
  refuseConflict(call, ['recurse', 'cas'])
  const recurse = call.query.has('recurse')
  const key = recurse ? prefixOf(call) : keyOf(call)
  const write = await clusterWrite(api, call, { type: 'kv.delete', key, recurse, ...casOf(call) })
  return written(!call.query.has('cas') || write.value.kind !== 'unchanged', write)
}

function keyOf(call: Call): string {
  if (call.name === '')
    throw new ApiRefusal('bad-request', 'Missing key name: it stands at the end of the path')
  return prefixOf(call)
}

function prefixOf({ name }: Call): string {
  if (name.includes('\u0000'))
    throw new ApiRefusal('bad-request', 'a key cannot contain U+0000 (bad-request)')
  if (name.length <= limits.kvKeyChars) return name
  throw new ApiRefusal('too-large', `the key is longer than ${limits.kvKeyChars} characters (too-large)`)
}

function flagsOf({ query }: Call): string {
  const given = query.get('flags')
  if (given === null) return '0'
  const flags = given.replace(/^0+(?=\d)/, '')
  if (isFlags(flags)) return flags
  throw new ApiRefusal('bad-request', 'Invalid flags: a whole number from 0 to 18446744073709551615')
}

function casOf({ query }: Call): { readonly casIndex?: number } {
  if (!query.has('cas')) return {}
  const complaint = 'Invalid cas: it must be a ModifyIndex, or 0 for a key that is not there'
  const casIndex = indexOf(query, 'cas', complaint)
  if (casIndex === undefined) throw new ApiRefusal('bad-request', complaint)
  return { casIndex }
}

function refuseConflict({ query }: Call, names: readonly string[]): void {
  const given = names.filter((name) => query.has(name))
  if (given.length > 1) throw new ApiRefusal('bad-request', `Conflicting flags: ${given.join('&')}`)
}
