/**
 * Every bound of the product in one place: each queue, buffer, input and loop names its limit here.
 * A limit that operators may change is the default of a configuration key.
 */
import { dnsLimits } from './dns-limits.ts'

export const limits = {
  ...dnsLimits,

  /** A configuration file; the largest real ones are a few hundred kilobytes. */
  configFileBytes: 4 * 1024 * 1024,
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

  /** One log entry: the largest value of the key-value store in base64, with its key and envelope. */
  commandBytes: 768 * 1024,
  /** Proposals accepted and not yet committed. */
  uncommittedBytes: 64 * 1024 * 1024,
  proposalsInFlight: 16_384,
  /** What a server keeps free for the time when its disk is full: one segment. */
  diskReserveBytes: 64 * 1024 * 1024,
  walSegmentBytes: 64 * 1024 * 1024,
  /** One write and one sync of the log; what waits longer goes into the next. */
  walBatchBytes: 4 * 1024 * 1024,
  /** One append message, and what may be under way to one follower without an answer. */
  appendBytes: 512 * 1024,
  appendsInFlight: 256,
  appendBytesInFlight: 4 * 1024 * 1024,
  /** Entries handed to the state machine in one turn of the event loop. */
  applyBatchBytes: 128 * 1024,
  applyBatchEntries: 256,
  /** Newest log entries kept in memory for followers; older ones are read from disk. */
  recentLogBytes: 32 * 1024 * 1024,
  /** Writes that wait at one server for a leader, and how often it looks whether there is one. */
  writesHeld: 8_192,
  leaderLookMs: 50,
  /** Writes on their way from one server to the leader, and bytes queued for the network; more are refused. */
  forwardsInFlight: 8_192,
  forwardQueueBytes: 16 * 1024 * 1024,
  /** How long the leader may take over the connection and over one write; a call of an agent takes at most 30 s. */
  forwardOpenMs: 2_000,
  forwardTimeoutMs: 15_000,
  /** How long a server that leads no more is waited for: it gives up what it cannot commit after 2 s. */
  forwardRetiredMs: 3_000,
  /** How long the answer to a write waits for the server that was asked to apply it too. */
  appliedWaitMs: 1_000,
  /** Linearizable reads that wait for their proof of leadership. */
  readsWaiting: 16_384,
  /** One piece of a snapshot on its way to another server, and how many may lack their answer. */
  snapshotChunkBytes: 256 * 1024,
  snapshotChunksInFlight: 4,
  /** Pieces read from or written to the state machine in one turn of the event loop. */
  snapshotPiecesPerTurn: 1,
  /** A whole snapshot file, and one piece of the state machine's inside it. */
  snapshotFileBytes: 16 * 1024 * 1024 * 1024,
  snapshotPieceBytes: 16 * 1024 * 1024,
  snapshotsKept: 2,
  /** Snapshots that operators read from or write to one server at once, each ended after so much silence. */
  snapshotTransfers: 4,
  snapshotTransferIdleMs: 60_000,
  /** State text in one command of a restore; it is escaped once more there. */
  restorePieceChars: 48 * 1024,
  /** A restore whose pieces stopped coming is forgotten by the leader. */
  restoreIdleMs: 600_000,
  /** What makes a server take a snapshot, and the log that it keeps behind it for slow followers. */
  snapshotAfterEntries: 8_192,
  snapshotAfterBytes: 64 * 1024 * 1024,
  snapshotTrailEntries: 10_240,
  /** One encoded message between servers. */
  raftMessageBytes: 16 * 1024 * 1024,
  /** The same with the frame around it. */
  raftFrameBytes: 16 * 1024 * 1024 + 64,
  serversPerCluster: 16,
  /** How often the leader has states and logs compared, and how much of the log at most. */
  verifyEveryMs: 3_600_000,
  verifyLogEntries: 1_000_000,
  /** Text hashed, and log read, in one turn of the event loop, and the rest in between. */
  verifyStepChars: 32 * 1024,
  verifyStepBytes: 128 * 1024,
  verifyRestMs: 5,
  /** How often the leader looks after the other servers. */
  autopilotEveryMs: 1_000,
  /** Messages to another server that wait for its connection, by channel; what the network takes of them at once. */
  raftHeartbeatsQueuedBytes: 16 * 1024,
  raftAppendsQueuedBytes: 32 * 1024 * 1024,
  raftSnapshotsQueuedBytes: 4 * 1024 * 1024,
  raftStreamBytes: 4 * 1024 * 1024,
  /** What a server lets another one send before it has read it. */
  raftWindowBytes: 1024 * 1024,

  /** Blocking query: default and longest wait (Consul's values), and how many one server holds. */
  blockingDefaultMs: 300_000,
  blockingMaxMs: 600_000,
  blockingQueriesHeld: 20_000,
  /** Rows that one query reads before others get their turn. */
  rowsPerTurn: 512,
  /** Woken queries that are looked at again in one turn. */
  wakesPerTurn: 256,
  /** Recounts of enforcement for one waiting reader come no faster. */
  enforcementPauseMs: 20,
  /** One piece of a state snapshot. */
  snapshotPieceChars: 64 * 1024,
  /** Watches kept on one tree node before watchers are moved to its parent. */
  watchesPerNode: 8_192,

  /** Events kept per topic for resuming streams; older cursors get a snapshot. */
  eventsKeptPerTopic: 4_096,
  /** Bytes queued for one agent before its stream is collapsed to "resnapshot". */
  sessionQueueBytes: 8 * 1024 * 1024,
  /** Queue beyond which health events wait: what takes permissions away never waits behind more than this. */
  sessionBulkBytes: 1024 * 1024,
  /** Frames sent to all agents in one turn of the event loop. */
  framesPerTurn: 64,
  /** Instances in one event, and in one piece of a health snapshot. */
  bodiesPerEvent: 128,
  /** Health snapshots kept for the next agent that asks for the same. */
  snapshotsShared: 512,
  subscriptionsPerSession: 4_096,
  /** A cursor ahead of this server waits this long for the log before it gets a snapshot instead. */
  cursorAheadMs: 5_000,
  /** How often agents ping on the control stream, and the silence after which a server takes one for dead. */
  controlPingEveryMs: 5_000,
  controlSilenceMs: 20_000,
  /** Pings of one agent whose answers wait behind events. */
  pingsWaiting: 256,
  /** Reconnect delay in a goaway; up to as much again is added at random. */
  goawayRetryMs: 2_000,
  /** How long an agent's stream may be away before its node counts as failed: an agent restart must not show. */
  memberGraceMs: 10_000,
  /** Membership writes under way, nodes looked at per turn, and the wait before a failed write is repeated. */
  memberWritesInFlight: 128,
  membersPerTurn: 256,
  memberRetryMs: 1_000,
  /** How often the leader looks for servers that were removed and still stand in the catalog. */
  departedLookMs: 10_000,
  /** Shortest time between two writes of a server about itself. */
  ownNodePauseMs: 10_000,
  sessionsPerServer: 5_000,
  /**
   * What servers tell each other of their agents: rows of one frame, bytes queued, how often at least, the silence after
   * which a server is taken for lost, and the longest pause before it is tried again.
   */
  presenceRowsPerFrame: 512,
  presenceQueueBytes: 1024 * 1024,
  presenceBeatMs: 2_000,
  presenceSilenceMs: 10_000,
  presencePauseMaxMs: 2_000,
  /** Agents that one server may tell of: its sessions, and those that left it and have not been found out yet. */
  agentsToldPerServer: 10_000,
  /** How long agents of a lost server count as present: they notice its silence within 25 s and go to another one. */
  serverLossGraceMs: 15_000,
  /**
   * Where agents are better served: how often a server asks itself, how long it may be without a leader first, and how long
   * an agent may stay that came back because nobody else has one.
   */
  spreadEveryMs: 1_000,
  leaderlessMs: 5_000,
  leaderlessStayMs: 120_000,
  /** How often servers compare their shares of the agents, the share that is tolerated, and the least that is moved. */
  balanceEveryMs: 10_000,
  shareTolerated: 1.25,
  agentsSentAwayAtLeast: 20,
  /**
   * A server that stops: agents sent to others in one turn, pause between turns, how long it must be quiet before it ends, the
   * longest that all of it may take, and the time for the last answers to leave.
   */
  goodbyesPerTurn: 200,
  goodbyeEveryMs: 50,
  goodbyeQuietMs: 200,
  goodbyeMaxMs: 3_000,
  lastAnswersMs: 50,
  /** Destinations whose last change of rules a server remembers; beyond, counts of enforcement get careful for a while. */
  ruleChangesKept: 65_536,

  httpBodyBytes: 512 * 1024,
  httpConnectionsPerClient: 200,
  /** Blocking reads that one client address may hold beside its other connections (a watch needs one each). */
  httpLongPollsPerClient: 5_000,
  /** Connections of all clients together. */
  httpConnections: 20_000,
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
  /** Bytes staged for one session before its streams stop reading; twice that and a peer that does not read is dropped. */
  tunnelBacklogBytes: 1024 * 1024,
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
  /** Redials of the agent's link socket: first wait and longest. */
  linkRedialMinMs: 50,
  linkRedialMaxMs: 3_000,
  linkHelloTimeoutMs: 5_000,
  /** Counters go to the agent this often, when they changed. */
  statsEveryMs: 1_000,
  /** Refusals of peers that never proved who they are, logged per second; all are counted. A flood must not fill the disk. */
  strangersLoggedPerSecond: 20,
  /** Pairs of source and destination that one worker counts; further ones share one row. */
  telemetryPairs: 4_096,
  /** The last good state is written this long after a change, or later where writing takes long. */
  lastGoodDelayMs: 100,

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
  rootTtlMs: 10 * 365 * 24 * 3_600_000,

  /** Members of one gossip pool that one member remembers; Consul advises 5,000. */
  gossipMembers: 32_768,
  gossipNameBytes: 255,
  /** Description of one member: Serf's encoded tags (memberlist's limit). */
  gossipMetaBytes: 512,
  /** The largest datagram there is; what we send is 1,400 bytes. */
  gossipPacketBytes: 65_535,
  /** One message on a stream, also after decompression: the state of 32,768 members and Serf's beside it. */
  gossipStreamBytes: 20 * 1024 * 1024,
  /** Layers of compression and compounds in one datagram; memberlist uses two. */
  gossipNesting: 3,
  /** Keys of one keyring; a rotation needs two. */
  gossipKeys: 16,
  /** Name of a user event or query. */
  serfNameBytes: 512,
  /** Lamport times whose user events and queries are remembered, and events and queries of one time (Serf's ring). */
  serfTimesKept: 512,
  serfEventsPerTime: 64,
  /** Intents about members that are not known yet. */
  serfIntentsKept: 4_096,
  /** Messages of the layer above gossip that wait to be told; Serf's queue. */
  gossipBroadcasts: 4_096,
  /** Probes on behalf of others that are under way. */
  gossipRelays: 1_024,
  /** Datagrams' bytes that wait for the kernel; more are dropped, as a network would. */
  gossipSendQueueBytes: 4 * 1024 * 1024,
  /** Streams of others that one member serves at once; each may hold a whole exchange of state. */
  gossipStreamsServed: 128,
  /** Streams that one member opens at once for its own exchanges, pings and joins. */
  gossipStreamsOpened: 64,
  /** Sources whose dropped packets were logged; older ones are forgotten and may be logged again. */
  gossipSourcesLogged: 1_024,
  /** Lines about dropped packets per second, whatever the sources are; all are counted. */
  gossipDropsLoggedPerSecond: 5,
  /** Addresses that one join tries, and how many of them at once. */
  gossipJoinAddresses: 256,
  gossipJoinsInFlight: 8,
  /** Peers kept on disk for the next start; any one that answers introduces all others. */
  gossipPeersKept: 1_024,
  /** Shortest time between two writes of the peers' file. */
  gossipPeersWriteMs: 5_000,
  /** Queries of ours that wait for answers. */
  serfQueriesOpen: 256,
  /** Encoded user events (Serf's default and Consul's), queries and answers. */
  serfEventBytes: 512,
  serfQueryBytes: 1_024,
  serfAnswerBytes: 1_024,
  /** Longest time that a query of ours waits for answers. */
  serfQueryMaxMs: 60_000,
  /** Consul's sidecar port range. */
  sidecarMinPort: 21_000,
  sidecarMaxPort: 21_255,
  /** Consul's port range for checks that are asked through the proxy. */
  exposeMinPort: 21_500,
  exposeMaxPort: 21_755,
} as const
