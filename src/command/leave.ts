/**
 * `mesh leave`: the server of this machine gives its place in the cluster up and stops; where there is none, the agent drains
 * its host and stops.
 */
import type { ConnectionFlags } from './connection.ts'
import type { Context } from './declare.ts'
import { CommandFailure } from './failure.ts'
import { failureOf, findServerSocket, type ServerSocket } from './server-socket.ts'

interface AgentSelf {
  readonly Config: { readonly Server: boolean }
}

export interface LeaveOptions extends ConnectionFlags {
  /** Leave a server of this machine alone. */
  readonly agent?: true
}

export async function leave(context: Context, options: LeaveOptions): Promise<void> {
  if (options.agent === true) return leaveAgent(context)
  const server = findServerSocket(options)
  if (server !== undefined) return leaveServer(context, server)
  const self = (await context.client().ask('GET', '/v1/agent/self')).json<AgentSelf>()
  // Stopping the agent of a machine whose server this user may not reach would be half of what was meant.
  if (self.Config.Server)
    throw new CommandFailure('the server of this machine cannot be reached by this user')
  context.terminal.note('No server runs here: the agent takes its services out of use and stops')
  await leaveAgent(context)
}

async function leaveAgent({ terminal, client }: Context): Promise<void> {
  await client().ask('PUT', '/v1/agent/leave')
  terminal.line('The services of this host are out of use, and its agent stops')
  terminal.note('To come back: systemctl start mesh-agent')
}

async function leaveServer({ terminal }: Context, server: ServerSocket): Promise<void> {
  try {
    const result = await server.operate('raft.leave', {})
    if (!result.ok) throw failureOf(result.failure)
  } finally {
    server.close()
  }
  terminal.line('This server left the cluster and stops')
  terminal.note('To come back it needs a new token: mesh token create -server')
}
