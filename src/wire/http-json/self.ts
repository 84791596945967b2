/**
 * `/agent/self`: what tools look at to learn where they are and which version they talk to.
 */
import { formatDuration } from '../../model/duration.ts'
import type { NetworkCoordinate } from '../../model/serf-message.ts'
import { type CoordJson, coordJson } from './coordinate.ts'
import {
  type GossipMember,
  gossipMemberJson,
  type MemberJson,
  memberJson,
  type memberStatus,
} from './member.ts'

/** The version of Consul whose interfaces are claimed; tools switch features by it. */
export const claimedConsulVersion = '1.14.0'

/** `1.14.0+mesh-agent.0.1.0`: SemVer build metadata, so that comparisons see 1.14.0. */
export const versionText = (ours: string): string => `${claimedConsulVersion}+mesh-agent.${ours}`

/** This host's gossip, as far as it shows of itself. */
export interface SelfGossip {
  readonly self: GossipMember
  readonly coordinate: NetworkCoordinate
  readonly healthScore: number
  readonly isEncrypted: boolean
  readonly members: readonly Pick<GossipMember, 'presence'>[]
}

export interface SelfFacts {
  readonly version: string
  readonly datacenter: string
  readonly nodeName: string
  readonly nodeId: string
  readonly advertiseAddress: string
  readonly bindAddress: string
  readonly clientAddresses: readonly string[]
  readonly httpPort: number
  readonly serverPort: number
  readonly server: boolean
  readonly dataDirectory: string
  readonly sidecarMinPort: number
  readonly sidecarMaxPort: number
  readonly enableScriptChecks: boolean
  readonly enableLocalScriptChecks: boolean
  readonly checkUpdateIntervalMs: number
  readonly defaultIntentionAction: string
  readonly logLevel: string
  readonly nodeMeta: Readonly<Record<string, string>>
  readonly servers: readonly string[]
  readonly services: number
  readonly checks: number
  /** Undefined where this host does not gossip. */
  readonly membership: SelfGossip | undefined
  readonly gossip: {
    readonly port: number
    readonly bindAddress: string
    readonly joinAddresses: readonly string[]
    readonly verifiesIncoming: boolean
    readonly encryptsOutgoing: boolean
  }
  readonly runtimeVersion: string
  readonly architecture: string
}

export interface SelfJson {
  readonly Config: {
    readonly Datacenter: string
    readonly PrimaryDatacenter: string
    readonly NodeName: string
    readonly NodeID: string
    readonly Revision: string
    readonly Server: boolean
    readonly Version: string
    readonly BuildDate: string
  }
  readonly DebugConfig: Readonly<Record<string, unknown>>
  readonly Coord: CoordJson
  readonly Member: MemberJson
  readonly Stats: Readonly<Record<string, Readonly<Record<string, string>>>>
  readonly Meta: Readonly<Record<string, string>>
  readonly xDS: {
    readonly SupportedProxies: Readonly<Record<string, readonly string[]>>
    readonly Port: number
    readonly Ports: { readonly Plaintext: number; readonly TLS: number }
  }
}

export function selfJson(facts: SelfFacts): SelfJson {
  return {
    Config: {
      Datacenter: facts.datacenter,
      PrimaryDatacenter: facts.datacenter,
      NodeName: facts.nodeName,
      NodeID: facts.nodeId,
      Revision: '',
      Server: facts.server,
      Version: versionText(facts.version),
      BuildDate: '1970-01-01T00:00:00Z',
    },
    DebugConfig: debugConfig(facts),
    Coord: facts.membership === undefined ? origin : coordJson(facts.membership.coordinate),
    Member: selfMember(facts),
    Stats: stats(facts),
    Meta: facts.nodeMeta,
    xDS: { SupportedProxies: { envoy: [] }, Port: -1, Ports: { Plaintext: -1, TLS: -1 } },
  }
}

/** Where a node stands that has measured no distance, as in Vivaldi and Serf. */
const origin: CoordJson = { Vec: [0, 0, 0, 0, 0, 0, 0, 0], Error: 1.5, Adjustment: 0, Height: 0.00001 }

function selfMember(facts: SelfFacts): MemberJson {
  if (facts.membership !== undefined) return gossipMemberJson(facts.membership.self)
  const node = {
    id: facts.nodeId,
    name: facts.nodeName,
    address: facts.advertiseAddress,
    datacenter: facts.datacenter,
    taggedAddresses: {},
    meta: facts.nodeMeta,
  }
  const member = memberJson({ node, status: 'alive', server: facts.server })
  return { ...member, Tags: { ...member.Tags, build: versionText(facts.version) } }
}

/** Settings under Consul's names. Holds no secret: tokens and keys are no settings. */
function debugConfig(facts: SelfFacts): Readonly<Record<string, unknown>> {
  return {
    AdvertiseAddrLAN: facts.advertiseAddress,
    BindAddr: facts.bindAddress,
    CheckUpdateInterval: formatDuration(facts.checkUpdateIntervalMs),
    ClientAddrs: facts.clientAddresses,
    ConnectEnabled: true,
    ConnectSidecarMaxPort: facts.sidecarMaxPort,
    ConnectSidecarMinPort: facts.sidecarMinPort,
    DataDir: facts.dataDirectory,
    Datacenter: facts.datacenter,
    DefaultIntentionPolicy: facts.defaultIntentionAction,
    EnableLocalScriptChecks: facts.enableLocalScriptChecks,
    EnableRemoteScriptChecks: facts.enableScriptChecks,
    EncryptVerifyIncoming: facts.gossip.verifiesIncoming,
    EncryptVerifyOutgoing: facts.gossip.encryptsOutgoing,
    HTTPPort: facts.httpPort,
    Logging: { LogLevel: facts.logLevel.toUpperCase() },
    NodeID: facts.nodeId,
    NodeMeta: facts.nodeMeta,
    NodeName: facts.nodeName,
    PrimaryDatacenter: facts.datacenter,
    RetryJoinLAN: facts.gossip.joinAddresses,
    SerfAdvertiseAddrLAN: facts.advertiseAddress,
    SerfBindAddrLAN: facts.gossip.bindAddress,
    SerfPortLAN: facts.gossip.port,
    ServerMode: facts.server,
    ServerPort: facts.serverPort,
    Version: versionText(facts.version),
  }
}

function stats(facts: SelfFacts): SelfJson['Stats'] {
  return {
    agent: {
      check_monitors: '0',
      check_ttls: '0',
      checks: String(facts.checks),
      services: String(facts.services),
    },
    build: {
      prerelease: '',
      revision: '',
      version: claimedConsulVersion,
      version_metadata: versionText(facts.version).split('+')[1] ?? '',
    },
    consul: { known_servers: String(facts.servers.length), server: String(facts.server) },
    runtime: { arch: facts.architecture, os: 'linux', version: facts.runtimeVersion },
    serf_lan: gossipStats(facts.membership),
  }
}

function gossipStats(gossip: SelfGossip | undefined): Readonly<Record<string, string>> {
  if (gossip === undefined) return {}
  const { members, healthScore, isEncrypted } = gossip
  const count = (wanted: keyof typeof memberStatus): string =>
    String(members.filter(({ presence }) => presence === wanted).length)
  return {
    encrypted: String(isEncrypted),
    failed: count('failed'),
    health_score: String(healthScore),
    left: count('left'),
    members: String(members.length),
  }
}
