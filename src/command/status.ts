/**
 * `mesh status`: which servers there are, which one leads, and what is wrong with them. Any server can say that about itself
 * and the others, also when nobody leads. With `-leader` it is a probe for scripts.
 */
import type { ClusterStatus, StatusServer } from '../rpc/operator.ts'
import { formatTime } from '../wire/http-json/time.ts'
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
    { ofServer: (answer) => answer, ofAgent: (reply) => reply.json<ClusterStatus>() },
  )
  if (options.leader === true) {
    if (status.leader === '') throw new CommandFailure('no server leads now', { next: 'mesh status' })
    return terminal.line(status.leader)
  }
  terminal.show(status, () =>
    terminal.table(['server', 'node', 'state', 'voter', 'last heard'], status.servers.map(serverRow)),
  )
  for (const line of status.advice) terminal.note(`- ${line}`)
  if (!status.hasQuorum) throw noQuorum(status)
}

const serverRow = ({ address, node, state, isVoter, heardAtMs }: StatusServer): readonly string[] => [
  address,
  node,
  state,
  isVoter ? 'yes' : 'no',
  state !== 'missing' ? '' : heardAtMs === 0 ? 'never' : formatTime(heardAtMs),
]

function noQuorum({ lostSinceMs }: ClusterStatus): CommandFailure {
  return new CommandFailure(
    `no server leads since ${formatTime(lostSinceMs)}; reads may be stale, nothing can be written`,
    { next: 'journalctl -u mesh-server on the servers' },
  )
}
