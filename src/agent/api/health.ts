/**
 * Health of services and nodes as the cluster knows it. `passing` means every check of the instance and of its node.
 */
import { aggregateStatus, type CheckStatus } from '../../model/check.ts'
import { serviceEntryJson } from '../../wire/http-json/catalog.ts'
import { checkJson } from '../../wire/http-json/check.ts'
import { nameOf, serviceFilter } from './catalog.ts'
import { clusterRead } from './cluster.ts'
import type { Answer, Api, Call, Endpoint } from './contract.ts'
import { nodeMeta, passingOnly, refuseFilter } from './parameters.ts'
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
  { path: '/v1/health/checks/*', actions: { GET: { need: 'read', run: checksOfService } } },
  { path: '/v1/health/node/*', actions: { GET: { need: 'read', run: checksOfNode } } },
  { path: '/v1/health/state/*', actions: { GET: { need: 'read', run: checksInState } } },
]

async function entries(api: Api, call: Call, query: 'catalog.service' | 'catalog.mesh'): Promise<Answer> {
  const only = passingOnly(call.query)
  const { answer, meta } = await clusterRead(api, call, query, serviceFilter(call))
  const shown = only ? answer.filter((entry) => aggregateStatus(entry.checks) === 'passing') : answer
  return { json: shown.map(serviceEntryJson), meta }
}

/** Checks of the service's instances, without those of their nodes. */
async function checksOfService(api: Api, call: Call): Promise<Answer> {
  const { answer, meta } = await clusterRead(api, call, 'catalog.service', serviceFilter(call))
  const checks = answer.flatMap((entry) =>
    entry.checks.filter((check) => check.serviceId === entry.service.id),
  )
  return { json: checks.map(checkJson), meta }
}

async function checksOfNode(api: Api, call: Call): Promise<Answer> {
  refuseFilter(call.query)
  const { answer, meta } = await clusterRead(api, call, 'catalog.node', { node: nameOf(call, 'node') })
  return { json: (answer?.checks ?? []).map(checkJson), meta }
}

const states: readonly string[] = ['any', 'passing', 'warning', 'critical']

async function checksInState(api: Api, call: Call): Promise<Answer> {
  refuseFilter(call.query)
  const state = call.name
  if (!states.includes(state))
    throw new ApiRefusal(
      'bad-request',
      `Invalid check state "${state.slice(0, 64)}": use any, passing, warning or critical`,
    )
  const args = { state: state as CheckStatus | 'any', nodeMeta: nodeMeta(call.query) }
  const { answer, meta } = await clusterRead(api, call, 'health.state', args)
  return { json: answer.map(checkJson), meta }
}
