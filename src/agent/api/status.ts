/** Who leads the servers. Load balancers and probes ask this, so an election is an empty answer and no error. */
import { plainRead, tryRead } from './cluster.ts'
import type { Answer, Api, Call, Endpoint } from './contract.ts'
import { refuseElsewhere } from './parameters.ts'
import { accept } from './refusal.ts'

export const statusEndpoints: readonly Endpoint[] = [
  { path: '/v1/status/leader', actions: { GET: { need: 'read', run: leader } } },
  { path: '/v1/status/peers', actions: { GET: { need: 'read', run: peers } } },
]

async function leader(api: Api, call: Call): Promise<Answer> {
  refuseElsewhere(call.query, api.settings.datacenter)
  const result = await tryRead(api, call, 'status.leader', {})
  if (!result.ok && result.failure.code === 'no-leader') return { json: '' }
  return { json: accept(result).answer }
}

async function peers(api: Api, call: Call): Promise<Answer> {
  refuseElsewhere(call.query, api.settings.datacenter)
  const { answer } = await plainRead(api, call, 'status.peers', {})
  return { json: answer }
}
