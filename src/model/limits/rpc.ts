/** Certificates, and calls between agents and servers. See ../limits.ts. */
export const rpcLimits = {
  /** One certificate and one certificate request; ours are under 1 KiB, other authorities' may carry more names. */
  certificateBytes: 16 * 1024,
  certificateRequestBytes: 8 * 1024,
  /** Certificates that a peer may present: leaf, intermediates, a cross-signed root. */
  certificateChainLength: 6,
  /** One message to a server (a command and its envelope), and one from a server (a list of a large catalog). */
  rpcRequestBytes: 1024 * 1024,
  rpcAnswerBytes: 64 * 1024 * 1024,
  /** Text of a failure as it travels in a trailer. */
  rpcMessageChars: 2_048,
  /** Calls open at once on one connection; blocking reads of an agent are the most of them. */
  rpcCallsPerConnection: 4_096,
  /** Calls of one client that share a stream; further ones go by themselves. Reads that wait cost little, and are counted apart. */
  rpcSharedCalls: 512,
  rpcSharedWaits: 8_192,
  /** Request or answer of a call that shares a stream; a larger one goes by itself, so that it does not hold up the others. */
  rpcSharedCallBytes: 64 * 1024,
  /** Answers that one client does not take, before its stream ends: those of all its calls. */
  rpcSharedAnswersQueuedBytes: 512 * 64 * 1024,
  /** Connections that one server holds: its agents, twice while they change over, and operators. */
  rpcConnections: 12_000,
  /** Connections of callers that have not proved to belong to the cluster, calls open on each, and bytes of one request. */
  rpcStrangers: 256,
  rpcStrangerCalls: 4,
  rpcStrangerRequestBytes: 32 * 1024,
  /** Calls of one agent that wait for a server to be reached. */
  rpcCallsHeld: 4_096,
  /** How long a server may take over a call, beside the time that a read asked to wait. */
  rpcCallTimeoutMs: 30_000,
  /** Leaves that one server signs: 200,000 services are re-issued in about eleven minutes without anything else waiting. */
  leafSignaturesPerSecond: 300,
  /** Services of one host that have a leaf, and leaf requests of one host under way at once. */
  leavesPerAgent: 10_000,
  leafRequestsInFlight: 8,
  /** Callers that wait for the first leaf of one service. */
  leafRequestsWaiting: 1_024,
  enrollmentTtlMs: 24 * 3_600_000,
  enrollmentTtlMaxMs: 30 * 24 * 3_600_000,
  leafTtlMs: 72 * 3_600_000,
  /** Short enough for tests of renewal; an hour or more is advised. */
  leafTtlMinMs: 10_000,
  hostCertificateTtlMs: 30 * 24 * 3_600_000,
  /** Evicted keys whose leaves are refused, and for how long: a leaf lives a year at most, its signer's clock may be ahead. */
  evictions: 10_000,
  evictionKeptMs: 366 * 24 * 3_600_000,
  /** Between the steps of a rotation of the gossip key: agents have the step before long before that, or no server reaches them. */
  gossipKeyStepMs: 10_000,
  /** After a step that the log did not take. */
  gossipKeyRetryMs: 1_000,
  /** Roots of the service plane that are trusted at a time: one that signs, one that will, and old ones. */
  rootsPerPlane: 8,
  rootTtlMs: 10 * 365 * 24 * 3_600_000,
} as const
