/**
 * The cluster's catalog: nodes and services of all hosts, and registrations by hand for what has no agent.
 */
import type { NodeServices, ServiceFilter } from '../../model/query.ts'
import { parseDeregistration } from '../../wire/http-json/bodies.ts'
import { catalogServiceJson } from '../../wire/http-json/catalog.ts'
import { parseCatalogRegistration } from '../../wire/http-json/catalog-registration.ts'
import { catalogServiceFields, nodeFields, serviceFields } from '../../wire/http-json/filter-fields.ts'
import { nodeJson } from '../../wire/http-json/node.ts'
import { catalogServiceInstanceJson } from '../../wire/http-json/service.ts'
import { jsonBody } from './body.ts'
import { clusterRead, clusterWrite, ownRead, written } from './cluster.ts'
import type { Answer, Api, Call, Endpoint } from './contract.ts'
import { filterOf, shownById, shownRows } from './filter.ts'
import { nearestFirst } from './near.ts'
import { nodeMeta, tags, whereOf } from './parameters.ts'
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
  { path: '/v1/catalog/gateway-services/*', actions: { GET: { need: 'read', run: gatewayServices } } },
  { path: '/v1/catalog/register', actions: { PUT: { need: 'operate', run: register } } },
  { path: '/v1/catalog/deregister', actions: { PUT: { need: 'operate', run: deregister } } },
]

/** The name at the end of the path; Consul's sentence where it is missing. */
export function nameOf(call: Call, what: 'service' | 'node' | 'gateway'): string {
  const name = call.name
  if (name === '')
    throw new ApiRefusal('bad-request', `Missing ${what} name: it stands at the end of the path`)
  return name
}

export function serviceFilter(call: Call): ServiceFilter {
  return { service: nameOf(call, 'service'), tags: tags(call.query), nodeMeta: nodeMeta(call.query) }
}

async function datacenters(api: Api, call: Call): Promise<Answer> {
  return { json: await ownRead(api, call, 'catalog.datacenters', {}) }
}

async function nodes(api: Api, call: Call): Promise<Answer> {
  const passes = filterOf(call, nodeFields)
  const { answer, meta } = await clusterRead(api, call, 'catalog.nodes', { nodeMeta: nodeMeta(call.query) })
  const ordered = nearestFirst(api, call, answer, ({ name }) => name)
  return { json: await shownRows(api, ordered, nodeJson, passes), meta }
}

/** The server applies the filter, because its rows are all instances and the answer is only their names. */
async function services(api: Api, call: Call): Promise<Answer> {
  filterOf(call, catalogServiceFields)
  const filter = call.query.get('filter') ?? ''
  const { answer, meta } = await clusterRead(api, call, 'catalog.services', {
    nodeMeta: nodeMeta(call.query),
    ...(filter.trim() === '' ? {} : { filter }),
  })
  return { json: answer, meta }
}

async function instances(api: Api, call: Call, query: 'catalog.service' | 'catalog.mesh'): Promise<Answer> {
  const passes = filterOf(call, catalogServiceFields)
  const { answer, meta } = await clusterRead(api, call, query, serviceFilter(call))
  const ordered = nearestFirst(api, call, answer, (entry) => entry.node.name)
  return { json: await shownRows(api, ordered, catalogServiceJson, passes), meta }
}

async function node(api: Api, call: Call): Promise<Answer> {
  const passes = filterOf(call, serviceFields)
  const { answer, meta } = await clusterRead(api, call, 'catalog.node', { node: nameOf(call, 'node') })
  if (answer === null) return { json: null, meta }
  const byId = answer.services.map((service) => [service.id, service] as const)
  const Services = await shownById(api, byId, instanceJson(answer), passes)
  return { json: { Node: nodeJson(answer.node), Services }, meta }
}

async function nodeServices(api: Api, call: Call): Promise<Answer> {
  const passes = filterOf(call, serviceFields)
  const { answer, meta } = await clusterRead(api, call, 'catalog.node', { node: nameOf(call, 'node') })
  if (answer === null) return { json: { Node: null, Services: [] }, meta }
  const Services = await shownRows(api, answer.services, instanceJson(answer), passes)
  return { json: { Node: nodeJson(answer.node), Services }, meta }
}

const instanceJson =
  ({ node }: NodeServices) =>
  (service: NodeServices['services'][number]) =>
    catalogServiceInstanceJson(service, node.datacenter)

/** Gateways do not exist here, so none serves anything; the index is that of the name, should it ever be registered. */
async function gatewayServices(api: Api, call: Call): Promise<Answer> {
  const args = { service: nameOf(call, 'gateway'), tags: [], nodeMeta: {} }
  const { meta } = await clusterRead(api, call, 'catalog.service', args)
  return { json: [], meta }
}

async function register(api: Api, call: Call): Promise<Answer> {
  const datacenter = whereOf(call.query, api.settings.datacenter)
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
  const body = acceptPlain(parseDeregistration(jsonBody(call)))
  refuseOtherDatacenter(body.datacenter, whereOf(call.query, api.settings.datacenter))
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
