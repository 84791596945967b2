/** `mesh session`: sessions as they are, made, renewed and destroyed by hand. What holds locks with one is lock.ts. */
import { formatDuration } from '../model/duration.ts'
import type { SessionJson } from '../wire/http-json/session.ts'
import type { Context } from './declare.ts'
import { CommandFailure } from './failure.ts'

export interface CreateOptions {
  readonly name?: string
  readonly node?: string
  readonly ttl?: string
  readonly lockDelay?: string
  readonly behavior?: string
  readonly check?: readonly string[]
  readonly serviceCheck?: readonly string[]
}

export async function listSessions(
  { client, terminal }: Context,
  options: { readonly node?: string },
): Promise<void> {
  const { node } = options
  const path = node === undefined ? '/v1/session/list' : `/v1/session/node/${encodeURIComponent(node)}`
  const sessions = (await client().ask('GET', path)).json<readonly SessionJson[]>()
  terminal.show(sessions, () => {
    if (sessions.length === 0) terminal.note('No sessions. Try: mesh session create')
    else
      terminal.table(
        ['id', 'name', 'node', 'ttl', 'behavior', 'lock delay', 'checks'],
        sessions.map((session) => [
          session.ID,
          session.Name,
          session.Node,
          session.TTL,
          session.Behavior,
          formatDuration(session.LockDelay / 1e6),
          [...session.NodeChecks, ...session.ServiceChecks.map(({ ID }) => ID)].join(','),
        ]),
      )
  })
}

/** Prints the id alone, for a shell's variable. */
export async function createSession({ client, terminal }: Context, options: CreateOptions): Promise<void> {
  const { name, node, ttl, lockDelay, behavior, check, serviceCheck } = options
  const body = {
    ...(name === undefined ? {} : { Name: name }),
    ...(node === undefined ? {} : { Node: node }),
    ...(ttl === undefined ? {} : { TTL: ttl }),
    ...(lockDelay === undefined ? {} : { LockDelay: lockDelay }),
    ...(behavior === undefined ? {} : { Behavior: behavior }),
    ...(check === undefined ? {} : { NodeChecks: check }),
    ...(serviceCheck === undefined ? {} : { ServiceChecks: serviceCheck.map((id) => ({ ID: id })) }),
  }
  const made = (await client().ask('PUT', '/v1/session/create', body)).json<{ readonly ID: string }>()
  terminal.show(made, () => terminal.line(made.ID))
}

export async function renewSession({ client, terminal }: Context, id: string): Promise<void> {
  const reply = await client().attempt('PUT', `/v1/session/renew/${encodeURIComponent(id)}`)
  if (reply.status === 404)
    throw new CommandFailure(`there is no session ${id} (any more)`, { next: 'mesh session list' })
  if (reply.status >= 300) throw new CommandFailure(reply.text.trim(), { next: 'mesh session list' })
  terminal.line(`Renewed: ${id}`)
}

export async function destroySession({ client, terminal }: Context, id: string): Promise<void> {
  const reply = await client().ask('PUT', `/v1/session/destroy/${encodeURIComponent(id)}`)
  const isUnchanged = reply.header('x-mesh-result') === 'unchanged'
  terminal.line(isUnchanged ? `Gone already: ${id}` : `Destroyed: ${id}`)
}
