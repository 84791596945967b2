/**
 * The agent itself: who it is, reload. Services, checks and members are in the files beside this one.
 */
import { type SelfFacts, type SelfGossip, selfJson } from '../../wire/http-json/self.ts'
import type { Answer, Api, Endpoint } from './contract.ts'
import { accept } from './refusal.ts'

export const agentEndpoints: readonly Endpoint[] = [
  { path: '/', actions: { GET: { need: 'read', run: welcome } } },
  { path: '/v1/agent/self', actions: { GET: { need: 'read', run: self } } },
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
    membership: gossipOf(api),
    runtimeVersion: `node ${process.versions.node}`,
    architecture: process.arch,
  }
  return { json: selfJson(facts) }
}

function gossipOf({ membership, settings }: Api): SelfGossip | undefined {
  const pool = membership.pool()
  if (!pool.ok) return undefined
  const self = pool.value.member(settings.nodeName)
  const coordinate = pool.value.coordinate(settings.nodeName)
  if (self === undefined || coordinate === undefined) return undefined
  const { healthScore, isEncrypted } = pool.value
  return { self, coordinate, healthScore, isEncrypted, members: pool.value.members() }
}

async function reload(api: Api): Promise<Answer> {
  accept(await new Promise<Parameters<Parameters<Api['reload']>[0]>[0]>((resolve) => api.reload(resolve)))
  return {}
}
