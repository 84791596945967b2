/**
 * Endpoints that only gossip between hosts can answer: events, keys of the pool, distances. Clients learn by a status and a
 * code that they are asking for something that is not there, instead of reading an empty answer as "nothing happened".
 */
import type { Action, Answer, Endpoint } from './contract.ts'
import { refusalOf } from './refusal.ts'

const read: Action = { need: 'read', run: refuseForGossip }
const local: Action = { need: 'local', run: refuseForGossip }

export const gossipEndpoints: readonly Endpoint[] = [
  { path: '/v1/event/fire/*', actions: { PUT: local } },
  { path: '/v1/event/list', actions: { GET: read } },
  { path: '/v1/agent/join/*', actions: { PUT: local } },
  { path: '/v1/agent/force-leave/*', actions: { PUT: local } },
  {
    path: '/v1/operator/keyring',
    actions: { GET: local, PUT: local, POST: local, DELETE: local },
  },
  { path: '/v1/coordinate/update', actions: { PUT: local } },
]

function refuseForGossip(): Answer {
  throw refusalOf({ code: 'needs-gossip', message: 'hosts do not gossip with each other in this version' })
}
