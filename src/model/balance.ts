/**
 * How connections of one upstream are shared among the instances of its target, and how many it may have. The words are
 * Consul's where Consul has them; how they are written is config/balance.ts, what they do is proxy/balance.
 */
export const balancePolicies = ['round-robin', 'least-connections', 'random'] as const
export type BalancePolicy = (typeof balancePolicies)[number]

/** Which instances come first. `host`: those of this host, then those of its zone; `zone`: those of its zone, this host included. */
export const balancePreferences = ['none', 'host', 'zone'] as const
export type BalancePreference = (typeof balancePreferences)[number]

/** When an instance that keeps failing is left out, and for how long. Consul's `passive_health_check`. */
export interface EjectionSettings {
  /** Failed connections in a row; 0: never. */
  readonly maxFailures: number
  /** Of a hundred instances that failed so often, how many are really left out. */
  readonly enforcingPercent: number
  /** At most this share of the instances at a time; where it is above 0 and there are two or more, always one. */
  readonly maxPercent: number
  /** How long the first time; the second time in a row twice as long, and so on up to `ejectionLongestMs`. */
  readonly baseMs: number
  /** An instance that was let back in is forgiven one of its times for each such period. */
  readonly intervalMs: number
}

export interface BalanceSettings {
  readonly policy: BalancePolicy
  readonly prefer: BalancePreference
  /** Open connections of this upstream, openings included; 0: no limit but the worker's. */
  readonly maxConnections: number
  /** Openings that no instance has accepted yet; 0: no limit of their own. */
  readonly maxPending: number
  readonly ejection: EjectionSettings
}

/** Those of Envoy, which are what Consul's users have without saying anything. */
export const defaultBalance: BalanceSettings = {
  policy: 'round-robin',
  prefer: 'none',
  maxConnections: 0,
  maxPending: 0,
  ejection: { maxFailures: 5, enforcingPercent: 100, maxPercent: 10, baseMs: 30_000, intervalMs: 10_000 },
}
