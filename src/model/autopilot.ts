/**
 * The servers as the cluster's state describes them, and the rules by which the leader looks after them. Names, units and
 * defaults are Consul's; durations are milliseconds.
 */

/** What a server says about itself when it starts; the leader reads versions and names from here. */
export interface ServerInfo {
  /** Raft id. */
  readonly id: string
  readonly node: string
  /** Program version, such as `0.1.0`. */
  readonly version: string
  /** Highest feature level that it supports. */
  readonly maxFeatureLevel: number
  /** Where servers of other datacenters reach it, `host:port`; absent: as its own do. */
  readonly wan?: {
    readonly server: string
    /** '' where it does not gossip with them. */
    readonly gossip: string
  }
}

export interface AutopilotConfig {
  /** Whether the leader removes servers that are gone for long. */
  readonly cleanupDeadServers: boolean
  /** A server that was silent for longer counts as unhealthy. */
  readonly lastContactThresholdMs: number
  /** So is one whose log is further behind than this. */
  readonly maxTrailingLogs: number
  /** Voters that cleaning up always leaves; 0: three. */
  readonly minQuorum: number
  /** A new server is given a vote after it was healthy for this long. */
  readonly serverStabilizationTimeMs: number
  /** Silence after which a server counts as gone for good. */
  readonly deadServerLastContactMs: number
}

export const autopilotDefaults: AutopilotConfig = {
  cleanupDeadServers: true,
  lastContactThresholdMs: 200,
  maxTrailingLogs: 250,
  minQuorum: 0,
  serverStabilizationTimeMs: 10_000,
  deadServerLastContactMs: 600_000,
}

/** Voters that cleaning up leaves where the configuration does not say: fewer survive no failure. */
export const leastVotersKept = 3
