/** `mesh leave`: the server of this machine gives its place in the cluster up and stops. */
import type { ConnectionFlags } from './connection.ts'
import type { Context } from './declare.ts'
import { CommandFailure } from './failure.ts'
import { failureOf, findServerSocket } from './server-socket.ts'

export async function leave({ terminal }: Context, options: ConnectionFlags): Promise<void> {
  const server = findServerSocket(options)
  if (server === undefined)
    throw new CommandFailure('no server of this machine can be reached by this user', {
      next: 'a host without a server leaves by `systemctl stop mesh-agent`',
    })
  try {
    const result = await server.operate('raft.leave', {})
    if (!result.ok) throw failureOf(result.failure)
  } finally {
    server.close()
  }
  terminal.line('This server left the cluster and stops')
  terminal.note('To come back it needs a new token: mesh token create -server')
}
