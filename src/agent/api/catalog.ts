/**
 * The cluster's catalog: nodes and services of all hosts, and registrations by hand for what has no agent.
 */
import type { ServiceFilter } from '../../model/query.ts'
import { parseDeregistration } from '../../wire/http-json/bodies.ts'
import { catalogServiceJson, nodeServiceListJson, nodeServicesJson } from '../../wire/http-json/catalog.ts'
import { parseCatalogRegistration } from '../../wire/http-json/catalog-registration.ts'
import { nodeJson } from '../../wire/http-json/node.ts'
import { jsonBody } from './body.ts'
import { clusterRead, clusterWrite, plainRead, written } from './cluster.ts'
import type { Answer, Api, Call, Endpoint } from './contract.ts'
import { nodeMeta, refuseElsewhere, refuseFilter, tags } from './parameters.ts'
import { ApiRefusal, acceptPlain } from './refusal.ts'

export const catalogEndpoints: readonly Endpoint[] = [
  { path: '/v1/catalog/datacenters', actions: { GET: { need: 'read', run: datacenters } } },
  { path: '/v1/catalog/nodes', actions: { GET: { need: 'read', run: nodes } } },
  { path: '/v1/catalog/services', actions: { GET: { need: 'read', run: services } } },
  {
    path: '/v1/catalog/service/*',
    actions: { GET: { need: 'read', run: (api, call) => instances(api, call, 'catalog.service') } },
  },
  {
    path: '/v1/catalog/connect/*',
    actions: { GET: { need: 'read', run: (api, call) => instances(api, call, 'catalog.mesh') } },
  },
  { path: '/v1/catalog/node/*', actions: { GET: { need: 'read', run: node } } },
  { path: '/v1/catalog/node-services/*', actions: { GET: { need: 'read', run: nodeServices } } },
  { path: '/v1/catalog/register', actions: { PUT: { need: 'operate', run: register } } },
  { path: '/v1/catalog/deregister', actions: { PUT: { need: 'operate', run: deregister } } },
]

/** The name at the end of the path; Consul's sentence where it is missing. */
export function nameOf(call: Call, what: 'service' | 'node'): string {
  const name = call.name
  if (name === '') throw new ApiRefusal('bad-request', `Missing ${what} name`)
  return name
}

export function serviceFilter(call: Call): ServiceFilter {
  refuseFilter(call.query)
  return { service: nameOf(call, 'service'), tags: tags(call.query), nodeMeta: nodeMeta(call.query) }
}

async function datacenters(api: Api, call: Call): Promise<Answer> {
  const { answer } = await plainRead(api, call, 'catalog.datacenters', {})
  return { json: answer }
}

async function nodes(api: Api, call: Call): Promise<Answer> {
  refuseFilter(call.query)
  const { answer, meta } = await clusterRead(api, call, 'catalog.nodes', { nodeMeta: nodeMeta(call.query) })
  return { json: answer.map(nodeJson), meta }
}

async function services(api: Api, call: Call): Promise<Answer> {
  refuseFilter(call.query)
  const { answer, meta } = await clusterRead(api, call, 'catalog.services', {
    nodeMeta: nodeMeta(call.query),
  })
  return { json: answer, meta }
}

async function instances(api: Api, call: Call, query: 'catalog.service' | 'catalog.mesh'): Promise<Answer> {
  const { answer, meta } = await clusterRead(api, call, query, serviceFilter(call))
  return { json: answer.map(catalogServiceJson), meta }
}

async function node(api: Api, call: Call): Promise<Answer> {
  refuseFilter(call.query)
  const { answer, meta } = await clusterRead(api, call, 'catalog.node', { node: nameOf(call, 'node') })
  return { json: nodeServicesJson(answer), meta }
}

async function nodeServices(api: Api, call: Call): Promise<Answer> {
  refuseFilter(call.query)
  const { answer, meta } = await clusterRead(api, call, 'catalog.node', { node: nameOf(call, 'node') })
  return { json: nodeServiceListJson(answer), meta }
}

async function register(api: Api, call: Call): Promise<Answer> {
  const { datacenter } = api.settings
  refuseElsewhere(call.query, datacenter)
  const body = acceptPlain(parseCatalogRegistration(jsonBody(call), datacenter))
  refuseOtherDatacenter(body.datacenter, datacenter)
  const write = await clusterWrite(api, call, {
    type: 'catalog.register',
    node: body.skipNodeUpdate ? body.node.name : body.node,
    services: body.services,
    checks: body.checks,
  })
  return written(true, write)
}

async function deregister(api: Api, call: Call): Promise<Answer> {
  refuseElsewhere(call.query, api.settings.datacenter)
  const body = acceptPlain(parseDeregistration(jsonBody(call)))
  refuseOtherDatacenter(body.datacenter, api.settings.datacenter)
  const write = await clusterWrite(api, call, {
    type: 'catalog.deregister',
    node: body.node,
    ...(body.serviceId === '' ? {} : { serviceId: body.serviceId }),
    ...(body.checkId === '' ? {} : { checkId: body.checkId }),
  })
  return written(true, write)
}

function refuseOtherDatacenter(wanted: string, ours: string): void {
  if (wanted !== '' && wanted !== ours) throw new ApiRefusal('unknown-datacenter', 'No path to datacenter')
}
