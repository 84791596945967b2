/**
 * Questions about the cluster's state that an agent puts to a server. Names, arguments and answers are the contract;
 * shapes are model rows, and the API's JSON is made from them at the agent, so DNS and HTTP share one answer.
 */
import type { Principal } from './access.ts'
import type { PublicCaRoot } from './authority.ts'
import type { Check, CheckStatus } from './check.ts'
import type { ConfigEntry, ConfigEntryKind } from './config-entry.ts'
import type { FederationFacts } from './datacenter.ts'
import type { WanMember } from './gossip-member.ts'
import type { Decision, Intention } from './intention.ts'
import type { KvEntry } from './kv.ts'
import type { Node } from './node.ts'
import type { RowIndexes, Service, ServiceEntry, ServiceKind } from './service.ts'
import type { Session } from './session.ts'
import type { TxnError, TxnOperation, TxnResult } from './txn.ts'

export interface ServiceFilter {
  readonly service: string
  /** Instances must have all of them; compared without case. */
  readonly tags: readonly string[]
  readonly nodeMeta: Readonly<Record<string, string>>
}

export interface NodeServices {
  readonly node: Node & RowIndexes
  readonly services: readonly (Service & RowIndexes)[]
  readonly checks: readonly (Check & RowIndexes)[]
}

export interface Queries {
  'catalog.datacenters': { args: Record<never, never>; answer: readonly string[] }
  'catalog.nodes': {
    args: { readonly nodeMeta: Readonly<Record<string, string>> }
    answer: readonly (Node & RowIndexes)[]
  }
  'catalog.services': {
    /** `filter`: an expression over the rows of `catalog.service`; services with no row that passes are left out. */
    args: { readonly nodeMeta: Readonly<Record<string, string>>; readonly filter?: string }
    answer: Readonly<Record<string, readonly string[]>>
  }
  /** Entries in order of node name, then service id: catalog and health answers pair by position. */
  'catalog.service': { args: ServiceFilter; answer: readonly ServiceEntry[] }
  /** Mesh instances (sidecars, natives) of a service, same order. */
  'catalog.mesh': { args: ServiceFilter; answer: readonly ServiceEntry[] }
  'catalog.node': { args: { readonly node: string }; answer: NodeServices | null }
  /** Names of the nodes with this IP address, and of services that have it as their own; each once. */
  'catalog.address': {
    args: { readonly address: string }
    answer: { readonly nodes: readonly string[]; readonly services: readonly string[] }
  }
  'intentions.list': { args: Record<never, never>; answer: readonly (Intention & RowIndexes)[] }
  'intentions.exact': {
    args: { readonly source: string; readonly destination: string }
    answer: (Intention & RowIndexes) | null
  }
  'intentions.match': {
    args: { readonly by: 'source' | 'destination'; readonly names: readonly string[] }
    answer: Readonly<Record<string, readonly (Intention & RowIndexes)[]>>
  }
  'intentions.check': { args: { readonly source: string; readonly destination: string }; answer: Decision }
  /** Which proxies enforce the intentions of `destination` as of log index `index`. */
  'intentions.enforcement': {
    args: { readonly destination: string; readonly index: number }
    answer: Enforcement
  }
  'config.get': {
    args: { readonly kind: ConfigEntryKind; readonly name: string }
    answer: (ConfigEntry & RowIndexes) | null
  }
  'config.list': { args: { readonly kind: ConfigEntryKind }; answer: readonly (ConfigEntry & RowIndexes)[] }
  'kv.get': { args: { readonly key: string }; answer: (KvEntry & RowIndexes) | null }
  /** Entries whose keys begin with `prefix`, in key order. */
  'kv.list': { args: { readonly prefix: string }; answer: readonly (KvEntry & RowIndexes)[] }
  /**
   * Their keys alone; with a separator each is cut behind the first one after the prefix, and equal ones are told once.
   */
  'kv.keys': {
    args: { readonly prefix: string; readonly separator: string }
    answer: readonly string[]
  }
  'session.info': { args: { readonly id: string }; answer: (Session & RowIndexes) | null }
  /** In order of id. */
  'session.list': { args: Record<never, never>; answer: readonly (Session & RowIndexes)[] }
  'session.node': { args: { readonly node: string }; answer: readonly (Session & RowIndexes)[] }
  /** A transaction of reads alone; with errors there are no results. */
  'txn.read': {
    args: { readonly operations: readonly TxnOperation[] }
    answer: { readonly results: readonly TxnResult[]; readonly errors: readonly TxnError[] }
  }
  'ca.roots': { args: Record<never, never>; answer: CaRoots }
  /** Checks in one state, in order of node name, then check id. */
  'health.state': {
    args: { readonly state: CheckStatus | 'any'; readonly nodeMeta: Readonly<Record<string, string>> }
    answer: readonly (Check & RowIndexes)[]
  }
  /** One row per service name, by name: what a list of services shows, without an instance crossing the network. */
  'mesh.services': { args: Record<never, never>; answer: readonly ServiceSummary[] }
  /** Hosts that have a membership check, by name. */
  'mesh.members': { args: Record<never, never>; answer: readonly Member[] }
  /**
   * Some hosts for `node` to gossip with: those whose names follow its own, in a ring over all hosts. If every host is in
   * one pool with its neighbours, all hosts are in one pool.
   */
  'mesh.neighbours': { args: { readonly node: string }; answer: readonly Neighbour[] }
  /** What a new host must know before it can trust a server: the public part of an enrollment token. */
  'mesh.join': { args: Record<never, never>; answer: JoinInformation }
  /** What other datacenters may know of this one; also how it is called. */
  'federation.facts': { args: Record<never, never>; answer: FederationFacts }
  /** Servers of all datacenters as the server's gossip knows them; empty where it gossips with none. By name. */
  'federation.members': { args: Record<never, never>; answer: readonly WanMember[] }
  /** Who the server takes the caller for: what the token of the request resolves to, else the peer's own principal. */
  'mesh.principal': { args: Record<never, never>; answer: { readonly kind: Principal['kind'] } }
  'status.leader': { args: Record<never, never>; answer: string }
  'status.peers': { args: Record<never, never>; answer: readonly string[] }
}

export type QueryName = keyof Queries

export interface Enforcement {
  /** Proxies that acknowledged this index or a later one. */
  readonly enforced: number
  /** Proxies that serve the destination, as far as connected agents tell. */
  readonly total: number
  /** Nodes with a proxy that has not acknowledged yet; at most ten are named. */
  readonly waitingFor: readonly string[]
}

export interface ServiceSummary {
  readonly name: string
  readonly kind: ServiceKind
  /** All tags that occur, sorted, each once. */
  readonly tags: readonly string[]
  readonly instances: number
  /** Instances by the worst of their checks; maintenance counts as critical. */
  readonly passing: number
  readonly warning: number
  readonly critical: number
  /** Instances through which the service is reached in the mesh (sidecars, natives). */
  readonly meshInstances: number
}

export interface Member {
  readonly node: Node
  readonly status: 'alive' | 'failed'
  /** Runs a server. */
  readonly server: boolean
}

export interface Neighbour {
  readonly node: string
  readonly address: string
}

export interface JoinInformation {
  readonly clusterId: string
  readonly datacenter: string
  /** Id of the active root of the host plane. */
  readonly hostRootPin: string
  /** RPC addresses, `host:port`. */
  readonly servers: readonly string[]
}

export interface CaRoots {
  readonly activeRootId: string
  readonly trustDomain: string
  readonly roots: readonly (PublicCaRoot & RowIndexes)[]
}

export type Consistency = 'default' | 'consistent' | 'stale'

export interface ReadOptions {
  readonly consistency: Consistency
  /** Answer when the result's index is greater; 0: at once. */
  readonly minIndex: number
  readonly waitMs: number
}

export interface ReadMeta {
  /** At least 1; moves only when something that the query touched changed. */
  readonly index: number
  readonly knownLeader: boolean
  readonly lastContactMs: number
  readonly effective: 'leader' | 'stale' | 'consistent'
  /** The agent answered from what it keeps; `lastContactMs` is the age of that. Servers never set it. */
  readonly kept?: true
}

export interface ReadAnswer<Name extends QueryName> {
  readonly meta: ReadMeta
  readonly answer: Queries[Name]['answer']
}
