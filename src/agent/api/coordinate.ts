/**
 * Network distances, as this host knows them: its own place, and what the others told when it probed them. A host learns
 * of one other per second, so in a large pool the list is whole only after a while.
 */
import { nodeCoordinateJson } from '../../wire/http-json/coordinate.ts'
import type { Answer, Api, Call, Endpoint } from './contract.ts'
import { distances } from './near.ts'
import { blocking, refuseElsewhere } from './parameters.ts'
import { ApiRefusal } from './refusal.ts'

export const coordinateEndpoints: readonly Endpoint[] = [
  { path: '/v1/coordinate/datacenters', actions: { GET: { need: 'read', run: datacenters } } },
  { path: '/v1/coordinate/nodes', actions: { GET: { need: 'read', run: nodes } } },
  { path: '/v1/coordinate/node/*', actions: { GET: { need: 'read', run: node } } },
  { path: '/v1/coordinate/update', actions: { PUT: { need: 'local', run: update } } },
]

/** They move all the time. A reader that waits for a change gets the newest ones after this, as often as Consul has them. */
const movesEveryMs = 15_000
/** There are no versions of a distance, and no server is asked. */
const meta = { index: 1, knownLeader: true, lastContactMs: 0, effective: 'stale' } as const

function datacenters(api: Api, call: Call): Answer {
  refuseElsewhere(call.query, api.settings.datacenter)
  return { json: [] }
}

async function nodes(api: Api, call: Call): Promise<Answer> {
  refuseElsewhere(call.query, api.settings.datacenter)
  await waitForMoves(api, call)
  const known = distances(api)
  const rows = known?.nodes().toSorted((a, b) => (a.node < b.node ? -1 : 1)) ?? []
  return { json: rows.map(({ node: name, coordinate }) => nodeCoordinateJson(name, coordinate)), meta }
}

async function node(api: Api, call: Call): Promise<Answer> {
  refuseElsewhere(call.query, api.settings.datacenter)
  await waitForMoves(api, call)
  const coordinate = distances(api)?.of(call.name)
  return coordinate === undefined
    ? { status: 404, meta }
    : { json: [nodeCoordinateJson(call.name, coordinate)], meta }
}

/** Consul's agents tell their servers, and monitors those of nodes without an agent; here hosts tell each other. */
function update(): never {
  throw new ApiRefusal(
    'unsupported-feature',
    'distances are measured between the hosts themselves and cannot be set (unsupported-feature)',
  )
}

async function waitForMoves(api: Api, call: Call): Promise<void> {
  const { minIndex, waitMs } = blocking(call.query)
  if (minIndex === 0) return
  const limit = { waitMs: Math.min(waitMs, movesEveryMs), signal: call.signal }
  await call.hold(() => api.changes.wait('coordinates', () => false, limit))
}
