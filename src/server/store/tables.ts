/**
 * The tables of the state: which rows there are, under which keys, and which further trees find them.
 * Rows of the further trees are the same objects, so an entry costs a few tree nodes and no copy. Who may write which
 * row when is the business of write-*.ts.
 */
import type { CaRoot, Enrollment, Eviction, GossipKeyring, Host, Operator } from '../../model/authority.ts'
import type { AutopilotConfig, ServerInfo } from '../../model/autopilot.ts'
import type { Check } from '../../model/check.ts'
import type { ClusterSettings, ConfigEntry } from '../../model/config-entry.ts'
import type { Datacenter } from '../../model/datacenter.ts'
import { sameValue } from '../../model/equality.ts'
import type { Intention } from '../../model/intention.ts'
import { precedenceOf } from '../../model/intention.ts'
import type { KvEntry, KvTombstone } from '../../model/kv.ts'
import type { Node } from '../../model/node.ts'
import { meshNameOf, type Service } from '../../model/service.ts'
import type { LockDelay, Session } from '../../model/session.ts'
import { type AddressHolder, placeAddress } from './address-holders.ts'
import type { IndexRow } from './indexes.ts'
import { key1, key2, key3 } from './keys.ts'
import type { Row } from './row.ts'
import { emptyTree, type Tree } from './tree.ts'
import { TreeEdit } from './tree-edit.ts'
import type { Watch } from './watch.ts'

/** A service with the node it runs on, which the service itself does not name. */
export interface Placed {
  readonly node: string
  readonly service: Row<Service>
}

/** How many instances carry a name, or a tag of a name. */
export interface NameCount {
  readonly name: string
  readonly count: number
}

/** Tables whose rows are the state; the rest can be made from them. */
interface PrimaryRows {
  settings: Row<ClusterSettings>
  nodes: Row<Node>
  services: Placed
  checks: Row<Check>
  entries: Row<ConfigEntry>
  intentions: Row<Intention>
  roots: Row<CaRoot>
  enrollments: Row<Enrollment>
  hosts: Row<Host>
  /** By the tag of the key. */
  evictions: Row<Eviction>
  gossipKeys: Row<GossipKeyring>
  operators: Row<Operator>
  kv: Row<KvEntry>
  /** Of one key under the key, of everything below a prefix under the prefix itself; see write-kv.ts. */
  tombstones: KvTombstone
  sessions: Row<Session>
  /** By key; see locks.ts. */
  lockDelays: LockDelay
  /** What each server of the cluster says about itself. */
  servers: Row<ServerInfo>
  autopilot: Row<AutopilotConfig>
  /** Other datacenters. */
  datacenters: Row<Datacenter>
  indexes: IndexRow
}

interface DerivedRows {
  /** By service name, node, id. */
  instances: Placed
  /** By mesh name, node, id. */
  mesh: Placed
  /** By node, service id, check id. */
  serviceChecks: Row<Check>
  /** Checks that are not passing, by status, node, check id. */
  troubled: Row<Check>
  /** By source, then as in `intentions`. */
  intentionsBySource: Row<Intention>
  names: NameCount
  /** By service name, tag. */
  tags: NameCount
  /** Oldest deletion first. */
  tombstonesByIndex: KvTombstone
  /** By address, node, service id. */
  addresses: AddressHolder
  /** By node, id. */
  sessionsByNode: Row<Session>
  /** By node, check id, session id. */
  sessionsByCheck: Row<Session>
  /** Entries that a session holds, as in `kv`. */
  locks: Row<KvEntry>
  /** By session, key. */
  locksBySession: Row<KvEntry>
  /** The first to end first. */
  lockDelaysByEnd: LockDelay
}

type Rows = PrimaryRows & DerivedRows
export type TableName = keyof Rows
export type PrimaryTable = keyof PrimaryRows
export type Tables = { readonly [Name in TableName]: Tree<Rows[Name]> }
export type Edits = { readonly [Name in TableName]: TreeEdit<Rows[Name]> }
/** One row of a primary table with the table's name, as snapshots carry it. */
export type TableRow = { [Name in PrimaryTable]: readonly [Name, PrimaryRows[Name]] }[PrimaryTable]

/** Fresh trees each time: whoever watches the empty tables of one store must not hear of another. */
export function emptyTables(): Tables {
  return {
    settings: emptyTree(),
    nodes: emptyTree(),
    services: emptyTree(),
    checks: emptyTree(),
    entries: emptyTree(),
    intentions: emptyTree(),
    roots: emptyTree(),
    enrollments: emptyTree(),
    hosts: emptyTree(),
    evictions: emptyTree(),
    gossipKeys: emptyTree(),
    operators: emptyTree(),
    servers: emptyTree(),
    autopilot: emptyTree(),
    datacenters: emptyTree(),
    indexes: emptyTree(),
    instances: emptyTree(),
    mesh: emptyTree(),
    serviceChecks: emptyTree(),
    troubled: emptyTree(),
    intentionsBySource: emptyTree(),
    names: emptyTree(),
    tags: emptyTree(),
    kv: emptyTree(),
    tombstones: emptyTree(),
    tombstonesByIndex: emptyTree(),
    addresses: emptyTree(),
    sessions: emptyTree(),
    lockDelays: emptyTree(),
    sessionsByNode: emptyTree(),
    sessionsByCheck: emptyTree(),
    locks: emptyTree(),
    locksBySession: emptyTree(),
    lockDelaysByEnd: emptyTree(),
  }
}

export function editTables(tables: Tables): Edits {
  return {
    settings: new TreeEdit(tables.settings),
    nodes: new TreeEdit(tables.nodes),
    services: new TreeEdit(tables.services),
    checks: new TreeEdit(tables.checks),
    entries: new TreeEdit(tables.entries),
    intentions: new TreeEdit(tables.intentions),
    roots: new TreeEdit(tables.roots),
    enrollments: new TreeEdit(tables.enrollments),
    hosts: new TreeEdit(tables.hosts),
    evictions: new TreeEdit(tables.evictions),
    gossipKeys: new TreeEdit(tables.gossipKeys),
    operators: new TreeEdit(tables.operators),
    servers: new TreeEdit(tables.servers),
    autopilot: new TreeEdit(tables.autopilot),
    datacenters: new TreeEdit(tables.datacenters),
    indexes: new TreeEdit(tables.indexes),
    instances: new TreeEdit(tables.instances),
    mesh: new TreeEdit(tables.mesh),
    serviceChecks: new TreeEdit(tables.serviceChecks),
    troubled: new TreeEdit(tables.troubled),
    intentionsBySource: new TreeEdit(tables.intentionsBySource),
    names: new TreeEdit(tables.names),
    tags: new TreeEdit(tables.tags),
    kv: new TreeEdit(tables.kv),
    tombstones: new TreeEdit(tables.tombstones),
    tombstonesByIndex: new TreeEdit(tables.tombstonesByIndex),
    addresses: new TreeEdit(tables.addresses),
    sessions: new TreeEdit(tables.sessions),
    lockDelays: new TreeEdit(tables.lockDelays),
    sessionsByNode: new TreeEdit(tables.sessionsByNode),
    sessionsByCheck: new TreeEdit(tables.sessionsByCheck),
    locks: new TreeEdit(tables.locks),
    locksBySession: new TreeEdit(tables.locksBySession),
    lockDelaysByEnd: new TreeEdit(tables.lockDelaysByEnd),
  }
}

/** The new tables; `fire` receives the watches to fire once they are visible. */
export function commitTables(edits: Edits, fire: Watch[]): Tables {
  return {
    settings: edits.settings.commit(fire),
    nodes: edits.nodes.commit(fire),
    services: edits.services.commit(fire),
    checks: edits.checks.commit(fire),
    entries: edits.entries.commit(fire),
    intentions: edits.intentions.commit(fire),
    roots: edits.roots.commit(fire),
    enrollments: edits.enrollments.commit(fire),
    hosts: edits.hosts.commit(fire),
    evictions: edits.evictions.commit(fire),
    gossipKeys: edits.gossipKeys.commit(fire),
    operators: edits.operators.commit(fire),
    servers: edits.servers.commit(fire),
    autopilot: edits.autopilot.commit(fire),
    datacenters: edits.datacenters.commit(fire),
    indexes: edits.indexes.commit(fire),
    instances: edits.instances.commit(fire),
    mesh: edits.mesh.commit(fire),
    serviceChecks: edits.serviceChecks.commit(fire),
    troubled: edits.troubled.commit(fire),
    intentionsBySource: edits.intentionsBySource.commit(fire),
    names: edits.names.commit(fire),
    tags: edits.tags.commit(fire),
    kv: edits.kv.commit(fire),
    tombstones: edits.tombstones.commit(fire),
    tombstonesByIndex: edits.tombstonesByIndex.commit(fire),
    addresses: edits.addresses.commit(fire),
    sessions: edits.sessions.commit(fire),
    lockDelays: edits.lockDelays.commit(fire),
    sessionsByNode: edits.sessionsByNode.commit(fire),
    sessionsByCheck: edits.sessionsByCheck.commit(fire),
    locks: edits.locks.commit(fire),
    locksBySession: edits.locksBySession.commit(fire),
    lockDelaysByEnd: edits.lockDelaysByEnd.commit(fire),
  }
}

/** Intentions are keyed so that key order is the order of precedence, then of destination and source. */
export function intentionKey(source: string, destination: string): string {
  return key3(String(9 - precedenceOf(source, destination)), destination, source)
}

/**
 * Replaces one instance in all trees that find it; `before` or `after` is undefined where there is none, and both have
 * one place. Returns whether the set of names and tags changed.
 */
export function placeInstance(edits: Edits, before: Placed | undefined, after: Placed | undefined): boolean {
  const was = before?.service
  const is = after?.service
  const meshWas = was === undefined ? '' : meshNameOf(was)
  const meshIs = is === undefined ? '' : meshNameOf(is)
  if (before !== undefined && was !== undefined) {
    if (is === undefined) edits.services.delete(key2(before.node, was.id))
    if (was.name !== is?.name) edits.instances.delete(key3(was.name, before.node, was.id))
    if (meshWas !== '' && meshWas !== meshIs) edits.mesh.delete(key3(meshWas, before.node, was.id))
  }
  if (after !== undefined && is !== undefined) {
    edits.services.set(key2(after.node, is.id), after)
    edits.instances.set(key3(is.name, after.node, is.id), after)
    if (meshIs !== '') edits.mesh.set(key3(meshIs, after.node, is.id), after)
  }
  placeServiceAddress(edits, before, after)
  if (was?.name === is?.name && sameValue(was?.tags, is?.tags)) return false
  // Up before down, so that what stays never passes through zero.
  const appeared = is !== undefined && countNames(edits, is, 1)
  const disappeared = was !== undefined && countNames(edits, was, -1)
  return appeared || disappeared
}

function placeServiceAddress(edits: Edits, before: Placed | undefined, after: Placed | undefined): void {
  const { node, service } = after ?? before ?? {}
  if (node === undefined || service === undefined) return
  const holder = { node, serviceId: service.id, service: service.name }
  placeAddress(edits.addresses, holder, before?.service.address ?? '', after?.service.address ?? '')
}

function countNames(edits: Edits, service: Service, by: 1 | -1): boolean {
  let changed = count(edits.names, key1(service.name), service.name, by)
  for (const tag of new Set(service.tags))
    if (count(edits.tags, key2(service.name, tag), tag, by)) changed = true
  return changed
}

/** Returns whether the name appeared or disappeared. */
function count(edit: TreeEdit<NameCount>, key: string, name: string, by: 1 | -1): boolean {
  const before = edit.get(key)?.count ?? 0
  if (before + by === 0) edit.delete(key)
  else edit.set(key, { name, count: before + by })
  return before === 0 || before + by === 0
}

/** The same for a check; both have one node and id. */
export function placeCheck(
  edits: Edits,
  before: Row<Check> | undefined,
  after: Row<Check> | undefined,
): void {
  if (before !== undefined) {
    if (after === undefined) edits.checks.delete(key2(before.node, before.checkId))
    if (before.serviceId !== after?.serviceId)
      edits.serviceChecks.delete(key3(before.node, before.serviceId, before.checkId))
    if (before.status !== 'passing' && before.status !== after?.status)
      edits.troubled.delete(key3(before.status, before.node, before.checkId))
  }
  if (after !== undefined) {
    edits.checks.set(key2(after.node, after.checkId), after)
    edits.serviceChecks.set(key3(after.node, after.serviceId, after.checkId), after)
    if (after.status !== 'passing') edits.troubled.set(key3(after.status, after.node, after.checkId), after)
  }
}

export function indexIntention(edits: Edits, intention: Row<Intention>): void {
  const key = intentionKey(intention.sourceName, intention.destinationName)
  edits.intentions.set(key, intention)
  edits.intentionsBySource.set(key1(intention.sourceName) + key, intention)
}

export function unindexIntention(edits: Edits, intention: Row<Intention>): void {
  const key = intentionKey(intention.sourceName, intention.destinationName)
  edits.intentions.delete(key)
  edits.intentionsBySource.delete(key1(intention.sourceName) + key)
}
