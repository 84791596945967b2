/**
 * PUT /v1/mesh/evict/:node shuts a host out: its key, its certificates, what it registered. `{Node, Changed}`; Changed is false
 * where it was shut out before. The X-Mesh-Index header is where the eviction stands in the log.
 */
import { clusterWrite, written } from './cluster.ts'
import type { Answer, Api, Call, Endpoint } from './contract.ts'
import { refuseElsewhere } from './parameters.ts'
import { ApiRefusal } from './refusal.ts'

export const evictEndpoints: readonly Endpoint[] = [
  { path: '/v1/mesh/evict/*', actions: { PUT: { need: 'operate', run: evict } } },
]

async function evict(api: Api, call: Call): Promise<Answer> {
  refuseElsewhere(call.query, api.settings.datacenter)
  if (call.name === '')
    throw new ApiRefusal('bad-request', 'Missing node name: it stands at the end of the path')
  const done = await clusterWrite(api, call, { type: 'host.evict', node: call.name })
  return written({ Node: call.name, Changed: done.value.kind === 'done' }, done)
}
