/** Every query by its name: the one place that knows them all, and what each needs besides the state. */
import type { Principal } from '../../model/access.ts'
import type { WanMember } from '../../model/gossip-member.ts'
import type { NodeId } from '../../model/ids.ts'
import { limits } from '../../model/limits.ts'
import type { Enforcement, Queries, QueryName } from '../../model/query.ts'
import type { ConsensusStatus } from '../consensus/contract.ts'
import type { View } from '../store/view.ts'
import { planDatacenters, planJoin, planRoots } from './authority.ts'
import { planAddress, planMesh, planNode, planNodes, planService, planServices } from './catalog.ts'
import { type AfarPlaces, planFacts } from './federation.ts'
import { planMembers, planState, planSummaries } from './health.ts'
import { planCheck, planEntries, planEntry, planIntention, planIntentions, planMatch } from './intentions.ts'
import { planKvEntries, planKvEntry, planKvKeys } from './kv.ts'
import { planNeighbours } from './neighbours.ts'
import { type Plan, type Reading, single } from './plan.ts'
import { planNodeSessions, planSession, planSessions } from './session.ts'
import { planTxn } from './txn.ts'

/** Addresses and names of the servers, which are not part of the state. */
export interface ClusterDirectory {
  /** `host:port` of a server's RPC, or undefined where it is not known. */
  addressOf(id: NodeId): string | undefined
  /** RPC addresses of all servers, in a stable order. */
  peers(): readonly string[]
  /** Names of the nodes that run a server. */
  nodes(): ReadonlySet<string>
  /** Where servers of other datacenters reach ours, and gossip with them; absent: at `peers`, and not at all. */
  fromAfar?(): AfarPlaces
  /** Servers of all datacenters, as gossip knows them. */
  wanMembers?(): readonly WanMember[]
  /** To the nearest server of another datacenter; undefined where nobody measured it. */
  roundTripMs?(datacenter: string): number | undefined
}

/** Acknowledgements of agents; `sessions/enforcement.ts`. */
export interface EnforcementSource {
  readonly newest: number
  versionOf(destination: string): number
  follow(destination: string, listener: () => void): () => void
  count(view: View, destination: string, index: number): Reading<Enforcement>
}

export interface QueryContext {
  readonly view: View
  readonly status: ConsensusStatus
  readonly cluster: ClusterDirectory
  readonly enforcement: EnforcementSource
  /** The caller. */
  readonly principal: Principal
}

export type Planners = {
  readonly [Name in QueryName]: (
    context: QueryContext,
    args: Queries[Name]['args'],
  ) => Plan<Queries[Name]['answer']>
}

export const planners: Planners = {
  'catalog.datacenters': ({ view, cluster }) =>
    planDatacenters(view, (datacenter) => cluster.roundTripMs?.(datacenter)),
  'catalog.nodes': ({ view }, args) => planNodes(view, args),
  'catalog.services': ({ view }, args) => planServices(view, args),
  'catalog.service': ({ view }, args) => planService(view, args),
  'catalog.mesh': ({ view }, args) => planMesh(view, args),
  'catalog.node': ({ view }, args) => planNode(view, args),
  'catalog.address': ({ view }, args) => planAddress(view, args),
  'intentions.list': ({ view }) => planIntentions(view),
  'intentions.exact': ({ view }, args) => planIntention(view, args),
  'intentions.match': ({ view }, args) => planMatch(view, args),
  'intentions.check': ({ view }, args) => planCheck(view, args),
  'intentions.enforcement': planEnforcement,
  'config.get': ({ view }, args) => planEntry(view, args),
  'config.list': ({ view }, args) => planEntries(view, args),
  'kv.get': ({ view }, args) => planKvEntry(view, args),
  'kv.list': ({ view }, args) => planKvEntries(view, args),
  'kv.keys': ({ view }, args) => planKvKeys(view, args),
  'session.info': ({ view }, args) => planSession(view, args),
  'session.list': ({ view }) => planSessions(view),
  'session.node': ({ view }, args) => planNodeSessions(view, args),
  'txn.read': ({ view }, args) => planTxn(view, args),
  'ca.roots': ({ view }) => planRoots(view),
  'health.state': ({ view }, args) => planState(view, args),
  'mesh.services': ({ view }) => planSummaries(view),
  'mesh.members': ({ view, cluster }) => planMembers(view, cluster.nodes()),
  'mesh.neighbours': ({ view }, args) => planNeighbours(view, args),
  'mesh.join': ({ view, cluster }) => planJoin(view, cluster.peers()),
  'federation.facts': ({ view, cluster }) =>
    planFacts(view, cluster.fromAfar?.() ?? { servers: cluster.peers(), gossip: [] }),
  'federation.members': ({ cluster }) => fixed(cluster.wanMembers?.() ?? []),
  'mesh.principal': ({ principal }) => fixed({ kind: principal.kind }),
  'status.leader': ({ status, cluster }) =>
    fixed(status.leader === undefined ? '' : (cluster.addressOf(status.leader) ?? '')),
  'status.peers': ({ cluster }) => fixed(cluster.peers()),
}

/**
 * Answered by any server at once, whatever consistency was asked: they are about this server, or needed most when there
 * is no leader. Enforcement is counted where the streams are.
 */
export const local: ReadonlySet<QueryName> = new Set([
  'catalog.datacenters',
  'federation.members',
  'intentions.enforcement',
  'mesh.join',
  'mesh.principal',
  'status.leader',
  'status.peers',
] as const)

/** Never waited on: they have no index that would move. */
export const unblockable: ReadonlySet<QueryName> = new Set([
  'catalog.datacenters',
  'federation.members',
  'mesh.join',
  'mesh.principal',
  'status.leader',
  'status.peers',
  'txn.read',
] as const)

function fixed<Answer>(answer: Answer): Plan<Answer> {
  return { index: 1, touched: [], exists: true, read: () => single(answer) }
}

function planEnforcement(
  { view, enforcement }: QueryContext,
  { destination, index }: Queries['intentions.enforcement']['args'],
): Plan<Enforcement> {
  return {
    index: enforcement.versionOf(destination),
    touched: [],
    exists: true,
    read: () => enforcement.count(view, destination, index),
    apart: {
      newest: enforcement.newest,
      watch: (listener) => enforcement.follow(destination, listener),
      pauseMs: limits.enforcementPauseMs,
    },
  }
}
