// Requests that a person or a script gets wrong, as lines of a method, a path, a body and who sends them.

export interface WrongRequest {
  readonly line: string
  readonly body?: string
  /** Default: the operator. */
  readonly as?: 'nobody' | 'host' | 'stranger'
}

const service = '/v1/agent/service/register'
const exact = '/v1/connect/intentions/exact'

export const wrongRequests: readonly WrongRequest[] = [
  { line: 'GET /v1/catalog/nodes?index=abc' },
  { line: 'GET /v1/catalog/nodes?wait=5' },
  { line: 'GET /v1/catalog/nodes?stale&consistent' },
  { line: 'GET /v1/catalog/nodes?stale&max_stale=old' },
  { line: 'GET /v1/catalog/nodes?dc=nowhere' },
  { line: 'GET /v1/catalog/nodes?filter=Node+is+alpha' },
  { line: 'GET /v1/catalog/nodes?ns=team-a' },
  { line: 'POST /v1/catalog/nodes' },
  { line: 'GET /v1/catalog/service/' },
  { line: 'GET /v1/health/service/web?passing=maybe' },
  { line: 'GET /v1/health/state/fine' },
  { line: 'DELETE /v1/agent/self' },
  { line: `PUT ${service}` },
  { line: `PUT ${service}`, body: '{' },
  { line: `PUT ${service}`, body: '{"Name":"a","Prot":1}' },
  { line: `PUT ${service}`, body: '{"Port":1}' },
  { line: `PUT ${service}`, body: '{"Name":"a","Port":99999}' },
  { line: `PUT ${service}`, body: '{"Name":"a","Check":{"HTTP":"http://127.0.0.1:1/"}}' },
  { line: `PUT ${service}`, body: '{"Name":"a"}', as: 'nobody' },
  { line: `PUT ${service}`, body: '{"Name":"a"}', as: 'stranger' },
  { line: 'PUT /v1/agent/service/deregister/none' },
  { line: 'PUT /v1/agent/service/maintenance/web' },
  { line: 'PUT /v1/agent/check/register', body: '{"Name":"c"}' },
  { line: 'PUT /v1/agent/check/pass/none' },
  { line: 'PUT /v1/agent/check/update/none', body: '{"Status":"fine"}' },
  { line: `PUT ${exact}?source=a&destination=b`, body: '{"Action":"allow"}', as: 'nobody' },
  { line: `PUT ${exact}?source=a&destination=b`, body: '{"Action":"allow"}', as: 'host' },
  { line: `PUT ${exact}?source=a&destination=b`, body: '{"Action":"maybe"}' },
  { line: `PUT ${exact}?source=a`, body: '{"Action":"allow"}' },
  { line: `GET ${exact}?source=peer:x/a&destination=b` },
  { line: 'GET /v1/connect/intentions/match?by=colour&name=a' },
  { line: 'GET /v1/connect/intentions/check?source=a' },
  { line: 'PUT /v1/config', body: '{"Kind":"service-intention","Name":"x"}' },
  { line: 'PUT /v1/config', body: '{"Kind":"service-intentions","Name":"x","Sorces":[]}' },
  { line: 'GET /v1/config/service-intentions/none' },
  { line: 'PUT /v1/kv/x?cas=abc', body: 'v' },
  { line: 'PUT /v1/kv/x?flags=-1', body: 'v' },
  { line: 'PUT /v1/kv/', body: 'v' },
  { line: 'PUT /v1/event/fire/deploy?tag=v1' },
  { line: 'PUT /v1/event/fire/deploy?node=(' },
  { line: 'PUT /v1/agent/join/127.0.0.1:1' },
  { line: 'PUT /v1/agent/force-leave/none' },
  { line: 'GET /v1/agent/monitor?loglevel=loud' },
  { line: 'GET /v1/agent/metrics?format=xml' },
  { line: 'GET /v1/agent/members?segment=left' },
  { line: 'DELETE /v1/operator/raft/peer' },
  { line: 'PUT /v1/session/create', body: '{"TTL":"1s"}' },
  { line: 'PUT /v1/session/renew/00000000-0000-4000-8000-000000000000' },
  { line: 'PUT /v1/mesh/token', body: '{"TTL":"forever"}' },
  { line: 'PUT /v1/snapshot', body: 'junk' },
]

/** Command lines that go wrong only with an agent that answers; the others are in test/unit/command/help.test.ts. */
export const wrongCommands: readonly (readonly string[])[] = [
  ['services', 'wbe'],
  ['services', 'deregister', 'none'],
  ['catalog', 'services', '-node', 'alhpa'],
  ['kv', 'get', 'nothing'],
  ['kv', 'put', 'x', 'y', '-cas', '77'],
  ['intention', 'delete', 'a', 'b'],
  ['intention', 'get', 'a', 'b'],
  ['intention', 'create', 'web', 'backend'],
  ['config', 'read', '-kind', 'service-intentions', '-name', 'none'],
  ['maint', '-enable', '-service', 'none'],
  ['event', '-name', 'deploy', '-tag', 'v1'],
  ['join', '127.0.0.1:1'],
  ['force-leave', 'none'],
  ['rtt', 'none'],
  ['keyring', '-list', '-use', '-'],
  ['operator', 'raft', 'remove-peer', '-id', 'nobody'],
  ['services', 'drain', 'none'],
]
