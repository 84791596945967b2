/**
 * Raft's times, all scaled by one multiplier (Consul's `raft_multiplier`): a slow network or a small machine wants
 * larger ones, nobody wants them out of proportion.
 */
export interface Timing {
  /** Elections start after one to two of these without a leader. */
  readonly electionTimeoutMs: number
  readonly heartbeatMs: number
  /** How often the core is told that time passes. */
  readonly tickMs: number
  /** Most time that one tick may stand for: after a pause the waiting messages come before elections. */
  readonly tickMaxMs: number
  /** Writes that outlive the leadership, and reads, are given this long before their callers are told. */
  readonly giveUpAfterMs: number
}

export function timing(multiplier = 1): Timing {
  return {
    electionTimeoutMs: 1_000 * multiplier,
    heartbeatMs: 150 * multiplier,
    tickMs: 50 * multiplier,
    tickMaxMs: 250 * multiplier,
    giveUpAfterMs: 2_000 * multiplier,
  }
}
