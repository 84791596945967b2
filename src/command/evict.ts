/**
 * `mesh node evict`: shuts a host out of the mesh. Asks the server of this machine where there is one, because it may be the
 * agents that are not to be trusted; else an agent.
 */
import type { ConnectionFlags } from './connection.ts'
import type { Context } from './declare.ts'
import { failureOf, findServerSocket, type ServerSocket } from './server-socket.ts'

interface EvictionJson {
  readonly Node: string
  /** False: it was shut out before. */
  readonly Changed: boolean
}

export async function evictNode(context: Context, node: string, options: ConnectionFlags): Promise<void> {
  const { terminal } = context
  const server = findServerSocket(options)
  const done = server === undefined ? await askAgent(context, node) : await askServer(server, node)
  terminal.show(done, () => {
    if (!done.Changed) return terminal.line(`${node} was evicted before`)
    terminal.line(`Evicted: ${node}`)
    terminal.note('Servers refuse its key, proxies its certificates, on open connections too.')
    terminal.note('Its services are out of the catalog; the gossip key is changed within a minute.')
    terminal.note(`To let it back in with a new key: mesh token create -node ${node} -service SERVICE`)
  })
}

async function askAgent({ client }: Context, node: string): Promise<EvictionJson> {
  return (await client().ask('PUT', `/v1/mesh/evict/${encodeURIComponent(node)}`)).json<EvictionJson>()
}

async function askServer(server: ServerSocket, node: string): Promise<EvictionJson> {
  try {
    const written = await server.write({ type: 'host.evict', node })
    if (!written.ok) throw failureOf(written.failure)
    return { Node: node, Changed: written.value.value.kind === 'done' }
  } finally {
    server.close()
  }
}
