/**
 * What operators do with the cluster itself, as one call with many operations: snapshots in pieces, the list of servers,
 * leadership, autopilot. Beside the contract of agents (contract.ts), because no agent needs any of it for its work.
 *
 * Pieces travel one per call, so that a slow reader or writer holds up nobody and costs no memory at the server.
 */
import type { AutopilotConfig } from '../model/autopilot.ts'
import type { NodeId } from '../model/ids.ts'
import type { RowIndexes } from '../model/service.ts'
import type { ArchiveOrigin } from '../wire/snapshot-archive.ts'
import type { Peer, Reply } from './contract.ts'
import type { MembershipFrame, MembershipHeard } from './membership-feed.ts'

export interface Operations {
  /** Begins to read out the state; `stale`: of whichever server was asked, leader or not. */
  'snapshot.open': { args: { readonly stale: boolean }; answer: SnapshotOpened }
  /** Pieces of the archive in order; `data` of the answer is the piece. */
  'snapshot.next': { args: { readonly id: string }; answer: { readonly isLast: boolean } }
  /** `clusterKey`: base64, the key that seals the authority's keys in the snapshot, where it is not this cluster's. */
  'restore.open': { args: { readonly clusterKey: string }; answer: { readonly id: string } }
  /** Next bytes of the archive: `data` of the request. */
  'restore.write': { args: { readonly id: string }; answer: Record<never, never> }
  /** Everything was written; answers when the restored state is the cluster's. */
  'restore.finish': { args: { readonly id: string }; answer: { readonly index: number } }
  'raft.configuration': { args: { readonly stale: boolean }; answer: RaftConfiguration }
  /** One of the two, the other ''. */
  'raft.remove-peer': {
    args: { readonly id: string; readonly address: string }
    answer: Record<never, never>
  }
  /** `id` '': the server whose log is furthest. */
  'raft.transfer-leader': { args: { readonly id: string }; answer: { readonly leader: string } }
  /** This server leaves the cluster for good; it stops once the answer is given. */
  'raft.leave': { args: Record<never, never>; answer: Record<never, never> }
  'autopilot.state': { args: Record<never, never>; answer: AutopilotState }
  'autopilot.get': { args: { readonly stale: boolean }; answer: AutopilotConfig & RowIndexes }
  /** Without `casIndex` whatever it was before; false where it was changed since. */
  'autopilot.set': {
    args: { readonly config: AutopilotConfig; readonly casIndex?: number }
    answer: { readonly isSet: boolean }
  }
  /** Makes the datacenter whose token is the request's `data` the primary of this one; answers its name. */
  'federation.join': {
    args: { readonly replaceEntries: boolean }
    answer: { readonly datacenter: string }
  }
  /** A root of the service plane that is trusted and does not sign yet: a new one, unless there is one already. */
  'ca.prepare-root': { args: Record<never, never>; answer: PreparedRoot }
  /** An old root is trusted no more; refused while leaves of it may be valid, unless `force`. */
  'ca.remove-root': {
    args: { readonly id: string; readonly force: boolean }
    answer: { readonly index: number }
  }
  /** Answered by any server about itself, also without a leader. */
  'cluster.status': { args: Record<never, never>; answer: ClusterStatus }
  /** For the agent of the server's own host alone. */
  'membership.feed': { args: MembershipFrame; answer: MembershipHeard }
}

export type OperationName = keyof Operations

export interface PreparedRoot {
  readonly id: string
  /** Proxies that acknowledge this log index, or a later one, trust it. */
  readonly index: number
}

export interface SnapshotOpened {
  readonly id: string
  readonly origin: ArchiveOrigin
}

export interface RaftConfiguration {
  /** Log index of the list. */
  readonly index: number
  readonly servers: readonly RaftServer[]
}

export interface RaftServer {
  readonly id: NodeId
  /** Node name; '' until the server has said it. */
  readonly node: string
  readonly address: string
  readonly isLeader: boolean
  readonly isVoter: boolean
  /** Last log index that is known to be there; 0 where this server does not know. */
  readonly lastIndex: number
}

export interface ServerHealth extends RaftServer {
  readonly version: string
  readonly maxFeatureLevel: number
  readonly isAlive: boolean
  readonly lastContactMs: number
  readonly lastTerm: number
  readonly isHealthy: boolean
  /** Wall clock, milliseconds; since when `isHealthy` is what it is. */
  readonly stableSinceMs: number
}

export interface AutopilotState {
  readonly isHealthy: boolean
  /** Voters that may fail before the cluster stands still. */
  readonly failureTolerance: number
  readonly leader: string
  readonly featureLevel: number
  readonly servers: readonly ServerHealth[]
}

export interface ClusterStatus {
  /** The server that answers. */
  readonly id: NodeId
  readonly role: string
  readonly term: number
  /** Address of the leader; '' where none is known. */
  readonly leader: string
  readonly hasQuorum: boolean
  /** Since when there is no leader, by the wall clock; 0 where there is one. */
  readonly lostSinceMs: number
  readonly servers: readonly StatusServer[]
  readonly isDiskFull: boolean
  /** The state of this server differs from the leader's, found at this log index; 0: not known to. */
  readonly divergedAt: number
  /** What is wrong and what to do, in sentences; empty where all is well. */
  readonly advice: readonly string[]
}

export interface StatusServer {
  readonly id: NodeId
  readonly node: string
  readonly address: string
  readonly isVoter: boolean
  readonly state: 'leader' | 'follower' | 'learner' | 'missing' | 'unknown'
  /** When it was last heard, wall clock; 0: not since this server started. */
  readonly heardAtMs: number
}

export interface OperationRequest<Name extends OperationName> {
  readonly name: Name
  readonly args: Operations[Name]['args']
  /** Operator token where the caller holds one, else ''. */
  readonly token: string
  readonly data: Uint8Array
}

export interface OperationAnswer<Name extends OperationName> {
  readonly answer: Operations[Name]['answer']
  readonly data: Uint8Array
}

/** Operations whose second run could do harm, so that they are not sent again after a lost connection: all of them. */
export interface OperatorApi {
  operate<Name extends OperationName>(
    peer: Peer,
    request: OperationRequest<Name>,
    reply: Reply<OperationAnswer<Name>>,
  ): void
}

export interface OperatorClient {
  operate<Name extends OperationName>(
    request: OperationRequest<Name>,
    reply: Reply<OperationAnswer<Name>>,
  ): void
}
