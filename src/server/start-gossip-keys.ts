/** Joins the rooms that keep the gossip pool's keys: the leader changes them, agents that are connected hear of it. */
import type { Settings } from '../config/settings.ts'
import type { Clock, Log, Random } from '../platform/ports.ts'
import { GossipKeys } from './ca/gossip-keys.ts'
import { GossipRotation } from './leader/gossip-keys.ts'
import type { SessionHub } from './sessions/hub.ts'
import type { Cluster } from './start-cluster.ts'

export interface GossipKeyOptions {
  readonly settings: Pick<Settings, 'nodeName'>
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly cluster: Cluster
}

/** What gives a host the keys when its certificate is signed. */
export function openGossipKeys(
  { settings, clock, random, log, cluster }: GossipKeyOptions,
  hub: Pick<SessionHub, 'useGossipKeys'>,
): () => readonly string[] {
  const { store, consensus, admission, clusterKey } = cluster
  const self = { kind: 'server', node: settings.nodeName } as const
  const keys = new GossipKeys({ clusterKey, keyring: () => store.view().gossipKeys(), random, log })
  const tell = (): void => hub.useGossipKeys(keys.keys())
  store.onCommit((_view, changes) => {
    if (changes.gossipKeys) tell()
  })
  store.onReplaced(tell)
  tell()
  new GossipRotation({
    store,
    consensus,
    write: (command, reply) => admission.write(self, command, reply),
    make: () => keys.make(),
    clock,
    log,
  })
  return () => keys.keys()
}
