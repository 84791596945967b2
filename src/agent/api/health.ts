/**
 * Health of services and nodes as the cluster knows it. `passing` means every check of the instance and of its node.
 */
import { aggregateStatus, type CheckStatus } from '../../model/check.ts'
import { serviceEntryJson } from '../../wire/http-json/catalog.ts'
import { checkJson } from '../../wire/http-json/check.ts'
import { checkFields, entryFields } from '../../wire/http-json/filter-fields.ts'
import { nameOf, serviceFilter } from './catalog.ts'
import { clusterRead } from './cluster.ts'
import type { Answer, Api, Call, Endpoint } from './contract.ts'
import { filterOf, shownRows } from './filter.ts'
import { nearestFirst } from './near.ts'
import { nodeMeta, passingOnly } from './parameters.ts'
import { ApiRefusal } from './refusal.ts'

export const healthEndpoints: readonly Endpoint[] = [
  {
    path: '/v1/health/service/*',
    actions: { GET: { need: 'read', run: (api, call) => entries(api, call, 'catalog.service') } },
  },
  {
    path: '/v1/health/connect/*',
    actions: { GET: { need: 'read', run: (api, call) => entries(api, call, 'catalog.mesh') } },
  },
  { path: '/v1/health/ingress/*', actions: { GET: { need: 'read', run: ingress } } },
  { path: '/v1/health/checks/*', actions: { GET: { need: 'read', run: checksOfService } } },
  { path: '/v1/health/node/*', actions: { GET: { need: 'read', run: checksOfNode } } },
  { path: '/v1/health/state/*', actions: { GET: { need: 'read', run: checksInState } } },
]

async function entries(api: Api, call: Call, query: 'catalog.service' | 'catalog.mesh'): Promise<Answer> {
  const only = passingOnly(call.query)
  const passes = filterOf(call, entryFields)
  const { answer, meta } = await clusterRead(api, call, query, serviceFilter(call))
  const shown = only ? answer.filter((entry) => aggregateStatus(entry.checks) === 'passing') : answer
  const ordered = nearestFirst(api, call, shown, (entry) => entry.node.name)
  return { json: await shownRows(api, ordered, serviceEntryJson, passes), meta }
}

/** Gateways do not exist here, so none is bound to the service. */
async function ingress(api: Api, call: Call): Promise<Answer> {
  passingOnly(call.query)
  filterOf(call, entryFields)
  const { meta } = await clusterRead(api, call, 'catalog.service', serviceFilter(call))
  return { json: [], meta }
}

/** Checks of the service's instances, without those of their nodes. */
async function checksOfService(api: Api, call: Call): Promise<Answer> {
  const passes = filterOf(call, checkFields)
  const { answer, meta } = await clusterRead(api, call, 'catalog.service', serviceFilter(call))
  const checks = answer.flatMap((entry) =>
    entry.checks.filter((check) => check.serviceId === entry.service.id),
  )
  const ordered = nearestFirst(api, call, checks, (check) => check.node)
  return { json: await shownRows(api, ordered, checkJson, passes), meta }
}

async function checksOfNode(api: Api, call: Call): Promise<Answer> {
  const passes = filterOf(call, checkFields)
  const { answer, meta } = await clusterRead(api, call, 'catalog.node', { node: nameOf(call, 'node') })
  return { json: await shownRows(api, answer?.checks ?? [], checkJson, passes), meta }
}

const states: readonly string[] = ['any', 'passing', 'warning', 'critical']

async function checksInState(api: Api, call: Call): Promise<Answer> {
  const passes = filterOf(call, checkFields)
  const state = call.name
  if (!states.includes(state))
    throw new ApiRefusal(
      'bad-request',
      `Invalid check state "${state.slice(0, 64)}": use any, passing, warning or critical`,
    )
  const args = { state: state as CheckStatus | 'any', nodeMeta: nodeMeta(call.query) }
  const { answer, meta } = await clusterRead(api, call, 'health.state', args)
  const ordered = nearestFirst(api, call, answer, (check) => check.node)
  return { json: await shownRows(api, ordered, checkJson, passes), meta }
}
