/**
 * When the cluster's server list may change: the first list of a new cluster, and one change at a time on a leader that
 * knows what is committed. Without that last rule single-server changes can elect two leaders (Ongaro, raft-dev 2015).
 */
import type { ClusterChange, ClusterConfiguration } from '../model/cluster.ts'
import { serverOf } from '../model/cluster.ts'
import { failed, ok } from '../model/errors.ts'
import { term } from '../model/ids.ts'
import { hasCommittedConfiguration, hasCommittedOwnTerm } from './commit.ts'
import { configurationFault, encodeConfiguration } from './configurations.ts'
import { appendOwn, settleCommit } from './leading.ts'
import { changeConfiguration } from './membership.ts'
import type { Replica } from './replica.ts'
import { broadcastAppends, trackServers } from './replication.ts'

/**
 * Nothing was ever logged or voted here. Term 1 without an entry is what an interrupted bootstrap leaves; leaders have
 * later terms, so no cluster can have been met in it.
 */
export function isNew(replica: Replica): boolean {
  return replica.term <= 1 && replica.vote === undefined && replica.log.last.index === 0
}

/** Writes the first entry. Servers that start together must all be given the same list. */
export function bootstrap(replica: Replica, configuration: ClusterConfiguration): void {
  const { effects, log } = replica
  const fault = configurationFault(configuration)
  if (!isNew(replica)) effects.changed = failed('conflict', 'this server belongs to a cluster already')
  else if (fault !== undefined) effects.changed = failed('bad-request', fault)
  else if (serverOf(configuration, replica.id) === undefined)
    effects.changed = failed('bad-request', 'the first server list must hold this server')
  else {
    if (replica.term === 0) replica.setHardState(term(1), undefined)
    appendOwn(replica, 'configuration', encodeConfiguration(configuration))
    effects.changed = ok(log.last.index)
  }
}

export function startChange(replica: Replica, change: ClusterChange): void {
  const { effects, leadership } = replica
  if (leadership === undefined || leadership.transfer !== undefined) {
    effects.changed = failed('no-leader', 'only a leader that stays can change the cluster')
    return
  }
  if (!hasCommittedOwnTerm(replica, leadership) || !hasCommittedConfiguration(replica)) {
    effects.changed = failed('conflict', 'an earlier change of the cluster is not committed yet')
    return
  }
  const changed = changeConfiguration(replica.configuration, change)
  if (!changed.ok) {
    effects.changed = changed
    return
  }
  appendOwn(replica, 'configuration', encodeConfiguration(changed.value))
  effects.changed = ok(replica.log.last.index)
  trackServers(replica, leadership)
  broadcastAppends(replica, leadership)
  settleCommit(replica, leadership)
}
