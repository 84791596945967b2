/** What the replicated state takes: names, keys of the key-value store, sessions, transactions. See ../limits.ts. */
export const catalogLimits = {
  /** What the catalog takes: names with what is made of them (`<name>-sidecar-proxy`), ids (`service:<id>:<n>`). */
  catalogNameChars: 255,
  catalogIdChars: 768,
  addressChars: 512,
  taggedAddresses: 16,
  /** Longest check output that the catalog takes; agents keep far less unless told otherwise. */
  catalogOutputChars: 65_536,
  /** Sources of one destination: each change of one rewrites the entry that holds them. */
  sourcesPerDestination: 4_096,
  /** Service patterns of one enrollment. */
  servicesPerEnrollment: 256,

  /** Consul's `kv_max_value_size`. */
  kvValueBytes: 512 * 1024,
  /** A key or the beginning of keys; the depth of its tree is at most this. */
  kvKeyChars: 4_096,
  /** How long deleted keys are remembered for watchers, and the steps in which they are forgotten (Consul's values). */
  tombstoneTtlMs: 15 * 60_000,
  tombstoneGranularityMs: 30_000,
  /** Tombstones that one command forgets. */
  tombstonesPerReap: 1_024,

  /** Consul's bounds of a session's time to live and of its lock delay, and the delay that is meant without one. */
  sessionTtlMinMs: 10_000,
  sessionTtlMaxMs: 24 * 3_600_000,
  lockDelayDefaultMs: 15_000,
  lockDelayMaxMs: 60_000,
  sessionNameChars: 512,
  checksPerSession: 64,
  /** Decided while a command is applied: another number needs another feature level. */
  sessionsPerCluster: 262_144,
  /** Lock delays past their end that one command forgets. */
  lockDelaysPerSweep: 1_024,
  /** How exactly sessions expire, sessions that a new leader takes up in one turn, and expiries under way. */
  sessionTickMs: 1_000,
  sessionsArmedPerTurn: 1_024,
  sessionExpiriesInFlight: 128,
  sessionRenewalsWaiting: 16_384,
  /** Operations of one transaction (Consul's), and text of the rows that it may show; the second is decided while applying. */
  txnOperations: 64,
  txnAnswerChars: 8 * 1024 * 1024,
} as const
