/**
 * Servers, their health and autopilot's rules as Consul's operator endpoints show them (reference/consul.md 1.9), and the
 * cluster's status, which is our own. Durations are Go's texts.
 */
import { type AutopilotConfig, autopilotDefaults } from '../../model/autopilot.ts'
import { formatDuration } from '../../model/duration.ts'
import type { Result } from '../../model/errors.ts'
import type { RowIndexes } from '../../model/service.ts'
import { decodeObject, type Fields } from './fields.ts'
import { formatTime } from './time.ts'

export interface AutopilotConfigJson {
  readonly CleanupDeadServers: boolean
  readonly LastContactThreshold: string
  readonly MaxTrailingLogs: number
  readonly MinQuorum: number
  readonly ServerStabilizationTime: string
  /** Ours: silence after which a server counts as gone for good. */
  readonly DeadServerLastContact: string
  readonly RedundancyZoneTag: string
  readonly DisableUpgradeMigration: boolean
  readonly UpgradeVersionTag: string
  readonly CreateIndex: number
  readonly ModifyIndex: number
}

export function autopilotConfigJson(config: AutopilotConfig & RowIndexes): AutopilotConfigJson {
  return {
    CleanupDeadServers: config.cleanupDeadServers,
    LastContactThreshold: formatDuration(config.lastContactThresholdMs),
    MaxTrailingLogs: config.maxTrailingLogs,
    MinQuorum: config.minQuorum,
    ServerStabilizationTime: formatDuration(config.serverStabilizationTimeMs),
    DeadServerLastContact: formatDuration(config.deadServerLastContactMs),
    RedundancyZoneTag: '',
    DisableUpgradeMigration: false,
    UpgradeVersionTag: '',
    CreateIndex: config.createIndex,
    ModifyIndex: config.modifyIndex,
  }
}

const known = [
  'CleanupDeadServers',
  'LastContactThreshold',
  'MaxTrailingLogs',
  'MinQuorum',
  'ServerStabilizationTime',
  'DeadServerLastContact',
  'RedundancyZoneTag',
  'DisableUpgradeMigration',
  'UpgradeVersionTag',
  'CreateIndex',
  'ModifyIndex',
]

/** What the body leaves away has its default, as in Consul; so nothing is cleaned up unless the body says so. */
export function parseAutopilotBody(body: unknown): Result<AutopilotConfig> {
  return decodeObject(body, known, (fields) => {
    for (const name of ['RedundancyZoneTag', 'UpgradeVersionTag'])
      if (fields.text(name) !== '') fields.refuse(`${name} is not supported by this version`)
    return {
      cleanupDeadServers: fields.flag('CleanupDeadServers'),
      lastContactThresholdMs: duration(
        fields,
        'LastContactThreshold',
        autopilotDefaults.lastContactThresholdMs,
      ),
      maxTrailingLogs: fields.has('MaxTrailingLogs')
        ? whole(fields, 'MaxTrailingLogs')
        : autopilotDefaults.maxTrailingLogs,
      minQuorum: fields.has('MinQuorum') ? whole(fields, 'MinQuorum') : 0,
      serverStabilizationTimeMs: duration(
        fields,
        'ServerStabilizationTime',
        autopilotDefaults.serverStabilizationTimeMs,
      ),
      deadServerLastContactMs: duration(
        fields,
        'DeadServerLastContact',
        autopilotDefaults.deadServerLastContactMs,
      ),
    }
  })
}

function whole(fields: Fields, name: string): number {
  const value = fields.raw(name)
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return value
  return fields.refuse(`${name} must be a whole number that is not negative`)
}

/** Nanoseconds as a number, which Go's clients may send, or a text such as "10s". */
function duration(fields: Fields, name: string, otherwiseMs: number): number {
  const ms = fields.has(name) ? fields.durationMs(name) : otherwiseMs
  return ms >= 0 ? Math.round(ms) : fields.refuse(`${name} must not be negative`)
}

export interface RaftServerJson {
  readonly ID: string
  readonly Node: string
  readonly Address: string
  readonly Leader: boolean
  readonly ProtocolVersion: string
  readonly Voter: boolean
  readonly LastIndex: number
}

export interface RaftConfigurationJson {
  readonly Servers: readonly RaftServerJson[]
  readonly Index: number
}

/** A server as the operations of rpc/operator.ts tell it. */
interface ServerView {
  readonly id: string
  readonly node: string
  readonly address: string
  readonly isLeader: boolean
  readonly isVoter: boolean
  readonly lastIndex: number
}

export function raftConfigurationJson(list: {
  readonly index: number
  readonly servers: readonly ServerView[]
}): RaftConfigurationJson {
  return {
    Servers: list.servers.map((server) => ({
      ID: server.id,
      Node: server.node === '' ? '(unknown)' : server.node,
      Address: server.address,
      Leader: server.isLeader,
      ProtocolVersion: '3',
      Voter: server.isVoter,
      LastIndex: server.lastIndex,
    })),
    Index: list.index,
  }
}

interface HealthView extends ServerView {
  readonly version: string
  readonly isAlive: boolean
  readonly lastContactMs: number
  readonly lastTerm: number
  readonly isHealthy: boolean
  readonly stableSinceMs: number
}

interface StateView {
  readonly isHealthy: boolean
  readonly failureTolerance: number
  readonly leader: string
  readonly featureLevel: number
  readonly servers: readonly HealthView[]
}

export interface HealthJson {
  readonly Healthy: boolean
  readonly FailureTolerance: number
  readonly Servers: readonly (ReturnType<typeof shared> & { readonly SerfStatus: string })[]
}

const shared = (server: HealthView) => ({
  ID: server.id,
  Name: server.node,
  Address: server.address,
  Version: server.version,
  LastContact: formatDuration(server.lastContactMs),
  LastTerm: server.lastTerm,
  LastIndex: server.lastIndex,
  Healthy: server.isHealthy,
  StableSince: formatTime(server.stableSinceMs),
})

const aliveWord = (server: HealthView): string => (server.isAlive ? 'alive' : 'failed')

export function autopilotHealthJson(state: StateView): HealthJson {
  return {
    Healthy: state.isHealthy,
    FailureTolerance: state.failureTolerance,
    Servers: state.servers.map((server) => ({
      ...shared(server),
      SerfStatus: aliveWord(server),
      Leader: server.isLeader,
      Voter: server.isVoter,
    })),
  }
}

export interface AutopilotStateJson {
  readonly Healthy: boolean
  readonly FailureTolerance: number
  readonly OptimisticFailureTolerance: number
  readonly Servers: Readonly<Record<string, ReturnType<typeof shared> & { readonly Status: string }>>
  readonly Leader: string
  readonly Voters: readonly string[]
  /** Ours: what the servers may write into their log. */
  readonly FeatureLevel: number
}

export function autopilotStateJson(state: StateView): AutopilotStateJson {
  const statusOf = ({ isLeader, isVoter }: HealthView): string =>
    isLeader ? 'leader' : isVoter ? 'voter' : 'non-voter'
  return {
    Healthy: state.isHealthy,
    FailureTolerance: state.failureTolerance,
    OptimisticFailureTolerance: state.failureTolerance,
    Servers: Object.fromEntries(
      state.servers.map((server) => [
        server.id,
        {
          ...shared(server),
          NodeStatus: aliveWord(server),
          Status: statusOf(server),
          ReadReplica: false,
          NodeType: server.isVoter ? 'voter' : 'non-voter',
        },
      ]),
    ),
    Leader: state.leader,
    Voters: state.servers.filter((server) => server.isVoter).map((server) => server.id),
    FeatureLevel: state.featureLevel,
  }
}

export interface ClusterStatusJson {
  /** Of the server that answers. */
  readonly ID: string
  readonly Role: string
  readonly Term: number
  /** Address; empty where none is known. */
  readonly Leader: string
  readonly HasQuorum: boolean
  /** Empty while there is a leader. */
  readonly LostSince: string
  readonly Servers: readonly {
    readonly ID: string
    readonly Node: string
    readonly Address: string
    readonly Voter: boolean
    readonly State: string
    /** Empty where it was not heard since the server that answers started. */
    readonly LastHeard: string
  }[]
  readonly DiskFull: boolean
  /** Log index at which this server was found to differ from its leader; 0: it was not. */
  readonly DivergedAt: number
  readonly Advice: readonly string[]
}

/** The status as rpc/operator.ts tells it. */
interface StatusView {
  readonly id: string
  readonly role: string
  readonly term: number
  readonly leader: string
  readonly hasQuorum: boolean
  readonly lostSinceMs: number
  readonly servers: readonly {
    readonly id: string
    readonly node: string
    readonly address: string
    readonly isVoter: boolean
    readonly state: string
    readonly heardAtMs: number
  }[]
  readonly isDiskFull: boolean
  readonly divergedAt: number
  readonly advice: readonly string[]
}

const timeOrNone = (ms: number): string => (ms === 0 ? '' : formatTime(ms))

export function clusterStatusJson(status: StatusView): ClusterStatusJson {
  return {
    ID: status.id,
    Role: status.role,
    Term: status.term,
    Leader: status.leader,
    HasQuorum: status.hasQuorum,
    LostSince: timeOrNone(status.lostSinceMs),
    Servers: status.servers.map((server) => ({
      ID: server.id,
      Node: server.node,
      Address: server.address,
      Voter: server.isVoter,
      State: server.state,
      LastHeard: timeOrNone(server.heardAtMs),
    })),
    DiskFull: status.isDiskFull,
    DivergedAt: status.divergedAt,
    Advice: status.advice,
  }
}
