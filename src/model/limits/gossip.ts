/** Membership: members, messages, streams and keys of a gossip pool. See ../limits.ts. */
export const gossipLimits = {
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
  /** The first write of the peers' file waits only this long: a host that dies young must find its pool again, too. */
  gossipPeersFirstWriteMs: 250,
  /** Shortest time between two later writes. */
  gossipPeersWriteMs: 5_000,
  /** Neighbours that a server names to one host: of those that are there, and of those that may be lost. */
  neighboursTold: 4,
  /** Nodes that a server looks at to find them. */
  neighboursLooked: 512,
  /** Between two looks of a host that gossips with others already, against pools that grew apart. */
  neighbourLookMs: 300_000,
  /** Fired events that an agent shows; Consul's number. */
  userEventsKept: 256,
  /** Between two attempts to bind the pool's sockets. */
  gossipOpenRetryMs: 5_000,
  /** Servers found by gossip alone that an agent tries; whoever has the pool's key may claim to be one. */
  gossipServersTried: 32,
  /** Queries of ours that wait for answers. */
  serfQueriesOpen: 256,
  /** Encoded user events (Serf's default and Consul's), queries and answers. */
  serfEventBytes: 512,
  serfQueryBytes: 1_024,
  serfAnswerBytes: 1_024,
  /** Longest time that a query of ours waits for answers. */
  serfQueryMaxMs: 60_000,
} as const
