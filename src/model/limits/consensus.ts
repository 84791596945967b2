/** What Raft holds and sends: proposals, the log on disk, appends, snapshots, forwarded writes. See ../limits.ts. */
export const consensusLimits = {
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
} as const
