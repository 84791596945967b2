/**
 * Servers, leadership and autopilot over HTTP in Consul's shapes (reference/consul.md 1.9), and the cluster's status, which
 * any server tells about itself also when nobody leads: GET `/v1/mesh/status`.
 */
import {
  autopilotConfigJson,
  autopilotHealthJson,
  autopilotStateJson,
  clusterStatusJson,
  parseAutopilotBody,
  raftConfigurationJson,
} from '../../wire/http-json/operator.ts'
import { jsonBody } from './body.ts'
import type { Answer, Api, Call, Endpoint } from './contract.ts'
import { operate } from './operate.ts'
import { indexOf, refuseElsewhere } from './parameters.ts'
import { acceptPlain } from './refusal.ts'

export const operatorEndpoints: readonly Endpoint[] = [
  { path: '/v1/operator/raft/configuration', actions: { GET: { need: 'read', run: configuration } } },
  { path: '/v1/operator/raft/peer', actions: { DELETE: { need: 'operate', run: removePeer } } },
  {
    path: '/v1/operator/raft/transfer-leader',
    actions: { POST: { need: 'operate', run: transfer }, PUT: { need: 'operate', run: transfer } },
  },
  {
    path: '/v1/operator/autopilot/configuration',
    actions: { GET: { need: 'read', run: rules }, PUT: { need: 'operate', run: setRules } },
  },
  { path: '/v1/operator/autopilot/health', actions: { GET: { need: 'read', run: health } } },
  { path: '/v1/operator/autopilot/state', actions: { GET: { need: 'read', run: state } } },
  { path: '/v1/mesh/status', actions: { GET: { need: 'read', run: status } } },
]

async function configuration(api: Api, call: Call): Promise<Answer> {
  refuseElsewhere(call.query, api.settings.datacenter)
  const stale = call.query.has('stale')
  return { json: raftConfigurationJson(await operate(api, call, 'raft.configuration', { stale })) }
}

async function removePeer(api: Api, call: Call): Promise<Answer> {
  refuseElsewhere(call.query, api.settings.datacenter)
  const id = call.query.get('id') ?? ''
  const address = call.query.get('address') ?? ''
  await operate(api, call, 'raft.remove-peer', { id, address })
  return {}
}

async function transfer(api: Api, call: Call): Promise<Answer> {
  refuseElsewhere(call.query, api.settings.datacenter)
  await operate(api, call, 'raft.transfer-leader', { id: call.query.get('id') ?? '' })
  return { json: { Success: true } }
}

async function rules(api: Api, call: Call): Promise<Answer> {
  refuseElsewhere(call.query, api.settings.datacenter)
  const stale = call.query.has('stale')
  return { json: autopilotConfigJson(await operate(api, call, 'autopilot.get', { stale })) }
}

async function setRules(api: Api, call: Call): Promise<Answer> {
  refuseElsewhere(call.query, api.settings.datacenter)
  const config = acceptPlain(parseAutopilotBody(jsonBody(call)))
  const casIndex = indexOf(call.query, 'cas', 'Error parsing cas value')
  const args = casIndex === undefined ? { config } : { config, casIndex }
  return { json: (await operate(api, call, 'autopilot.set', args)).isSet }
}

/** Load balancers and probes go by the status: 429 says that something is wrong. */
async function health(api: Api, call: Call): Promise<Answer> {
  refuseElsewhere(call.query, api.settings.datacenter)
  const found = await operate(api, call, 'autopilot.state', {})
  return { status: found.isHealthy ? 200 : 429, json: autopilotHealthJson(found) }
}

async function state(api: Api, call: Call): Promise<Answer> {
  refuseElsewhere(call.query, api.settings.datacenter)
  return { json: autopilotStateJson(await operate(api, call, 'autopilot.state', {})) }
}

async function status(api: Api, call: Call): Promise<Answer> {
  return { json: clusterStatusJson(await operate(api, call, 'cluster.status', {})) }
}
