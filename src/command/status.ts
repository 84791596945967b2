/** `mesh status`: which servers there are and which one leads. With `-leader` it is a probe for scripts. */
import type { QueryName } from '../model/query.ts'
import type { ConnectionFlags } from './connection.ts'
import type { Context } from './declare.ts'
import { CommandFailure } from './failure.ts'
import { failureOf, findServerSocket, type ServerSocket } from './server-socket.ts'

interface Servers {
  readonly leader: string
  readonly peers: readonly string[]
}

export async function showStatus(
  context: Context,
  options: ConnectionFlags & { readonly leader?: true },
): Promise<void> {
  const { terminal } = context
  const server = findServerSocket(options)
  const found = server === undefined ? await askAgent(context) : await askServer(server)
  if (found.leader === '')
    throw new CommandFailure('no server leads now', {
      next: 'journalctl -u mesh-server on the servers; a majority of them must run and reach each other',
    })
  if (options.leader === true) return terminal.line(found.leader)
  terminal.show(found, () =>
    terminal.table(
      ['server', 'state'],
      found.peers.map((peer) => [peer, peer === found.leader ? 'leader' : 'follower']),
    ),
  )
}

async function askAgent({ client }: Context): Promise<Servers> {
  return {
    leader: (await client().ask('GET', '/v1/status/leader')).json<string>(),
    peers: (await client().ask('GET', '/v1/status/peers')).json<readonly string[]>(),
  }
}

async function askServer(server: ServerSocket): Promise<Servers> {
  const ask = async <Name extends Extract<QueryName, `status.${string}`>>(name: Name) => {
    const result = await server.read(name, {})
    if (result.ok) return result.value.answer
    throw failureOf(result.failure)
  }
  try {
    return { leader: await ask('status.leader'), peers: await ask('status.peers') }
  } finally {
    server.close()
  }
}
