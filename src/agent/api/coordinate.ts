/**
 * Network distances. No host measures any in this version, so there are none to list, and `?near=` keeps the stable order;
 * a node has none either, which is Consul's answer for a node that has not sent its own yet.
 */
import { clusterRead } from './cluster.ts'
import type { Answer, Api, Call, Endpoint } from './contract.ts'
import { refuseElsewhere } from './parameters.ts'

export const coordinateEndpoints: readonly Endpoint[] = [
  { path: '/v1/coordinate/datacenters', actions: { GET: { need: 'read', run: datacenters } } },
  { path: '/v1/coordinate/nodes', actions: { GET: { need: 'read', run: nodes } } },
  { path: '/v1/coordinate/node/*', actions: { GET: { need: 'read', run: node } } },
]

function datacenters(api: Api, call: Call): Answer {
  refuseElsewhere(call.query, api.settings.datacenter)
  return { json: [] }
}

/** The index is that of the nodes: a new one is the only reason to look again. */
async function nodes(api: Api, call: Call): Promise<Answer> {
  const { meta } = await clusterRead(api, call, 'catalog.nodes', { nodeMeta: {} })
  return { json: [], meta }
}

async function node(api: Api, call: Call): Promise<Answer> {
  const { meta } = await clusterRead(api, call, 'catalog.node', { node: call.name })
  return { status: 404, meta }
}
