/** `mesh event`: tells all hosts of something by gossip, once and without an answer. */
import { readFileSync } from 'node:fs'
import type { Context } from './declare.ts'
import { UsageFailure } from './failure.ts'

export interface EventOptions {
  readonly name?: string
  readonly node?: string
  readonly service?: string
  readonly tag?: string
}

interface EventJson {
  readonly ID: string
}

export async function fireEvent(
  { client, terminal }: Context,
  payload: string | undefined,
  options: EventOptions,
): Promise<void> {
  const { name } = options
  if (name === undefined || name === '')
    throw new UsageFailure('an event needs a name', 'mesh event -name deploy 1.2.3')
  if (options.tag !== undefined && options.service === undefined)
    throw new UsageFailure('-tag chooses among the instances of a service: give -service as well')
  const query = new URLSearchParams()
  for (const filter of ['node', 'service', 'tag'] as const)
    if (options[filter] !== undefined) query.set(filter, options[filter])
  const bytes = payload === '-' ? readFileSync(0) : Buffer.from(payload ?? '')
  const reply = await client().store(`/v1/event/fire/${encodeURIComponent(name)}?${query}`, bytes)
  const event = reply.json<EventJson>()
  terminal.show(event, () => terminal.line(`Event ID: ${event.ID}`))
}
