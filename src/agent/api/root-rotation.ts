/**
 * The steps of a rotation of the root that services trust, below `/v1/mesh/ca/`, for `mesh ca rotate`.
 *
 * PUT root: a root that is trusted and signs nothing yet, `{ID, Index}`; `/v1/mesh/enforcement/roots:?index=` counts the proxies
 * that trust it. PUT root/:id: it signs from now on. DELETE root/:id: an old one is trusted no more; `?force` also while
 * certificates of it may be valid.
 */
import { clusterWrite, written } from './cluster.ts'
import type { Answer, Api, Call, Endpoint } from './contract.ts'
import { operate } from './operate.ts'
import { isSet, refuseElsewhere } from './parameters.ts'
import { ApiRefusal } from './refusal.ts'

export const rootRotationEndpoints: readonly Endpoint[] = [
  { path: '/v1/mesh/ca/root', actions: { PUT: { need: 'operate', run: prepare } } },
  {
    path: '/v1/mesh/ca/root/*',
    actions: { PUT: { need: 'operate', run: activate }, DELETE: { need: 'operate', run: remove } },
  },
]

async function prepare(api: Api, call: Call): Promise<Answer> {
  refuseElsewhere(call.query, api.settings.datacenter)
  const { id, index } = await operate(api, call, 'ca.prepare-root', {})
  return { json: { ID: id, Index: index } }
}

async function activate(api: Api, call: Call): Promise<Answer> {
  return written(true, await clusterWrite(api, call, { type: 'root.activate', id: idOf(api, call) }))
}

async function remove(api: Api, call: Call): Promise<Answer> {
  const args = { id: idOf(api, call), force: isSet(call.query, 'force') }
  const { index } = await operate(api, call, 'ca.remove-root', args)
  return { json: true, headers: { 'X-Mesh-Index': String(index) } }
}

function idOf(api: Api, call: Call): string {
  refuseElsewhere(call.query, api.settings.datacenter)
  if (call.name !== '') return call.name
  throw new ApiRefusal('bad-request', 'Missing root ID: it stands at the end of the path')
}
