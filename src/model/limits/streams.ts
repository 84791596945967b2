/** Queries that wait, events to agents, agents of a server, servers that tell each other of them. See ../limits.ts. */
export const streamsLimits = {
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
  /**
   * What an agent tells the server beside it of its gossip pool: members in one frame, how often it says that nothing changed,
   * the silence after which the server takes it for away, and the pause after a frame that was not heard.
   */
  memberFeedRows: 512,
  memberFeedBeatMs: 2_000,
  memberFeedSilenceMs: 10_000,
  memberFeedPauseMs: 1_000,
  /** How long the last view stays once the agent is away; then control streams alone decide who is alive. */
  memberFrozenMs: 600_000,
  /** A server that its own host's agent has not heard for so long is not shown as one any more. */
  memberServerAwayMs: 60_000,
  /** A host that gossip lost and nobody remembers any more leaves the catalog after so long (Serf's reconnect timeout). */
  memberAbsentMs: 72 * 3_600_000,
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
} as const
