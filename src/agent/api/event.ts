/**
 * Events for all hosts. Fired by gossip, so that they work without servers; listed are the newest ones that this agent
 * heard since it started.
 */
import { eventIndex, eventJson } from '../../wire/http-json/event.ts'
import { eventsSubject } from './changes.ts'
import type { Answer, Api, Call, Endpoint } from './contract.ts'
import { blocking, refuseElsewhere } from './parameters.ts'
import { accept } from './refusal.ts'

export const eventEndpoints: readonly Endpoint[] = [
  { path: '/v1/event/fire/*', actions: { PUT: { need: 'local', run: fire } } },
  { path: '/v1/event/list', actions: { GET: { need: 'read', run: list } } },
]

function fire(api: Api, call: Call): Answer {
  const { query } = call
  refuseElsewhere(query, api.settings.datacenter)
  const fired = api.userEvents.fire({
    name: call.name,
    payload: call.bytes,
    nodeFilter: query.get('node') ?? '',
    serviceFilter: query.get('service') ?? '',
    tagFilter: query.get('tag') ?? '',
  })
  return { json: eventJson(accept(fired)) }
}

/** Indexes of events do not grow: a reader waits until the last event is another one than it has. */
async function list(api: Api, call: Call): Promise<Answer> {
  const { minIndex, waitMs } = blocking(call.query)
  const name = call.query.get('name') ?? ''
  const wanted = () => api.userEvents.recent().filter((event) => name === '' || event.name === name)
  const newest = (): number => {
    const last = wanted().at(-1)
    return last === undefined ? 1 : eventIndex(last)
  }
  if (minIndex > 0 && newest() === minIndex)
    await call.hold(() =>
      api.changes.wait(eventsSubject, () => newest() !== minIndex, { waitMs, signal: call.signal }),
    )
  return { json: wanted().map(eventJson), headers: { 'X-Consul-Index': String(newest()) } }
}
