/**
 * `mesh status`: the page that an operator opens first. This host and its services by its agent, the servers by whichever of them
 * answers, and at the end what is wrong. Half of it is shown where the other half cannot be had. With `-leader` it is a probe
 * for scripts.
 */
import type { HostStateJson } from '../wire/http-json/host-state.ts'
import { type ClusterStatusJson, clusterStatusJson } from '../wire/http-json/operator.ts'
import type { ConnectionFlags } from './connection.ts'
import type { Context } from './declare.ts'
import { CommandFailure } from './failure.ts'
import { askCluster } from './operator-door.ts'
import { healthOf } from './status-health.ts'
import { showHost, showServers } from './status-page.ts'

export async function showStatus(
  context: Context,
  options: ConnectionFlags & { readonly leader?: true },
): Promise<void> {
  if (options.leader === true) return showLeader(context, options)
  const { terminal } = context
  const [host, cluster] = await Promise.all([
    answerOf(askHost(context)),
    answerOf(askServers(context, options)),
  ])
  // Without a server on this machine both were asked of its agent, and failed alike; a server knows better what it lacks.
  if (cluster.failure !== undefined && host.failure !== undefined) throw cluster.failure
  terminal.show({ ...cluster.value, Host: host.value ?? null }, () => {
    if (host.value !== undefined) showHost(terminal, host.value)
    if (cluster.value !== undefined) showServers(terminal, cluster.value)
  })
  const health = healthOf({ host: host.value, cluster: cluster.value, nowMs: Date.now() })
  for (const line of health.lines) terminal.note(`- ${line}`)
  // The servers are what a script asks about; a server's own agent may be away.
  if (host.failure !== undefined) terminal.note(`- ${host.failure.message}: ${host.failure.next}`)
  const lost = cluster.value === undefined ? undefined : noQuorum(cluster.value)
  const failure = lost ?? health.failure ?? cluster.failure
  if (failure !== undefined) throw failure
}

async function showLeader(context: Context, options: ConnectionFlags): Promise<void> {
  const { Leader } = await askServers(context, options)
  if (Leader === '') throw new CommandFailure('no server leads now', { next: 'mesh status' })
  context.terminal.line(Leader)
}

const askServers = (context: Context, options: ConnectionFlags): Promise<ClusterStatusJson> =>
  askCluster(
    context,
    options,
    { name: 'cluster.status', args: {}, http: { method: 'GET', path: '/v1/mesh/status' } },
    { ofServer: clusterStatusJson, ofAgent: (reply) => reply.json<ClusterStatusJson>() },
  )

/** Undefined from an agent of a version that does not tell. */
async function askHost({ client }: Context): Promise<HostStateJson | undefined> {
  return (await client().find('/v1/mesh/host'))?.json<HostStateJson>()
}

interface Half<Value> {
  readonly value?: Value | undefined
  readonly failure?: CommandFailure
}

async function answerOf<Value>(work: Promise<Value>): Promise<Half<Value>> {
  try {
    return { value: await work }
  } catch (error) {
    if (error instanceof CommandFailure) return { failure: error }
    throw error
  }
}

function noQuorum({ HasQuorum, LostSince: since }: ClusterStatusJson): CommandFailure | undefined {
  if (HasQuorum) return undefined
  return new CommandFailure(`no server leads since ${since}; reads may be stale, nothing can be written`, {
    next: 'journalctl -u mesh-server on the servers',
  })
}
