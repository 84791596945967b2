/** Sessions over HTTP, as Consul has them: reference/consul.md 1.8. What ends one the servers know. */
import { memberCheckId } from '../../model/check.ts'
import { isUuid, uuidFromBytes } from '../../model/ids.ts'
import type { Session } from '../../model/session.ts'
import { parseSessionBody, sessionJson } from '../../wire/http-json/session.ts'
import { jsonBody } from './body.ts'
import { clusterRead, clusterWrite, written } from './cluster.ts'
import type { Answer, Api, Call, Endpoint } from './contract.ts'
import { whereOf } from './parameters.ts'
import { ApiRefusal, acceptPlain } from './refusal.ts'

export const sessionEndpoints: readonly Endpoint[] = [
  { path: '/v1/session/create', actions: { PUT: { need: 'operate', run: create } } },
  { path: '/v1/session/destroy/*', actions: { PUT: { need: 'operate', run: destroy } } },
  { path: '/v1/session/renew/*', actions: { PUT: { need: 'operate', run: renew } } },
  { path: '/v1/session/info/*', actions: { GET: { need: 'read', run: info } } },
  { path: '/v1/session/node/*', actions: { GET: { need: 'read', run: ofNode } } },
  { path: '/v1/session/list', actions: { GET: { need: 'read', run: list } } },
]

async function create(api: Api, call: Call): Promise<Answer> {
  const { nodeName } = api.settings
  const datacenter = whereOf(call.query, api.settings.datacenter)
  const defaults = { node: nodeName, nodeChecks: [memberCheckId] }
  // Everything may be left away, the body too.
  const body = acceptPlain(parseSessionBody(call.body.trim() === '' ? {} : jsonBody(call), defaults))
  if (body.datacenter !== '' && body.datacenter !== datacenter)
    throw new ApiRefusal('unknown-datacenter', 'No path to datacenter')
  const session: Session = { id: uuidFromBytes(api.random.bytes(16)), ...body.session }
  const write = await clusterWrite(api, call, { type: 'session.create', session })
  return written({ ID: session.id }, write)
}

/** Destroying what is not there is no failure: the wish is met. */
async function destroy(api: Api, call: Call): Promise<Answer> {
  const write = await clusterWrite(api, call, { type: 'session.destroy', id: idOf(call) })
  return written(true, write)
}

async function renew(api: Api, call: Call): Promise<Answer> {
  const id = idOf(call)
  const write = await clusterWrite(api, call, { type: 'session.renew', id })
  if (write.value.kind !== 'session') throw new ApiRefusal('not-found', `Session id '${id}' not found`)
  return written([sessionJson(write.value.session)], write)
}

async function info(api: Api, call: Call): Promise<Answer> {
  const { answer, meta } = await clusterRead(api, call, 'session.info', { id: idOf(call) })
  return { json: answer === null ? [] : [sessionJson(answer)], meta }
}

async function ofNode(api: Api, call: Call): Promise<Answer> {
  if (call.name === '')
    throw new ApiRefusal('bad-request', 'Missing node name: it stands at the end of the path')
  const { answer, meta } = await clusterRead(api, call, 'session.node', { node: call.name })
  return { json: answer.map(sessionJson), meta }
}

async function list(api: Api, call: Call): Promise<Answer> {
  const { answer, meta } = await clusterRead(api, call, 'session.list', {})
  return { json: answer.map(sessionJson), meta }
}

function idOf({ name }: Call): string {
  if (name === '')
    throw new ApiRefusal('bad-request', 'Missing session: its ID stands at the end of the path')
  const id = name.toLowerCase()
  if (isUuid(id)) return id
  throw new ApiRefusal('unknown-session', `Invalid Session '${name.slice(0, 64)}': its id is no UUID`)
}
