/** `mesh operator raft`: the servers of the cluster, who leads them, and taking one out. */
import {
  type RaftConfigurationJson,
  type RaftServerJson,
  raftConfigurationJson,
} from '../wire/http-json/operator.ts'
import type { ConnectionFlags } from './connection.ts'
import type { Context } from './declare.ts'
import { UsageFailure } from './failure.ts'
import { askCluster } from './operator-door.ts'

export async function listPeers(
  context: Context,
  options: ConnectionFlags & { readonly stale?: true },
): Promise<void> {
  const stale = options.stale === true
  const { Servers: servers } = await askCluster(
    context,
    options,
    {
      name: 'raft.configuration',
      args: { stale },
      http: { method: 'GET', path: `/v1/operator/raft/configuration${stale ? '?stale' : ''}` },
    },
    { ofServer: raftConfigurationJson, ofAgent: (reply) => reply.json<RaftConfigurationJson>() },
  )
  const highest = Math.max(0, ...servers.map((server) => server.LastIndex))
  const { terminal } = context
  terminal.show(servers, () =>
    terminal.table(
      ['node', 'id', 'address', 'state', 'voter', 'index', 'behind'],
      servers.map((server) => [
        server.Node,
        server.ID,
        server.Address,
        server.Leader ? 'leader' : 'follower',
        server.Voter ? 'yes' : 'no',
        ...(server.LastIndex === 0 ? ['', ''] : [String(server.LastIndex), behind(server, highest)]),
      ]),
    ),
  )
}

const behind = (server: RaftServerJson, highest: number): string => String(highest - server.LastIndex)

/** For answers that say nothing but that it was done. */
const done = { ofServer: () => undefined, ofAgent: () => undefined }

export async function removePeer(
  context: Context,
  options: ConnectionFlags & { readonly id?: string; readonly address?: string },
): Promise<void> {
  const { id = '', address = '' } = options
  if ((id === '') === (address === ''))
    throw new UsageFailure('name the server with -id or with -address', 'mesh operator raft list-peers')
  const query = id === '' ? `address=${encodeURIComponent(address)}` : `id=${encodeURIComponent(id)}`
  const http = { method: 'DELETE', path: `/v1/operator/raft/peer?${query}` } as const
  await askCluster(context, options, { name: 'raft.remove-peer', args: { id, address }, http }, done)
  context.terminal.line(`Removed server ${id}${address}`)
}

export async function transferLeader(
  context: Context,
  options: ConnectionFlags & { readonly id?: string },
): Promise<void> {
  const { id = '' } = options
  const query = id === '' ? '' : `?id=${encodeURIComponent(id)}`
  const http = { method: 'POST', path: `/v1/operator/raft/transfer-leader${query}` } as const
  await askCluster(context, options, { name: 'raft.transfer-leader', args: { id }, http }, done)
  context.terminal.line('Leadership was handed over')
}
