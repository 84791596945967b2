/** Other datacenters. See ../limits.ts. */
export const federationLimits = {
  /** Datacenters that one is federated with. */
  datacenters: 32,
  /** Roots of one plane of another datacenter: those that rotate in and out, and a few to spare. */
  datacenterRoots: 16,
  /** Services in other datacenters that one server follows for its agents. */
  farServices: 2_048,
  /** Instances that are taken over of one service in another datacenter; further ones are left out. */
  farInstances: 10_000,
  /** How long a blocking read of another datacenter waits: its end shows that the road is still there. */
  farWaitMs: 240_000,
  /** Shortest time between two answers that are taken of one such read, however much changes there. */
  farPauseMs: 100,
  /** After a failure a read is repeated, from the first time to the second, doubled each time. */
  farRetryMs: 1_000,
  farRetryMaxMs: 10_000,
  /** How long what nobody wants any more is still followed: agents that change servers want it again. */
  farLingerMs: 30_000,
  /** How long a write that the primary took may wait for its copy here. */
  entryCopyWaitMs: 3_000,
  /** Writes that wait for their copy at once; a further one is answered without it. */
  entryCopyWaits: 1_024,
  /** Writes of copied entries that are under way at once. */
  entryWritesInFlight: 16,
} as const
