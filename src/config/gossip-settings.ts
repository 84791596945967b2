/**
 * What an agent is told of the gossip pool of its datacenter, with Consul's defaults (reference/consul.md, sections 2.2 and
 * 6). Only types and values; how text becomes this is told in gossip.ts.
 */
export interface GossipSettings {
  /** UDP and TCP; 0: any free one; -1: this host does not gossip. */
  readonly port: number
  readonly bindAddress: string
  /** What other hosts are told. */
  readonly advertiseAddress: string
  /** Base64 of 16, 24 or 32 bytes; '': the key that came with enrollment, if any. A secret. */
  readonly key: string
  /** What is not encrypted is refused. */
  readonly verifiesIncoming: boolean
  readonly encryptsOutgoing: boolean
  /** Tried at the start, and whenever this host is alone; hosts that the servers know need not stand here. */
  readonly joinAddresses: readonly string[]
  /** Between two attempts at most. */
  readonly retryIntervalMs: number
  /** 0: for ever. */
  readonly retryAttempts: number
  /** Networks that members may be in; empty: any. */
  readonly allowedNetworks: readonly string[]
  /** How long failed members are remembered. */
  readonly reconnectTimeoutMs: number
  /** After `mesh leave`, the next start finds the pool again by the peers it knew. */
  readonly rejoinsAfterLeave: boolean
  /** Distances to other hosts are told to those who ask. */
  readonly measuresDistances: boolean
  readonly timing: GossipTiming
}

/** What was written; the rest is memberlist's default for a datacenter. */
export interface GossipTiming {
  readonly gossipNodes?: number
  readonly gossipIntervalMs?: number
  readonly probeIntervalMs?: number
  readonly probeTimeoutMs?: number
  readonly suspicionMultiplier?: number
  readonly retransmitMultiplier?: number
}

const hour = 3_600_000

export const gossipDefaults = {
  port: 8_301,
  key: '',
  verifiesIncoming: true,
  encryptsOutgoing: true,
  joinAddresses: [],
  retryIntervalMs: 30_000,
  retryAttempts: 0,
  allowedNetworks: [],
  reconnectTimeoutMs: 72 * hour,
  rejoinsAfterLeave: false,
  measuresDistances: true,
  timing: {},
} as const satisfies Omit<GossipSettings, 'bindAddress' | 'advertiseAddress'>
