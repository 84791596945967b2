/** What agent and servers say of themselves, each question bounded in time: who hangs is a finding, not a reason to hang along. */
import { accessSync, constants } from 'node:fs'
import type { Settings } from '../../../config/settings.ts'
import type { HostStateJson } from '../../../wire/http-json/host-state.ts'
import {
  type AutopilotStateJson,
  autopilotStateJson,
  type ClusterStatusJson,
  clusterStatusJson,
} from '../../../wire/http-json/operator.ts'
import { type Client, createClient } from '../../client.ts'
import { type Context, contextOf } from '../../declare.ts'
import { askCluster } from '../../operator-door.ts'
import { socketPaths } from '../../socket-paths.ts'
import type { Told } from '../judge/mesh.ts'

const answerTimeoutMs = 5_000

export interface RunningLook {
  readonly host: Told<HostStateJson>
  readonly status: Told<ClusterStatusJson>
  readonly servers: Told<AutopilotStateJson>
  /** How many intentions there are; undefined where nobody could tell. */
  readonly rules: number | undefined
}

export async function askPrograms(settings: Settings): Promise<RunningLook> {
  const client = createClient(agentOf(settings))
  const context: Context = { ...contextOf({}), client: () => client }
  const [host, status, servers, rules] = await Promise.all([
    told(client.ask('GET', '/v1/mesh/host').then((reply) => reply.json<HostStateJson>())),
    told(askStatus(context)),
    told(askServers(context)),
    told(countRules(client)),
  ])
  return { host, status, servers, rules: 'value' in rules ? rules.value : undefined }
}

/** The agent of this configuration: by its socket where this user may use it, else by its first client address. */
function agentOf({ runtimeDirectory, clientAddresses, ports }: Settings): { readonly httpAddr?: string } {
  const { api } = socketPaths(runtimeDirectory)
  try {
    accessSync(api, constants.R_OK | constants.W_OK)
    return { httpAddr: `unix://${api}` }
  } catch {
    const [address] = clientAddresses
    if (address === undefined || ports.http < 0) return { httpAddr: `unix://${api}` }
    return { httpAddr: `${address === '0.0.0.0' ? '127.0.0.1' : address}:${ports.http}` }
  }
}

const askStatus = (context: Context): Promise<ClusterStatusJson> =>
  askCluster(
    context,
    {},
    { name: 'cluster.status', args: {}, http: { method: 'GET', path: '/v1/mesh/status' } },
    { ofServer: clusterStatusJson, ofAgent: (reply) => reply.json<ClusterStatusJson>() },
  )

const askServers = (context: Context): Promise<AutopilotStateJson> =>
  askCluster(
    context,
    {},
    { name: 'autopilot.state', args: {}, http: { method: 'GET', path: '/v1/operator/autopilot/state' } },
    { ofServer: autopilotStateJson, ofAgent: (reply) => reply.json<AutopilotStateJson>() },
  )

const countRules = async (client: Client): Promise<number> =>
  (await client.ask('GET', '/v1/connect/intentions')).json<readonly unknown[]>().length

async function told<Value>(work: Promise<Value>): Promise<Told<Value>> {
  const late = Promise.withResolvers<Told<Value>>()
  const timer = setTimeout(() => late.resolve({ why: 'no answer in time', isLate: true }), answerTimeoutMs)
  const answered = work.then(
    (value): Told<Value> => ({ value }),
    (error: unknown): Told<Value> => ({
      why: error instanceof Error ? error.message : String(error),
      isLate: false,
    }),
  )
  const first = await Promise.race([answered, late.promise])
  clearTimeout(timer)
  return first
}
