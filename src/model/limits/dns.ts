/** Bounds of the agent's DNS: anybody who reaches its port may ask anything. Part of `limits`, which is what others name. */
export const dnsLimits = {
  /** A domain of the agent's DNS; leaves room in 255 bytes for a service, a tag and a datacenter. */
  dnsDomainChars: 64,
  /** What `udp_answer_limit` and `a_record_limit` may ask for, and answers of one kind over TCP (Consul's cut). */
  dnsAnswers: 4_096,
  /** The largest UDP answer, whatever the client says it takes. */
  dnsUdpBytes: 4_096,
  /** Packets kept ready for repeated questions, and how many orders of one answer. */
  dnsPacketsKept: 4_096,
  dnsOrdersKept: 8,
  /** An answer in another order replaces one of those after so many uses. */
  dnsOrderUses: 16,
  /** Services that are followed because somebody asked DNS for them, and how fast new ones are taken on. */
  dnsSubjects: 512,
  dnsSubjectsPerSecond: 20,
  /** Answers of servers that are remembered for names that are not followed. */
  dnsAnswersRemembered: 1_024,
  /** Questions to servers under way, queries that wait for them, and how long. */
  dnsLookupsInFlight: 256,
  dnsQueriesWaiting: 4_096,
  dnsLookupMs: 3_000,
  /** Queries passed on to other name servers that wait for an answer, and clients that share one. */
  dnsRecursionsInFlight: 512,
  dnsRecursionClients: 64,
  /** Aliases followed one after another outside of our domain. */
  dnsAliases: 8,
  /** DNS over TCP: connections in all and of one client, queries of one connection under way, unread answers, silence. */
  dnsConnections: 4_096,
  dnsConnectionsPerClient: 256,
  dnsQueriesPerConnection: 64,
  dnsUnreadBytes: 1024 * 1024,
  dnsIdleMs: 20_000,
  dnsRefusalsLoggedPerSecond: 5,
} as const
