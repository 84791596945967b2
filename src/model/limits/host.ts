/** What one host takes: configuration files, services and checks of its agent, ports that it hands out. See ../limits.ts. */
export const hostLimits = {
  /** A configuration file; the largest real ones are a few hundred kilobytes. */
  configFileBytes: 4 * 1024 * 1024,
  /** Files of the state that `mesh doctor` looks at, and servers that it goes to. */
  doctorPaths: 5_000,
  doctorServers: 9,
  /** Nesting of blocks and lists in HCL; deeper is a mistake or an attack. */
  hclDepth: 64,
  /** Values of one configuration file; each costs a few hundred bytes while it is read. */
  hclValues: 250_000,
  /** Errors shown for one file before we stop counting. */
  configErrorsShown: 20,
  metaPairs: 64,
  metaKeyChars: 128,
  metaValueChars: 512,
  tagsPerService: 1_024,
  tagChars: 255,
  /** Keeps the SNI name made from a service and its datacenter within DNS's 255. */
  serviceNameChars: 128,
  serviceIdChars: 512,
  /** Linux keeps 108 bytes of a unix socket's path, the last of them 0. */
  socketPathBytes: 107,
  /** Leaves room for the name of a socket in it. */
  runtimeDirectoryChars: 90,
  serverAddresses: 64,
  upstreamsPerProxy: 1_024,
  descriptionChars: 512,
  checkOutputBytes: 4_096,
  /** The most that one check may ask to keep of its output. */
  checkOutputLargestBytes: 64 * 1024,
  /** Consul's minimum check interval. */
  checkIntervalMinMs: 1_000,
  /** Longest interval, timeout or TTL of a check; a timer cannot wait for more than 2^31 ms, 24.8 days. */
  checkIntervalMaxMs: 24 * 24 * 3_600_000,
  /** Probes and scripts that one agent runs at once; more wait their turn. */
  checksInFlight: 64,
  /** Status changes of checks written to the log; all of them are counted. */
  checkChangesLoggedPerSecond: 20,
  /** Consul's reaper: shortest wait before a critical service is deregistered, and how often it looks. */
  reapAfterMinMs: 60_000,
  reapEveryMs: 30_000,
  /** Registrations and checks of one host. */
  servicesPerAgent: 10_000,
  checksPerAgent: 50_000,
  /** One view kept on disk for a restart without servers; a larger one is not kept. */
  viewFileBytes: 16 * 1024 * 1024,
  /** Views written one after the other before the agent's other work gets its turn. */
  viewFilesPerTurn: 16,
  /** What an agent that starts waits for servers to confirm its saved views, while its proxies go on with what they have. */
  firstPlanWaitMs: 5_000,
  /** Rows in one registration that an agent sends; `commandBytes` bounds the bytes. */
  rowsPerRegistration: 512,
  /** Refusals of single rows that one pass of anti-entropy names in the log. */
  refusalsLoggedPerSync: 20,
  /** A proxy's connect to its local service, where the registration does not say (Consul's default). */
  localConnectMs: 5_000,
  /** Answers of servers about catalog and health that an agent keeps for an outage, and rows in them altogether. */
  answersRemembered: 1_024,
  answerRowsRemembered: 50_000,
  /** Services whose instances an agent follows because clients asked for them with `?cached`. */
  cachedSubjects: 256,
  /** Blocking waits on views that one agent holds for readers while no server answers. */
  heldViewReads: 4_096,
  /** Label combinations of one program's metrics; further ones are counted as dropped. */
  metricSeries: 20_000,

  /** Consul's sidecar port range. */
  sidecarMinPort: 21_000,
  sidecarMaxPort: 21_255,
  /** Consul's port range for checks that are asked through the proxy. */
  exposeMinPort: 21_500,
  exposeMaxPort: 21_755,
} as const
