/** The data plane: the tunnel, connections, drains, the link to the agent, counters. See ../limits.ts. */
export const proxyLimits = {
  linkFrameBytes: 32 * 1024 * 1024,
  proxiesPerAgent: 256,

  /** Tunnel: payload of one DATA frame, metadata of one OPEN, time to finish an opening. */
  tunnelFrameBytes: 65_536,
  tunnelMetadataBytes: 4_096,
  handshakeTimeoutMs: 10_000,
  openTimeoutMs: 10_000,
  /** Credit a sender starts with; small windows bound the wait of interactive streams behind bulk ones. */
  streamWindowBytes: 256 * 1024,
  /** What it may grow to on a long way, and what all streams of a session may get beyond their first credit. */
  streamWindowMaxBytes: 32 * 1024 * 1024,
  sessionWindowBytes: 64 * 1024 * 1024,
  /** A session that got less since the last measurement does not measure its round trip. */
  tunnelMeasureBytes: 128 * 1024,
  /** Connections one worker carries, both directions together. */
  connectionsPerWorker: 65_536,
  /** Streams that one peer may have open in one tunnel session. */
  streamsPerSession: 1_024,
  /** Text for people in REFUSED, RESET and GOAWAY. */
  tunnelTextBytes: 256,
  /** How long a session without streams stays for the next one. */
  tunnelIdleMs: 60_000,
  /** From this age on new streams go to a new session; also after half of what the certificates are still valid. */
  tunnelAgeMs: 60 * 60_000,
  /** A session that leaves an opening unanswered for so long, and says nothing else either, gets no further ones. */
  tunnelSilenceMs: 1_000,
  /** Pairs of a local service and an address that one worker has sessions to, or remembers a failure of. */
  tunnelDestinations: 16_384,
  /** Connections whose owner is being looked up at the same time; more are refused. */
  ownerQuestions: 4_096,
  /** How long a far side without the tunnel is not asked for it again. */
  plainBelievedMs: 60_000,
  /** Bytes staged for one session before its streams stop reading; twice that and a peer that does not read is dropped. */
  tunnelBacklogBytes: 1024 * 1024,
  /** Up to so many instances the least busy one is looked for among all; beyond, two are drawn at random. */
  balanceScan: 32,
  /** Longest time that a failing instance is left out, unless its first time is longer. */
  ejectionLongestMs: 300_000,
  /** Instances tried for one connection. */
  openAttempts: 3,
  /** How long a session that said goodbye waits for the other side to close. */
  lingerMs: 2_000,
  /** Silence after which the kernel asks whether the other host is still there. */
  tcpKeepAliveMs: 30_000,
  /** Connections that the kernel queues for a listener while its worker restarts (capped by net.core.somaxconn). */
  listenBacklog: 4_096,
  /** Listeners of one proxy. */
  listenersPerProxy: 16_384,
  /** A listener whose address was taken is tried again this often. */
  bindRetryMs: 5_000,
  /** How long a stopping worker lets open connections finish. */
  workerDrainMs: 3_000,
  /** How long the other proxies have to learn that an instance goes before it refuses what they still send. */
  drainSettleMs: 3_000,
  /** How long open connections of an instance live after it was deregistered, or drained without a time of its own. */
  drainMs: 30_000,
  drainLongestMs: 24 * 3_600_000,
  /** The same when the agent leaves; below what systemd waits for a program to stop. */
  leaveDrainMs: 15_000,
  /** How often the progress of a drain is looked at; only while there is one. */
  drainLookMs: 200,
  /** Services of one host that are drained at the same time. */
  drainsPerAgent: 1_024,
  /** Listeners without TLS for health checks and scrapers: what they read and carry. */
  exposedHeaderBytes: 16 * 1024,
  exposedHeaderPairs: 128,
  exposedStreams: 64,
  exposedConnections: 256,
  exposedTimeoutMs: 30_000,
  /** Paths that one proxy exposes. */
  exposedPathsPerProxy: 128,
  /** The same for a worker that was replaced by a new one, which serves new connections meanwhile. */
  workerReplacedDrainMs: 120_000,
  /** A worker that lived shorter than this is restarted with back-off, up to the second value. */
  workerStableMs: 10_000,
  workerRestartMaxMs: 5_000,
  /** A worker says that it is alive this often; after so many missed beats it hangs and is killed. */
  workerBeatMs: 1_000,
  workerMissedBeats: 10,
  /** Beats that a process may miss before its first one, while it starts on a busy machine. */
  workerStartBeats: 50,
  /** A new worker that does not serve in this time is given up, and the old one goes on. */
  workerSuccessionMs: 30_000,
  /** Services of a host that have a worker of their own each, with `proxy.isolation = "service"`. */
  isolatedWorkers: 100,
  /** Commands to a running proxy: their length, how many at once, how long one may take. */
  controlLineBytes: 4_096,
  controlConnections: 8,
  controlTimeoutMs: 10_000,
  /** Redials of the agent's link socket: first wait and longest. */
  linkRedialMinMs: 50,
  linkRedialMaxMs: 3_000,
  linkHelloTimeoutMs: 5_000,
  /** Datagrams: clients of one upstream that have a stream at a time; one more takes the place of the longest silent one. */
  datagramFlows: 4_096,
  /** A flow that is silent so long ends; shorter while the worker stops, where only answers under way are waited for. */
  datagramIdleMs: 60_000,
  datagramLeavingIdleMs: 2_000,
  /** What one flow keeps while its stream is being opened; more is dropped. */
  datagramsHeld: 32,
  datagramsHeldBytes: 128 * 1024,
  /** All flows of one upstream together. */
  datagramsHeldInAllBytes: 4 * 1024 * 1024,
  /** A client that was refused is not asked for again so soon. */
  datagramRefusedMs: 1_000,
  /** Bytes that wait for the kernel on one socket before datagrams are dropped. */
  datagramQueueBytes: 1024 * 1024,
  /** Counters go to the agent this often, when they changed. */
  statsEveryMs: 1_000,
  /** Refusals of peers that never proved who they are, logged per second; all are counted. A flood must not fill the disk. */
  strangersLoggedPerSecond: 20,
  /** Refusals of proven peers, logged per second; all are counted, and all are in an access log of its own. */
  refusalsLoggedPerSecond: 200,
  /** Lines of the access log: gathered for so long or so many, and dropped beyond what a disk must catch up with. */
  lineFileDelayMs: 200,
  lineFilePieceChars: 64 * 1024,
  lineFileWaitingChars: 8 * 1024 * 1024,
  /** Pairs of source and destination that one worker counts; further ones share one row. */
  telemetryPairs: 4_096,
  /** The last good state is written this long after a change, or later where writing takes long. */
  lastGoodDelayMs: 100,
} as const
