/**
 * Feature levels: what the servers of one cluster may write into their log. A cluster stands at one level; the leader
 * raises it when every server supports the next one, and commands of a higher level are refused before. So a server with
 * a newer version can join an older cluster, and an older one is never sent what it cannot read.
 *
 * Rules of change: a release that adds a command (or gives one a new meaning) adds a level, and names the command here.
 */
import type { CommandType } from './command.ts'
import { versions } from './versions.ts'

/** The highest level that this program supports. */
export const maxFeatureLevel = versions.featureLevel.max

/** What a cluster has that was founded before levels were written down. */
export const baseFeatureLevel = versions.featureLevel.min

const levels: Partial<Readonly<Record<CommandType, number>>> = {
  'restore.begin': 2,
  'restore.piece': 2,
  'restore.commit': 2,
  'restore.abort': 2,
  'autopilot.set': 2,
  'verify.mark': 2,
  'verify.result': 2,
  'kv.lock': 3,
  'kv.unlock': 3,
  'session.create': 3,
  'session.destroy': 3,
  'session.renew': 3,
  txn: 3,
  'root.add': 4,
  'root.activate': 4,
  'root.remove': 4,
  'host.evict': 4,
  'gossip-keys.set': 4,
  'datacenter.federate': 4,
  'datacenter.set': 4,
  'datacenter.remove': 4,
}

export const featureLevelOf = (type: CommandType): number => levels[type] ?? baseFeatureLevel

/** In which form commands, states and the data directory are written while the cluster stands at `level`. */
export function storeVersionAt(level: number): number {
  const known = versions.store.filter(({ sinceLevel }) => sinceLevel <= level)
  return Math.max(...known.map(({ version }) => version), oldestStoreVersion)
}

/** Read are all forms up to this one. */
export const newestStoreVersion = Math.max(...versions.store.map(({ version }) => version))

/** The form that needs no agreement. */
export const oldestStoreVersion = versions.store[0].version
