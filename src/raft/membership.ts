/**
 * Rules of changing the cluster: one server at a time, which keeps every old majority and every new one overlapping
 * (Raft dissertation 4.1). Whether a change may start now is decided in leading.ts; here only old list -> new list.
 */
import {
  type ClusterChange,
  type ClusterConfiguration,
  type ClusterServer,
  serverOf,
  votersOf,
} from '../model/cluster.ts'
import { failed, ok, type Result } from '../model/errors.ts'
import type { NodeId } from '../model/ids.ts'
import { configurationFault } from './configurations.ts'

/** The configuration after `change`, or why it cannot be. */
export function changeConfiguration(
  current: ClusterConfiguration,
  change: ClusterChange,
): Result<ClusterConfiguration> {
  const id = change.kind === 'add' ? change.server.id : change.id
  const existing = serverOf(current, id)
  if (change.kind === 'add') {
    if (existing !== undefined) return failed('bad-request', `server ${id} is in the cluster already`)
    return checked([...current.servers, { ...change.server, suffrage: 'learner' }])
  }
  if (existing === undefined) return failed('not-found', `server ${id} is not in the cluster`)
  if (change.kind === 'remove') return checked(current.servers.filter((server) => server.id !== id))
  if (isLastVoter(current, id) && change.kind === 'demote')
    return failed('bad-request', `server ${id} is the only voter`)
  const changed = replacementFor(existing, change)
  return checked(current.servers.map((server) => (server.id === id ? changed : server)))
}

function replacementFor(
  existing: ClusterServer,
  change: Exclude<ClusterChange, { readonly kind: 'add' | 'remove' }>,
): ClusterServer {
  switch (change.kind) {
    case 'promote':
      return { ...existing, suffrage: 'voter' }
    case 'demote':
      return { ...existing, suffrage: 'learner' }
    case 'update':
      return { ...existing, address: change.address, publicKey: change.publicKey }
  }
}

const isLastVoter = (configuration: ClusterConfiguration, id: NodeId): boolean =>
  votersOf(configuration).every((voter) => voter === id)

function checked(servers: readonly ClusterServer[]): Result<ClusterConfiguration> {
  const fault = configurationFault({ servers })
  return fault === undefined ? ok({ servers }) : failed('bad-request', fault)
}
