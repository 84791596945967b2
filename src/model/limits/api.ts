/** What HTTP clients and the command line may ask of an agent. See ../limits.ts. */
export const apiLimits = {
  httpBodyBytes: 512 * 1024,
  httpConnectionsPerClient: 200,
  /** Blocking reads that one client address may hold beside its other connections (a watch needs one each). */
  httpLongPollsPerClient: 5_000,
  /** Connections of all clients together. */
  httpConnections: 20_000,
  /** Lines about requests beyond `request_limits` that one server logs; all are counted. */
  rateLimitLinesPerSecond: 5,
  /** A request's path and query string: the longest key and the longest filter, each byte written as %xx. */
  httpUrlBytes: 128 * 1024,
  /** Refusals of the API that are logged; all are counted. A flood must not fill the disk. */
  httpRefusalsLoggedPerSecond: 20,
  /** How long `/v1/mesh/enforcement` and the commands that use it wait at most. */
  enforcementWaitMaxMs: 60_000,
  httpHeaderBytes: 1024 * 1024,
  /** A filter expression (`?filter=`): its text, parentheses and `not` within one another, conditions in all. */
  filterChars: 8_192,
  filterDepth: 32,
  filterConditions: 256,
  /** A regular expression in one: its text, groups within one another, steps of the program that it becomes. */
  patternChars: 1_024,
  patternDepth: 64,
  patternSteps: 1_024,
  /** RE2's bound for `{n,m}`. */
  patternRepeats: 1_000,
  /** Clients that follow an agent's log at once, and lines that wait for a slow one before some are left out. */
  logFollowers: 16,
  logLinesWaiting: 1_024,
  /** Metrics are summed up over this long (Consul's interval). */
  metricsIntervalMs: 10_000,
  /** Longest CPU profile that is taken on request. */
  profileMaxMs: 60_000,
  /** How long `mesh debug` collects at most, and the log that it keeps. */
  debugMaxMs: 10 * 60_000,
  debugLogBytes: 32 * 1024 * 1024,
} as const
