/** `mesh operator autopilot`: how the servers are, and the rules by which the leader looks after them. */
import {
  type AutopilotConfigJson,
  type AutopilotStateJson,
  autopilotConfigJson,
  autopilotStateJson,
  parseAutopilotBody,
} from '../wire/http-json/operator.ts'
import type { ConnectionFlags } from './connection.ts'
import type { Context } from './declare.ts'
import { CommandFailure, UsageFailure } from './failure.ts'
import { askCluster } from './operator-door.ts'

const path = '/v1/operator/autopilot/configuration'

export async function showState(context: Context, options: ConnectionFlags): Promise<void> {
  const http = { method: 'GET', path: '/v1/operator/autopilot/state' } as const
  const state = await askCluster(
    context,
    options,
    { name: 'autopilot.state', args: {}, http },
    { ofServer: autopilotStateJson, ofAgent: (reply) => reply.json<AutopilotStateJson>() },
  )
  const { terminal } = context
  terminal.show(state, () => {
    terminal.line(`Healthy: ${state.Healthy ? 'yes' : 'no'}`)
    terminal.line(`Servers that may fail: ${state.FailureTolerance}`)
    terminal.line(`Feature level: ${state.FeatureLevel}`)
    terminal.line('')
    terminal.table(
      ['node', 'address', 'status', 'healthy', 'last contact', 'index', 'version'],
      Object.values(state.Servers).map((server) => [
        server.Name === '' ? server.ID : server.Name,
        server.Address,
        server.Status,
        server.Healthy ? 'yes' : 'no',
        server.LastContact,
        String(server.LastIndex),
        server.Version,
      ]),
    )
  })
}

export async function showConfig(context: Context, options: ConnectionFlags): Promise<void> {
  const { terminal } = context
  const config = await readConfig(context, options)
  terminal.show(config, () => {
    for (const [name, key] of shown) terminal.line(`${name} = ${String(config[key])}`)
  })
}

const readConfig = (context: Context, options: ConnectionFlags): Promise<AutopilotConfigJson> =>
  askCluster(
    context,
    options,
    { name: 'autopilot.get', args: { stale: false }, http: { method: 'GET', path } },
    { ofServer: autopilotConfigJson, ofAgent: (reply) => reply.json<AutopilotConfigJson>() },
  )

const shown = [
  ['cleanup-dead-servers', 'CleanupDeadServers'],
  ['last-contact-threshold', 'LastContactThreshold'],
  ['max-trailing-logs', 'MaxTrailingLogs'],
  ['min-quorum', 'MinQuorum'],
  ['server-stabilization-time', 'ServerStabilizationTime'],
  ['dead-server-last-contact', 'DeadServerLastContact'],
] as const

export interface ConfigFlags {
  readonly cleanupDeadServers?: string
  readonly lastContactThreshold?: string
  readonly maxTrailingLogs?: string
  readonly minQuorum?: string
  readonly serverStabilizationTime?: string
  readonly deadServerLastContact?: string
}

/** What is not named stays; two operators at once do not undo each other. */
export async function setConfig(context: Context, options: ConnectionFlags & ConfigFlags): Promise<void> {
  const changes = changesOf(options)
  if (Object.keys(changes).length === 0)
    throw new UsageFailure('nothing to set', 'mesh operator autopilot set-config -help')
  const before = await readConfig(context, options)
  const body = { ...before, ...changes }
  const config = parseAutopilotBody(body)
  if (!config.ok) throw new UsageFailure(config.failure.message.replace('Request decode failed: ', ''))
  const casIndex = before.ModifyIndex
  const http = { method: 'PUT', path: `${path}?cas=${casIndex}`, body } as const
  const isSet = await askCluster(
    context,
    options,
    { name: 'autopilot.set', args: { config: config.value, casIndex }, http },
    { ofServer: (answer) => answer.isSet, ofAgent: (reply) => reply.json<boolean>() },
  )
  if (!isSet) throw new CommandFailure('somebody else changed it meanwhile', { next: 'the same again' })
  context.terminal.line('Configuration updated')
}

function changesOf(flags: ConfigFlags): Partial<AutopilotConfigJson> {
  return {
    ...(flags.cleanupDeadServers === undefined
      ? {}
      : { CleanupDeadServers: toggle(flags.cleanupDeadServers) }),
    ...(flags.lastContactThreshold === undefined ? {} : { LastContactThreshold: flags.lastContactThreshold }),
    ...(flags.maxTrailingLogs === undefined
      ? {}
      : { MaxTrailingLogs: whole('-max-trailing-logs', flags.maxTrailingLogs) }),
    ...(flags.minQuorum === undefined ? {} : { MinQuorum: whole('-min-quorum', flags.minQuorum) }),
    ...(flags.serverStabilizationTime === undefined
      ? {}
      : { ServerStabilizationTime: flags.serverStabilizationTime }),
    ...(flags.deadServerLastContact === undefined
      ? {}
      : { DeadServerLastContact: flags.deadServerLastContact }),
  }
}

function toggle(text: string): boolean {
  if (text === 'true' || text === 'false') return text === 'true'
  throw new UsageFailure(`-cleanup-dead-servers ${text}: write true or false`)
}

function whole(flag: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new UsageFailure(`${flag} ${text}: write a whole number`)
}
