/**
 * Services of this host: read, registered and removed at the agent, which is their owner. The catalog follows by itself.
 */
import { parseServiceRegistration } from '../../config/registration.ts'
import { serviceFields } from '../../wire/http-json/filter-fields.ts'
import { agentServiceJson, hashedServiceJson } from '../../wire/http-json/service.ts'
import { registrySubject } from './changes.ts'
import type { Answer, Api, Call, Endpoint } from './contract.ts'
import { filterOf, shownById } from './filter.ts'
import { refuseElsewhere, waitOf } from './parameters.ts'
import { ApiRefusal, accept, acceptPlain } from './refusal.ts'

export const agentServiceEndpoints: readonly Endpoint[] = [
  { path: '/v1/agent/services', actions: { GET: { need: 'read', run: list } } },
  { path: '/v1/agent/service/*', actions: { GET: { need: 'read', run: one } } },
  { path: '/v1/agent/service/register', actions: { PUT: { need: 'local', run: register } } },
  { path: '/v1/agent/service/deregister/*', actions: { PUT: { need: 'local', run: deregister } } },
]

async function list(api: Api, call: Call): Promise<Answer> {
  refuseElsewhere(call.query, api.settings.datacenter)
  const passes = filterOf(call, serviceFields)
  const { datacenter } = api.settings
  const byId = api.registry.services().map(({ service }) => [service.id, service] as const)
  return { json: await shownById(api, byId, (service) => agentServiceJson(service, datacenter), passes) }
}

/** `?hash=` waits until the service is another one than the hash says, or gone. */
async function one(api: Api, call: Call): Promise<Answer> {
  const id = call.name
  const { datacenter } = api.settings
  const current = () => {
    const found = api.registry.service(id)
    return found === undefined ? undefined : hashedServiceJson(found.service, datacenter)
  }
  const hash = call.query.get('hash') ?? ''
  const waitMs = waitOf(call.query)
  if (hash !== '' && current()?.ContentHash === hash)
    await call.hold(() =>
      api.changes.wait(registrySubject, () => current()?.ContentHash !== hash, {
        waitMs,
        signal: call.signal,
      }),
    )
  const service = current()
  if (service === undefined) throw new ApiRefusal('not-found', `unknown service ID: ${id}`)
  return { json: service, headers: { 'X-Consul-ContentHash': service.ContentHash ?? '' } }
}

function register(api: Api, call: Call): Answer {
  refuseElsewhere(call.query, api.settings.datacenter)
  const definition = acceptPlain(parseServiceRegistration(call.body))
  const flag = call.query.get('replace-existing-checks')
  const replaceChecks = flag !== null && !/^(0|f|false)$/i.test(flag)
  accept(api.registry.register(definition, { source: 'api', replaceChecks }))
  return {}
}

function deregister(api: Api, call: Call): Answer {
  const id = call.name
  if (api.registry.service(id) === undefined)
    throw new ApiRefusal(
      'not-found',
      `Unknown service ID "${id}". Ensure that the service ID is passed, not the service name.`,
    )
  accept(api.registry.deregister(id))
  return {}
}
