/**
 * Timing and sizes of a pool: memberlist's defaults for a datacenter, for links between datacenters, and for one
 * machine. All members of a pool should use the same set; nothing breaks where they do not.
 */

export interface SwimParameters {
  /** One member is probed per interval; a failed probe is judged at its end. */
  readonly probeIntervalMs: number
  /** How long a direct answer may take before others are asked to try. */
  readonly probeTimeoutMs: number
  /** Members asked to probe on our behalf. */
  readonly indirectChecks: number
  readonly gossipIntervalMs: number
  /** Random members that get a packet in each gossip interval. */
  readonly gossipNodes: number
  /** For so long a failed member stays among those that get gossip, so that it can refute. */
  readonly gossipToTheDeadMs: number
  readonly suspicionMultiplier: number
  /** Longest suspicion as a multiple of the shortest. */
  readonly suspicionMaxMultiplier: number
  readonly retransmitMultiplier: number
  /** Between full exchanges of state, up to 32 members; more members exchange less often. */
  readonly pushPullIntervalMs: number
  /** Health scores go from 0 to one less; 1 switches awareness off. */
  readonly awarenessMax: number
  /** Largest datagram, before encryption and what else the shell adds. */
  readonly packetBytes: number
  /** After so long a failed member's name may be taken by another address. */
  readonly reclaimAfterMs: number
  /** Between attempts to meet a failed member again (Serf). */
  readonly reconnectIntervalMs: number
  readonly reapIntervalMs: number
  /** How long failed and left members are remembered (Serf's reconnect and tombstone timeouts). */
  readonly failedKeptMs: number
  readonly leftKeptMs: number
  /** Our own timers this late mean that this process stood still and must not judge others by its clock. */
  readonly lateMs: number
  /** Members that are looked at out of turn in one probe interval, because others disagree with us. */
  readonly looksOutOfTurn: number
  /** More arrivals at once call for exchanges: after this time, twice it, and so on. */
  readonly eagerExchangeArrivals: number
  readonly eagerExchangeMs: number
}

export const lanParameters: SwimParameters = {
  probeIntervalMs: 1_000,
  probeTimeoutMs: 500,
  indirectChecks: 3,
  gossipIntervalMs: 200,
  gossipNodes: 3,
  gossipToTheDeadMs: 30_000,
  suspicionMultiplier: 4,
  suspicionMaxMultiplier: 6,
  retransmitMultiplier: 4,
  pushPullIntervalMs: 30_000,
  awarenessMax: 8,
  packetBytes: 1_400,
  reclaimAfterMs: 30_000,
  reconnectIntervalMs: 30_000,
  reapIntervalMs: 15_000,
  failedKeptMs: 72 * 3_600_000,
  leftKeptMs: 24 * 3_600_000,
  lateMs: 100,
  looksOutOfTurn: 16,
  eagerExchangeArrivals: 8,
  eagerExchangeMs: 1_000,
}

export const wanParameters: SwimParameters = {
  ...lanParameters,
  probeIntervalMs: 5_000,
  probeTimeoutMs: 3_000,
  gossipIntervalMs: 500,
  gossipNodes: 4,
  gossipToTheDeadMs: 60_000,
  suspicionMultiplier: 6,
  pushPullIntervalMs: 60_000,
  reclaimAfterMs: 60_000,
  lateMs: 500,
  eagerExchangeMs: 5_000,
}

/** Several members on one machine: development and tests. */
export const localParameters: SwimParameters = {
  ...lanParameters,
  probeTimeoutMs: 200,
  indirectChecks: 1,
  gossipIntervalMs: 100,
  gossipToTheDeadMs: 15_000,
  suspicionMultiplier: 3,
  retransmitMultiplier: 2,
  pushPullIntervalMs: 15_000,
}
