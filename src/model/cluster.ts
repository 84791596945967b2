/**
 * The servers of one cluster as the replicated log records them. The list is changed by log entries only, so every
 * server counts majorities in the same list at the same index. Rules of change stand in src/raft/membership.ts.
 */
import type { NodeId } from './ids.ts'

/** Voters elect and count; learners only receive the log until they have caught up. */
export type Suffrage = 'voter' | 'learner'

export interface ClusterServer {
  readonly id: NodeId
  /** `host:port` where the other servers reach it. */
  readonly address: string
  readonly suffrage: Suffrage
  /** The server's registered long-lived key, PEM; who presents another key is not this server. */
  readonly publicKey: string
}

export interface ClusterConfiguration {
  readonly servers: readonly ClusterServer[]
}

/** One change; src/raft allows one at a time. A server that joins is a learner first. */
export type ClusterChange =
  | { readonly kind: 'add'; readonly server: Omit<ClusterServer, 'suffrage'> }
  | { readonly kind: 'promote'; readonly id: NodeId }
  | { readonly kind: 'demote'; readonly id: NodeId }
  | { readonly kind: 'remove'; readonly id: NodeId }
  | {
      readonly kind: 'update'
      readonly id: NodeId
      readonly address: string
      readonly publicKey: string
    }

export const votersOf = (configuration: ClusterConfiguration): readonly NodeId[] =>
  configuration.servers.filter((server) => server.suffrage === 'voter').map((server) => server.id)

export const serverOf = (configuration: ClusterConfiguration, id: NodeId): ClusterServer | undefined =>
  configuration.servers.find((server) => server.id === id)
