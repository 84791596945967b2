/**
 * Maintenance of this host and of its services, by Consul's rules: `enable` has to be said, `reason` is shown to whoever
 * asks why the instance is out.
 */
import type { Answer, Api, Call, Endpoint } from './contract.ts'
import { refuseElsewhere } from './parameters.ts'
import { ApiRefusal, accept } from './refusal.ts'

export const maintenanceEndpoints: readonly Endpoint[] = [
  { path: '/v1/agent/maintenance', actions: { PUT: { need: 'local', run: maintainHost } } },
  { path: '/v1/agent/service/maintenance/*', actions: { PUT: { need: 'local', run: maintainService } } },
]

function maintainHost(api: Api, call: Call): Answer {
  return change(api, call, '')
}

function maintainService(api: Api, call: Call): Answer {
  const id = call.name
  if (id === '') throw new ApiRefusal('bad-request', 'Missing service ID: it stands at the end of the path')
  // What was asked must be understood before it is looked for, as in Consul.
  enableOf(call)
  if (api.registry.service(id) === undefined)
    throw new ApiRefusal(
      'not-found',
      `Unknown service ID "${id}". Ensure that the service ID is passed, not the service name.`,
    )
  return change(api, call, id)
}

function change(api: Api, call: Call, serviceId: string): Answer {
  refuseElsewhere(call.query, api.settings.datacenter)
  const enable = enableOf(call)
  const reason = call.query.get('reason') ?? ''
  accept(api.registry.setMaintenance(serviceId, enable ? { reason } : undefined))
  api.log.info(enable ? 'Maintenance begins' : 'Maintenance ends', { service: serviceId, reason })
  return {}
}

function enableOf(call: Call): boolean {
  const value = call.query.get('enable')
  if (value === null || value === '')
    throw new ApiRefusal('bad-request', 'Missing value for enable: add enable=true or enable=false')
  if (/^(1|t|T|true|TRUE|True)$/.test(value)) return true
  if (/^(0|f|F|false|FALSE|False)$/.test(value)) return false
  throw new ApiRefusal('bad-request', `Invalid value for enable: "${value.slice(0, 64)}"`)
}
