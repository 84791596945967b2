/**
 * `mesh status`: which servers there are, which one leads, and what is wrong with them. Any server can say that about itself
 * and the others, also when nobody leads. With `-leader` it is a probe for scripts.
 */
import { type ClusterStatusJson, clusterStatusJson } from '../wire/http-json/operator.ts'
import type { ConnectionFlags } from './connection.ts'
import type { Context } from './declare.ts'
import { CommandFailure } from './failure.ts'
import { askCluster } from './operator-door.ts'

export async function showStatus(
  context: Context,
  options: ConnectionFlags & { readonly leader?: true },
): Promise<void> {
  const { terminal } = context
  const http = { method: 'GET', path: '/v1/mesh/status' } as const
  const status = await askCluster(
    context,
    options,
    { name: 'cluster.status', args: {}, http },
    { ofServer: clusterStatusJson, ofAgent: (reply) => reply.json<ClusterStatusJson>() },
  )
  if (options.leader === true) {
    if (status.Leader === '') throw new CommandFailure('no server leads now', { next: 'mesh status' })
    return terminal.line(status.Leader)
  }
  terminal.show(status, () =>
    terminal.table(['server', 'node', 'state', 'voter', 'last heard'], status.Servers.map(serverRow)),
  )
  for (const line of status.Advice) terminal.note(`- ${line}`)
  if (!status.HasQuorum) throw noQuorum(status)
}

const serverRow = (server: ClusterStatusJson['Servers'][number]): readonly string[] => [
  server.Address,
  server.Node,
  server.State,
  server.Voter ? 'yes' : 'no',
  server.State !== 'missing' ? '' : server.LastHeard === '' ? 'never' : server.LastHeard,
]

function noQuorum({ LostSince: since }: ClusterStatusJson): CommandFailure {
  return new CommandFailure(`no server leads since ${since}; reads may be stale, nothing can be written`, {
    next: 'journalctl -u mesh-server on the servers',
  })
}
