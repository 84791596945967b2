/**
 * Every bound of the product in one place: each queue, buffer, input and loop names its limit here.
 * A limit that operators may change is the default of a configuration key.
 */
export const limits = {
  /** A configuration file; the largest real ones are a few hundred kilobytes. */
  configFileBytes: 4 * 1024 * 1024,
  /** Nesting of blocks and lists in HCL; deeper is a mistake or an attack. */
  hclDepth: 64,
  /** Errors shown for one file before we stop counting. */
  configErrorsShown: 20,
  metaPairs: 64,
  metaKeyChars: 128,
  metaValueChars: 512,
  tagsPerService: 1_024,
  upstreamsPerProxy: 1_024,
  descriptionChars: 512,
  checkOutputBytes: 4_096,
  /** Consul's minimum check interval. */
  checkIntervalMinMs: 1_000,

  /** One log entry; Consul's soft limit per Raft entry. */
  commandBytes: 512 * 1024,
  /** Proposals accepted and not yet committed. */
  uncommittedBytes: 64 * 1024 * 1024,
  proposalsInFlight: 16_384,
  walSegmentBytes: 64 * 1024 * 1024,

  /** Blocking query: default and longest wait (Consul's values), and how many one server holds. */
  blockingDefaultMs: 300_000,
  blockingMaxMs: 600_000,
  blockingQueriesHeld: 20_000,
  /** Watches kept on one tree node before watchers are moved to its parent. */
  watchesPerNode: 8_192,

  /** Events kept per topic for resuming streams; older cursors get a snapshot. */
  eventsKeptPerTopic: 4_096,
  /** Bytes queued for one agent before its stream is collapsed to "resnapshot". */
  sessionQueueBytes: 8 * 1024 * 1024,
  subscriptionsPerSession: 4_096,
  sessionsPerServer: 5_000,

  httpBodyBytes: 512 * 1024,
  httpConnectionsPerClient: 200,
  httpHeaderBytes: 1024 * 1024,
  linkFrameBytes: 32 * 1024 * 1024,
  proxiesPerAgent: 64,

  /** Tunnel: payload of one DATA frame, metadata of one OPEN, time to finish an opening. */
  tunnelFrameBytes: 65_536,
  tunnelMetadataBytes: 4_096,
  handshakeTimeoutMs: 10_000,
  openTimeoutMs: 10_000,
  /** Credit a sender starts with; small windows bound the wait of interactive streams behind bulk ones. */
  streamWindowBytes: 256 * 1024,
  /** Connections one worker carries, both directions together. */
  connectionsPerWorker: 65_536,

  enrollmentTtlMs: 24 * 3_600_000,
  enrollmentTtlMaxMs: 30 * 24 * 3_600_000,
  leafTtlMs: 72 * 3_600_000,
  hostCertificateTtlMs: 30 * 24 * 3_600_000,
  rootTtlMs: 10 * 365 * 24 * 3_600_000,
  /** Consul's sidecar port range. */
  sidecarMinPort: 21_000,
  sidecarMaxPort: 21_255,
} as const
