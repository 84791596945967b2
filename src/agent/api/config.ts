/**
 * Config entries over HTTP. Which kinds there are and what they may hold, model/ and config/ say.
 */
import { parseConfigEntry } from '../../config/changes.ts'
import type { AppliedValue } from '../../model/command.ts'
import { type ConfigEntryKind, configEntryKinds } from '../../model/config-entry.ts'
import { configEntryFields } from '../../wire/http-json/filter-fields.ts'
import { configEntryJson } from '../../wire/http-json/intention.ts'
import { clusterRead, clusterWrite, written } from './cluster.ts'
import type { Answer, Api, Call, Endpoint } from './contract.ts'
import { filterOf, shownRows } from './filter.ts'
import { indexOf } from './parameters.ts'
import { ApiRefusal, acceptPlain } from './refusal.ts'

export const configEndpoints: readonly Endpoint[] = [
  { path: '/v1/config', actions: { PUT: { need: 'operate', run: upsert } } },
  { path: '/v1/config/:kind', actions: { GET: { need: 'read', run: list } } },
  {
    path: '/v1/config/:kind/*',
    actions: { GET: { need: 'read', run: one }, DELETE: { need: 'operate', run: remove } },
  },
]

async function list(api: Api, call: Call): Promise<Answer> {
  const passes = filterOf(call, configEntryFields)
  const { answer, meta } = await clusterRead(api, call, 'config.list', { kind: kindOf(call) })
  return { json: await shownRows(api, answer, configEntryJson, passes), meta }
}

async function one(api: Api, call: Call): Promise<Answer> {
  const kind = kindOf(call)
  const name = nameOf(call)
  const { answer, meta } = await clusterRead(api, call, 'config.get', { kind, name })
  if (answer !== null) return { json: configEntryJson(answer), meta }
  const body = `Config entry not found for "${kind}" / "${name}"`
  const text = { body, type: 'text/plain; charset=utf-8' }
  return { status: 404, meta, text, headers: { 'X-Mesh-Reason': 'not-found' } }
}

async function upsert(api: Api, call: Call): Promise<Answer> {
  const entry = acceptPlain(parseConfigEntry(call.body))
  const write = await clusterWrite(api, call, { type: 'config-entry.upsert', entry, ...casOf(call) })
  return written(casHeld(call, write.value), write)
}

/** With `cas` the answer says whether the entry went; without it is `{}` even where there was none, as in Consul. */
async function remove(api: Api, call: Call): Promise<Answer> {
  const target = { kind: kindOf(call), name: nameOf(call) }
  const write = await clusterWrite(api, call, { type: 'config-entry.delete', ...target, ...casOf(call) })
  return written(call.query.has('cas') ? casHeld(call, write.value) : {}, write)
}

function casOf(call: Call): { readonly casIndex?: number } {
  const casIndex = indexOf(call.query, 'cas', 'Invalid cas value: it must be a ModifyIndex')
  return casIndex === undefined ? {} : { casIndex }
}

const casHeld = (call: Call, value: AppliedValue): boolean =>
  !call.query.has('cas') || value.kind !== 'unchanged'

function kindOf(call: Call): ConfigEntryKind {
  const kind = call.kind
  const known = configEntryKinds.find((candidate) => candidate === kind)
  if (known === undefined)
    throw new ApiRefusal(
      'bad-request',
      `invalid config entry kind: ${kind.slice(0, 64)} (this version has: ${configEntryKinds.join(', ')})`,
    )
  return known
}

function nameOf(call: Call): string {
  const name = call.name
  if (name === '')
    throw new ApiRefusal('bad-request', 'Missing config entry name: it stands at the end of the path')
  return name
}
