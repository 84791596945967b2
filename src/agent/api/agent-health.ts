/**
 * One word for the health of a service on this host, as a status that load balancers understand: 200 passing, 429 warning,
 * 503 critical or in maintenance, 404 unknown. Checks of the node count for each of its services.
 */
import { type AggregatedStatus, aggregateStatus } from '../../model/check.ts'
import { type CheckJson, checkJson } from '../../wire/http-json/check.ts'
import { type AgentServiceJson, agentServiceJson } from '../../wire/http-json/service.ts'
import type { LocalService } from '../contract.ts'
import type { Answer, Api, Call, Endpoint } from './contract.ts'
import { refuseElsewhere } from './parameters.ts'
import { ApiRefusal } from './refusal.ts'

export const agentHealthEndpoints: readonly Endpoint[] = [
  { path: '/v1/agent/health/service/id/*', actions: { GET: { need: 'read', run: byId } } },
  { path: '/v1/agent/health/service/name/*', actions: { GET: { need: 'read', run: byName } } },
]

interface ServiceHealthJson {
  readonly AggregatedStatus: AggregatedStatus
  readonly Service: AgentServiceJson | null
  readonly Checks: readonly CheckJson[] | null
}

const statusCodes: Readonly<Record<AggregatedStatus, number>> = {
  passing: 200,
  warning: 429,
  critical: 503,
  maintenance: 503,
}
/** From best to worst. */
const order: readonly AggregatedStatus[] = ['passing', 'warning', 'critical', 'maintenance']

function byId(api: Api, call: Call): Answer {
  refuseElsewhere(call.query, api.settings.datacenter)
  const id = call.name
  if (id === '') throw new ApiRefusal('bad-request', 'Missing serviceID: it stands at the end of the path')
  const found = api.registry.service(id)
  if (found === undefined) {
    const json: ServiceHealthJson = { AggregatedStatus: 'critical', Service: null, Checks: null }
    return answered(call, { reason: `ServiceId ${id} not found`, status: 404, json })
  }
  const json = healthOf(api, found)
  return answered(call, { reason: json.AggregatedStatus, status: statusCodes[json.AggregatedStatus], json })
}

/** All instances of the name; the worst of them decides. */
function byName(api: Api, call: Call): Answer {
  refuseElsewhere(call.query, api.settings.datacenter)
  const name = call.name
  if (name === '')
    throw new ApiRefusal('bad-request', 'Missing service Name: it stands at the end of the path')
  const json = api.registry
    .services()
    .filter(({ service }) => service.name === name)
    .map((local) => healthOf(api, local))
  if (json.length === 0) return answered(call, { reason: `ServiceName ${name} Not Found`, status: 404, json })
  const worst = order.findLast((status) => json.some((row) => row.AggregatedStatus === status)) ?? 'passing'
  return answered(call, { reason: worst, status: statusCodes[worst], json })
}

function healthOf(api: Api, { service }: LocalService): ServiceHealthJson {
  const checks = api.registry
    .checks()
    .map(({ check }) => check)
    .filter(({ serviceId }) => serviceId === '' || serviceId === service.id)
  return {
    AggregatedStatus: aggregateStatus(checks),
    Service: agentServiceJson(service, api.settings.datacenter),
    Checks: checks.map(checkJson),
  }
}

function answered(
  call: Call,
  { reason, status, json }: { readonly reason: string; readonly status: number; readonly json: unknown },
): Answer {
  const wantsText = call.query.get('format') === 'text' || call.header('accept').startsWith('text/plain')
  // A name comes from the path and may hold what no header can.
  const headers = { 'X-Consul-Reason': reason.replace(/[^\x20-\x7e]/g, '?') }
  if (wantsText) return { status, headers, text: { body: reason, type: 'text/plain; charset=utf-8' } }
  return { status, headers, json }
}
