/**
 * Health checks of this host: read, registered, removed, and the heartbeats of TTL checks.
 */
import { parseCheckRegistration } from '../../config/registration.ts'
import type { CheckStatus } from '../../model/check.ts'
import { limits } from '../../model/limits.ts'
import { parseTtlUpdate } from '../../wire/http-json/bodies.ts'
import { checkJson } from '../../wire/http-json/check.ts'
import { checkFields } from '../../wire/http-json/filter-fields.ts'
import { jsonBody } from './body.ts'
import type { Action, Answer, Api, Call, Endpoint } from './contract.ts'
import { filterOf, shownById } from './filter.ts'
import { refuseElsewhere } from './parameters.ts'
import { ApiRefusal, accept, acceptPlain } from './refusal.ts'

/** `pass`, `warn`, `fail`: the heartbeat's text comes as `?note=`. */
const heartbeat = (status: CheckStatus): Action => ({
  need: 'local',
  run: (api, call) => update(api, call, { status, output: call.query.get('note') ?? '' }),
})

export const agentCheckEndpoints: readonly Endpoint[] = [
  { path: '/v1/agent/checks', actions: { GET: { need: 'read', run: list } } },
  { path: '/v1/agent/check/register', actions: { PUT: { need: 'local', run: register } } },
  { path: '/v1/agent/check/deregister/*', actions: { PUT: { need: 'local', run: deregister } } },
  { path: '/v1/agent/check/pass/*', actions: { PUT: heartbeat('passing') } },
  { path: '/v1/agent/check/warn/*', actions: { PUT: heartbeat('warning') } },
  { path: '/v1/agent/check/fail/*', actions: { PUT: heartbeat('critical') } },
  {
    path: '/v1/agent/check/update/*',
    actions: {
      PUT: {
        need: 'local',
        run: (api, call) => update(api, call, acceptPlain(parseTtlUpdate(jsonBody(call)))),
      },
    },
  },
]

async function list(api: Api, call: Call): Promise<Answer> {
  refuseElsewhere(call.query, api.settings.datacenter)
  const passes = filterOf(call, checkFields)
  const byId = api.registry.checks().map(({ check }) => [check.checkId, check] as const)
  return { json: await shownById(api, byId, checkJson, passes) }
}

function register(api: Api, call: Call): Answer {
  refuseElsewhere(call.query, api.settings.datacenter)
  const definition = acceptPlain(parseCheckRegistration(call.body))
  if (definition.serviceId !== '' && api.registry.service(definition.serviceId) === undefined)
    throw new ApiRefusal('bad-request', `ServiceID "${definition.serviceId}" does not exist`)
  accept(api.registry.registerCheck(definition, 'api'))
  return {}
}

function deregister(api: Api, call: Call): Answer {
  const id = knownCheck(api, call)
  accept(api.registry.deregisterCheck(id))
  return {}
}

function update(
  api: Api,
  call: Call,
  { status, output }: { readonly status: CheckStatus; readonly output: string },
): Answer {
  const id = knownCheck(api, call)
  if (api.registry.check(id)?.definition.probe.type !== 'ttl')
    throw new ApiRefusal('bad-request', `CheckID "${id}" does not have associated TTL`)
  accept(api.registry.updateTtl(id, status, output.slice(0, limits.checkOutputBytes)))
  return {}
}

function knownCheck(api: Api, call: Call): string {
  const id = call.name
  if (api.registry.check(id) === undefined)
    throw new ApiRefusal(
      'not-found',
      `Unknown check ID "${id}". Ensure that the check ID is passed, not the check name.`,
    )
  return id
}
