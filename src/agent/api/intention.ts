/**
 * Intentions over HTTP: list, one by its names, what matches a service, and the decision for two services.
 */
import { uuidFromBytes } from '../../model/ids.ts'
import { parseIntentionBody } from '../../wire/http-json/bodies.ts'
import { intentionFields } from '../../wire/http-json/filter-fields.ts'
import { intentionJson } from '../../wire/http-json/intention.ts'
import { jsonBody } from './body.ts'
import { clusterRead, clusterWrite, plainRead, written } from './cluster.ts'
import type { Answer, Api, Call, Endpoint } from './contract.ts'
import { filterOf, shownRows } from './filter.ts'
import { createIntention } from './intention-by-id.ts'
import { plainName } from './intention-name.ts'
import { required } from './parameters.ts'
import { ApiRefusal, acceptPlain } from './refusal.ts'

export const intentionEndpoints: readonly Endpoint[] = [
  {
    path: '/v1/connect/intentions',
    actions: { GET: { need: 'read', run: list }, POST: createIntention },
  },
  {
    path: '/v1/connect/intentions/exact',
    actions: {
      GET: { need: 'read', run: exact },
      PUT: { need: 'operate', run: upsert },
      DELETE: { need: 'operate', run: remove },
    },
  },
  { path: '/v1/connect/intentions/match', actions: { GET: { need: 'read', run: match } } },
  { path: '/v1/connect/intentions/check', actions: { GET: { need: 'read', run: check } } },
]

async function list(api: Api, call: Call): Promise<Answer> {
  const passes = filterOf(call, intentionFields)
  const { answer, meta } = await clusterRead(api, call, 'intentions.list', {})
  return { json: await shownRows(api, answer, intentionJson, passes), meta }
}

async function exact(api: Api, call: Call): Promise<Answer> {
  const { answer, meta } = await clusterRead(api, call, 'intentions.exact', pair(call))
  if (answer !== null) return { json: intentionJson(answer), meta }
  const text = { body: 'Intention not found', type: 'text/plain; charset=utf-8' }
  return { status: 404, meta, text, headers: { 'X-Mesh-Reason': 'not-found' } }
}

async function upsert(api: Api, call: Call): Promise<Answer> {
  const { source, destination } = pair(call)
  const body = acceptPlain(parseIntentionBody(jsonBody(call)))
  const same = (fromBody: string, fromQuery: string): boolean => fromBody === '' || fromBody === fromQuery
  if (!same(body.sourceName, source) || !same(body.destinationName, destination))
    throw new ApiRefusal(
      'bad-request',
      'SourceName and DestinationName of the body must be the names in the query string, or absent',
    )
  const write = await clusterWrite(api, call, {
    type: 'intention.upsert',
    id: uuidFromBytes(api.random.bytes(16)),
    sourceName: source,
    destinationName: destination,
    action: body.action,
    description: body.description,
    meta: body.meta,
  })
  return written(true, write)
}

async function remove(api: Api, call: Call): Promise<Answer> {
  const { source, destination } = pair(call)
  const write = await clusterWrite(api, call, {
    type: 'intention.delete',
    sourceName: source,
    destinationName: destination,
  })
  return written(true, write)
}

async function match(api: Api, call: Call): Promise<Answer> {
  const by = required(call.query, 'by')
  if (by !== 'source' && by !== 'destination')
    throw new ApiRefusal(
      'bad-request',
      `'by' parameter must be one of 'source' or 'destination': add by=destination`,
    )
  required(call.query, 'name')
  const asked = call.query.getAll('name').filter((name) => name !== '')
  const names = asked.map(plainName)
  const { answer, meta } = await clusterRead(api, call, 'intentions.match', { by, names })
  const rows = asked.map((name, i) => [name, (answer[names[i] ?? ''] ?? []).map(intentionJson)])
  return { json: Object.fromEntries(rows), meta }
}

async function check(api: Api, call: Call): Promise<Answer> {
  const type = call.query.get('source-type')
  if (type !== null && type !== '' && type !== 'consul')
    throw new ApiRefusal('bad-request', `source-type must be 'consul'`)
  const { answer, meta } = await plainRead(api, call, 'intentions.check', pair(call))
  return { json: { Allowed: answer.allowed }, meta, headers: { 'X-Mesh-Reason': answer.reason } }
}

function pair(call: Call): { readonly source: string; readonly destination: string } {
  return {
    source: plainName(required(call.query, 'source')),
    destination: plainName(required(call.query, 'destination')),
  }
}
