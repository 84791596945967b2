/**
 * Feature levels: what the servers of one cluster may write into their log. A cluster stands at one level; the leader
 * raises it when every server supports the next one, and commands of a higher level are refused before. So a server with
 * a newer version can join an older cluster, and an older one is never sent what it cannot read.
 *
 * Rules of change: a release that adds a command (or gives one a new meaning) adds a level, and names the command here.
 */
import type { CommandType } from './command.ts'

/** The highest level that this program supports. */
export const maxFeatureLevel = 4

/** What a cluster has that was founded before levels were written down. */
export const baseFeatureLevel = 1

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
