/**
 * The agent itself: who it is, its members, reload. Services and checks of this host are beside this file.
 */
import { memberFields } from '../../wire/http-json/filter-fields.ts'
import { memberJson } from '../../wire/http-json/member.ts'
import { type SelfFacts, selfJson } from '../../wire/http-json/self.ts'
import { plainRead } from './cluster.ts'
import type { Answer, Api, Call, Endpoint } from './contract.ts'
import { filterOf, shownRows } from './filter.ts'
import { ApiRefusal, accept } from './refusal.ts'

export const agentEndpoints: readonly Endpoint[] = [
  { path: '/', actions: { GET: { need: 'read', run: welcome } } },
  { path: '/v1/agent/self', actions: { GET: { need: 'read', run: self } } },
  { path: '/v1/agent/members', actions: { GET: { need: 'read', run: members } } },
  { path: '/v1/agent/reload', actions: { PUT: { need: 'local', run: reload } } },
]

function welcome(): Answer {
  const body = 'mesh-agent: the HTTP API is below /v1/, for example /v1/catalog/services\n'
  return { text: { body, type: 'text/plain; charset=utf-8' } }
}

function self(api: Api): Answer {
  const { settings } = api
  const facts: SelfFacts = {
    ...settings,
    version: api.version,
    nodeId: api.nodeId,
    httpPort: settings.ports.http,
    serverPort: settings.ports.server,
    sidecarMinPort: settings.ports.sidecarMin,
    sidecarMaxPort: settings.ports.sidecarMax,
    logLevel: settings.log.level,
    services: api.registry.services().length,
    checks: api.registry.checks().length,
    runtimeVersion: `node ${process.versions.node}`,
    architecture: process.arch,
  }
  return { json: selfJson(facts) }
}

async function members(api: Api, call: Call): Promise<Answer> {
  const passes = filterOf(call, memberFields)
  if (!['', '_all', null].includes(call.query.get('segment')))
    throw new ApiRefusal(
      'unsupported-feature',
      'segments do not exist here: leave the parameter away (unsupported-feature)',
    )
  const { answer } = await plainRead(api, call, 'mesh.members', {})
  const wan = ['', '1', 'true'].includes(call.query.get('wan') ?? 'absent')
  const shown = wan ? answer.filter((member) => member.server) : answer
  return { json: await shownRows(api, shown, (member) => memberJson(member, wan ? 'wan' : 'lan'), passes) }
}

async function reload(api: Api): Promise<Answer> {
  accept(await new Promise<Parameters<Parameters<Api['reload']>[0]>[0]>((resolve) => api.reload(resolve)))
  return {}
}
