/**
 * Intentions by their UUID: endpoints that Consul deprecated in 1.9 and that older tools still use. The pair of names is
 * what identifies a rule here; an id is looked up in the list.
 */
import { uuidFromBytes } from '../../model/ids.ts'
import type { Intention } from '../../model/intention.ts'
import type { RowIndexes } from '../../model/service.ts'
import { type IntentionBody, parseIntentionBody } from '../../wire/http-json/bodies.ts'
import { intentionJson } from '../../wire/http-json/intention.ts'
import { jsonBody } from './body.ts'
import { clusterRead, clusterWrite, plainRead, written } from './cluster.ts'
import type { Action, Answer, Api, Call, Endpoint } from './contract.ts'
import { plainName } from './intention-name.ts'
import { ApiRefusal, acceptPlain } from './refusal.ts'

/** `POST /v1/connect/intentions`; the other methods of that path are in intention.ts. */
export const createIntention: Action = { need: 'operate', run: create }

export const intentionByIdEndpoints: readonly Endpoint[] = [
  {
    path: '/v1/connect/intentions/*',
    actions: {
      GET: { need: 'read', run: read },
      PUT: { need: 'operate', run: update },
      DELETE: { need: 'operate', run: remove },
    },
  },
]

async function create(api: Api, call: Call): Promise<Answer> {
  const body = acceptPlain(parseIntentionBody(jsonBody(call)))
  const source = plainName(body.sourceName)
  const destination = plainName(body.destinationName)
  const { answer } = await plainRead(api, call, 'intentions.exact', { source, destination })
  if (answer !== null)
    throw new ApiRefusal(
      'conflict',
      `duplicate intention found: ${source} => ${destination} has the ID ${answer.id}; change it with PUT /v1/connect/intentions/exact (conflict)`,
    )
  const id = uuidFromBytes(api.random.bytes(16))
  const write = await upsert(api, call, { id, body })
  return written({ ID: id }, write)
}

async function read(api: Api, call: Call): Promise<Answer> {
  const id = idOf(call)
  const { answer, meta } = await clusterRead(api, call, 'intentions.list', {})
  const found = answer.find((row) => row.id === id)
  if (found !== undefined) return { json: intentionJson(found), meta }
  return { status: 404, meta, text: { body: 'Intention not found', type: 'text/plain; charset=utf-8' } }
}

/** As in Consul, an update may not make another rule of it: its names stay. */
async function update(api: Api, call: Call): Promise<Answer> {
  const found = await known(api, call)
  const body = acceptPlain(parseIntentionBody(jsonBody(call)))
  const named = { ...body, sourceName: body.sourceName || found.sourceName }
  const whole = { ...named, destinationName: body.destinationName || found.destinationName }
  if (
    plainName(whole.sourceName) !== found.sourceName ||
    plainName(whole.destinationName) !== found.destinationName
  )
    throw new ApiRefusal(
      'bad-request',
      'Cannot modify SourceName or DestinationName for an intention once it exists: create the other one, then delete this',
    )
  const write = await upsert(api, call, { id: found.id, body: whole })
  return written({ ID: found.id }, write)
}

async function remove(api: Api, call: Call): Promise<Answer> {
  const { sourceName, destinationName } = await known(api, call)
  const write = await clusterWrite(api, call, { type: 'intention.delete', sourceName, destinationName })
  return written(true, write)
}

function upsert(
  api: Api,
  call: Call,
  { id, body }: { readonly id: string; readonly body: IntentionBody },
): ReturnType<typeof clusterWrite> {
  return clusterWrite(api, call, {
    type: 'intention.upsert',
    id,
    sourceName: plainName(body.sourceName),
    destinationName: plainName(body.destinationName),
    action: body.action,
    description: body.description,
    meta: body.meta,
  })
}

async function known(api: Api, call: Call): Promise<Intention & RowIndexes> {
  const id = idOf(call)
  const { answer } = await plainRead(api, call, 'intentions.list', {})
  const found = answer.find((row) => row.id === id)
  if (found === undefined) throw new ApiRefusal('not-found', 'Intention not found')
  return found
}

function idOf({ name }: Call): string {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(name))
    throw new ApiRefusal(
      'bad-request',
      `failed intention lookup: index error: "${name.slice(0, 64)}" is no UUID; by names: /v1/connect/intentions/exact?source=...&destination=...`,
    )
  return name.toLowerCase()
}
