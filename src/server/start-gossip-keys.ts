/** Joins the rooms that keep the gossip pool's keys: the leader changes them, agents that are connected hear of it. */
import { GossipKeys } from './ca/gossip-keys.ts'
import { GossipRotation } from './leader/gossip-keys.ts'
import type { SessionHub } from './sessions/hub.ts'
import type { RoomOptions } from './start-rooms.ts'

/** What gives a host the keys when its certificate is signed. */
export function openGossipKeys(
  { settings, clock, random, log, cluster }: RoomOptions,
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
