/**
 * What a server is told of other datacenters: where it gossips with their servers, and how they reach it. Defaults are
 * Consul's (reference/consul.md, section 2.2). Only types and values; how text becomes this is told in wan.ts.
 */
export interface WanSettings {
  /** UDP and TCP; 0: any free one; -1: this server does not gossip with other datacenters. */
  readonly port: number
  readonly bindAddress: string
  /** By which servers of other datacenters reach this one, for gossip and for requests. */
  readonly advertiseAddress: string
  /** Tried while no server of another datacenter is heard; those that the state knows need not stand here. */
  readonly joinAddresses: readonly string[]
  /** Between two attempts. */
  readonly retryIntervalMs: number
  /** Networks that members may be in; empty: any. */
  readonly allowedNetworks: readonly string[]
  /** How long failed members are remembered. */
  readonly reconnectTimeoutMs: number
  /** The datacenter that intentions belong to: refuses to join any other. '': whichever makes the token. */
  readonly primaryDatacenter: string
}

export const wanDefaults = {
  port: 8_302,
  joinAddresses: [],
  retryIntervalMs: 30_000,
  allowedNetworks: [],
  reconnectTimeoutMs: 72 * 3_600_000,
  primaryDatacenter: '',
} as const satisfies Omit<WanSettings, 'bindAddress' | 'advertiseAddress'>
