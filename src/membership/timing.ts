/**
 * Times of the shell around gossip, beside those of the core: streams, and how long a goodbye may take. memberlist's and
 * Serf's defaults for a datacenter, for links between datacenters, and for one machine.
 */
import { lanParameters, localParameters, type SwimParameters, wanParameters } from '../swim/parameters.ts'

export interface PoolTiming {
  readonly swim: SwimParameters
  /** For a whole exchange over a stream, from connecting to the answer. */
  readonly streamTimeoutMs: number
  /** How long the news of our leaving may take to be told. */
  readonly leaveToldMs: number
  /** And then to spread, before the sockets close. */
  readonly leaveSpreadMs: number
}

export const lanTiming: PoolTiming = {
  swim: lanParameters,
  streamTimeoutMs: 10_000,
  leaveToldMs: 5_000,
  leaveSpreadMs: 1_000,
}

export const wanTiming: PoolTiming = {
  swim: wanParameters,
  streamTimeoutMs: 30_000,
  leaveToldMs: 5_000,
  leaveSpreadMs: 3_000,
}

export const localTiming: PoolTiming = {
  swim: localParameters,
  streamTimeoutMs: 1_000,
  leaveToldMs: 2_000,
  leaveSpreadMs: 300,
}

/** Serf's time to answer a query: `gossip interval * 16 * ceil(log10(members + 1))`. */
export function queryTimeoutMs({ gossipIntervalMs }: SwimParameters, members: number): number {
  return gossipIntervalMs * 16 * Math.max(1, Math.ceil(Math.log10(members + 1)))
}
