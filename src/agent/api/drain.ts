/**
 * Draining of this host and its services, below `/v1/mesh/drain/`, because Consul has no name for it.
 *
 * And `PUT /v1/agent/leave`, Consul's, which drains the host before the agent stops.
 *
 * PUT service/:id or host, `?timeout=30s&reason=`: begins. DELETE: back into use. GET: `{ServiceID, Phase, Proxies, Total,
 * Open, Cut, LeftMs}`; Phase is none, leaving, closing or drained; Proxies of Total know that the instance is out; Proxies,
 * Total and Open are null while they are not known.
 */
import { parseDurationMs } from '../../model/duration.ts'
import { limits } from '../../model/limits.ts'
import type { Action, Answer, Api, Call, Endpoint } from './contract.ts'
import { refuseElsewhere } from './parameters.ts'
import { ApiRefusal, accept, acceptPlain } from './refusal.ts'

const actions = (serviceOf: (api: Api, call: Call) => string): Endpoint['actions'] => {
  const of =
    (run: (api: Api, call: Call, serviceId: string) => Answer): Action['run'] =>
    (api, call) => {
      refuseElsewhere(call.query, api.settings.datacenter)
      return run(api, call, serviceOf(api, call))
    }
  return {
    GET: { need: 'read', run: of(show) },
    PUT: { need: 'local', run: of(begin) },
    DELETE: { need: 'local', run: of(undo) },
  }
}

export const drainEndpoints: readonly Endpoint[] = [
  { path: '/v1/mesh/drain/service/*', actions: actions(knownService) },
  { path: '/v1/mesh/drain/host', actions: actions(() => '') },
  { path: '/v1/agent/leave', actions: { PUT: { need: 'local', run: leave } } },
]

function knownService(api: Api, { name }: Call): string {
  if (name === '') throw new ApiRefusal('bad-request', 'Missing service ID: it stands at the end of the path')
  if (api.registry.service(name) !== undefined) return name
  throw new ApiRefusal(
    'not-found',
    `Unknown service ID "${name}". Ensure that the service ID is passed, not the service name.`,
  )
}

/** Answers when nothing of this host is in use any more; the agent stops after it. */
async function leave(api: Api, call: Call): Promise<Answer> {
  refuseElsewhere(call.query, api.settings.datacenter)
  await new Promise<void>((resolve) => api.leave(resolve))
  return {}
}

function begin(api: Api, call: Call, serviceId: string): Answer {
  const text = call.query.get('timeout') ?? ''
  const timeoutMs = text === '' ? limits.drainMs : parseDurationMs(text)
  if (timeoutMs === undefined || timeoutMs < 0 || timeoutMs > limits.drainLongestMs)
    throw new ApiRefusal(
      'bad-request',
      `Invalid timeout "${text.slice(0, 64)}": use a duration such as 30s, at most 24h`,
    )
  const reason = call.query.get('reason') ?? ''
  accept(
    api.drains.begin(serviceId, { timeoutMs, reason: reason === '' ? 'drained by an operator' : reason }),
  )
  return show(api, call, serviceId)
}

function undo(api: Api, _call: Call, serviceId: string): Answer {
  acceptPlain(api.drains.undo(serviceId))
  return {}
}

function show(api: Api, _call: Call, serviceId: string): Answer {
  const progress = api.drains.progress(serviceId)
  return {
    json: {
      ServiceID: serviceId,
      Phase: progress?.phase ?? 'none',
      Proxies: progress?.known?.proxies ?? null,
      Total: progress?.known?.total ?? null,
      Open: progress?.open ?? null,
      Cut: progress?.cut ?? 0,
      LeftMs: Math.ceil(progress?.leftMs ?? 0),
    },
  }
}
