/**
 * Members of the gossip pool: who is there, meeting further ones, sending away for good those that failed. From this
 * host's own pool; a host that does not gossip shows the catalog's members.
 */
import type { JoinReport } from '../../membership/contract.ts'
import { memberFields } from '../../wire/http-json/filter-fields.ts'
import { gossipMemberJson, memberJson } from '../../wire/http-json/member.ts'
import { plainRead } from './cluster.ts'
import type { Answer, Api, Call, Endpoint } from './contract.ts'
import { filterOf, shownRows } from './filter.ts'
import { isSet } from './parameters.ts'
import { ApiRefusal, accept, refusalOf } from './refusal.ts'

export const memberEndpoints: readonly Endpoint[] = [
  { path: '/v1/agent/members', actions: { GET: { need: 'read', run: members } } },
  { path: '/v1/agent/join/*', actions: { PUT: { need: 'local', run: join } } },
  { path: '/v1/agent/force-leave/*', actions: { PUT: { need: 'local', run: forceLeave } } },
]

async function members(api: Api, call: Call): Promise<Answer> {
  const passes = filterOf(call, memberFields)
  if (!['', '_all', null].includes(call.query.get('segment')))
    throw new ApiRefusal(
      'unsupported-feature',
      'segments do not exist here: leave the parameter away (unsupported-feature)',
    )
  const wan = isSet(call.query, 'wan')
  const pool = api.membership.pool()
  if (!wan && pool.ok) {
    const known = pool.value.members().toSorted((a, b) => (a.node < b.node ? -1 : 1))
    return { json: await shownRows(api, known, gossipMemberJson, passes) }
  }
  if (wan) {
    const { answer: servers } = await plainRead(api, call, 'federation.members', {})
    const known = servers.map((server) => ({ ...server, tags: new Map(Object.entries(server.tags)) }))
    // Servers that gossip with nobody afar are told from the catalog.
    if (known.length > 0) return { json: await shownRows(api, known, gossipMemberJson, passes) }
  }
  const { answer } = await plainRead(api, call, 'mesh.members', {})
  const shown = wan ? answer.filter((member) => member.server) : answer
  return { json: await shownRows(api, shown, (member) => memberJson(member, wan ? 'wan' : 'lan'), passes) }
}

async function join(api: Api, call: Call): Promise<Answer> {
  refuseWan(call)
  if (call.name === '')
    throw new ApiRefusal('bad-request', 'Missing address: it stands at the end of the path')
  const pool = accept(api.membership.pool())
  const report = await new Promise<JoinReport>((resolve) => pool.join([call.name], resolve))
  if (report.joined > 0) return {}
  const why = report.failures.length === 0 ? `${call.name} is this host itself` : report.failures.join('; ')
  throw refusalOf({ code: 'join-failed', message: why })
}

function forceLeave(api: Api, call: Call): Answer {
  refuseWan(call)
  if (call.name === '')
    throw new ApiRefusal('bad-request', 'Missing node name: it stands at the end of the path')
  const prune = isSet(call.query, 'prune')
  accept(accept(api.membership.pool()).forceLeave(call.name, prune))
  api.log.info('A member was sent away for good', { node: call.name })
  return {}
}

/** Agents are in the pool of their datacenter only; the servers gossip between datacenters. */
function refuseWan(call: Call): void {
  if (isSet(call.query, 'wan'))
    throw new ApiRefusal(
      'unsupported-feature',
      'only servers are members of the pool between datacenters: ask a server (unsupported-feature)',
    )
}
