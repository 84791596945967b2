/** How much the mesh holds, in Consul's shape (reference/consul.md 1.9): `/v1/operator/usage`. */
import { usageJson } from '../../wire/http-json/usage.ts'
import { clusterRead } from './cluster.ts'
import type { Answer, Api, Call, Endpoint } from './contract.ts'

export const usageEndpoints: readonly Endpoint[] = [
  { path: '/v1/operator/usage', actions: { GET: { need: 'read', run: usage } } },
]

async function usage(api: Api, call: Call): Promise<Answer> {
  const { answer: services, meta } = await clusterRead(api, call, 'mesh.services', {})
  const { answer: nodes } = await clusterRead(api, call, 'catalog.nodes', { nodeMeta: {} })
  const facts = { datacenter: api.settings.datacenter, services, nodes: nodes.length, meta }
  return { json: usageJson(facts), meta }
}
