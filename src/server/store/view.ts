/**
 * The state at one log index, for reading: rows, instances joined with their node and checks, and what readers wait
 * for. Immutable and cheap to take; nothing here is cached, so nothing can be out of date. Writing is transaction.ts.
 */

import type {
  CaRoot,
  Enrollment,
  Eviction,
  GossipKeyring,
  Host,
  Operator,
  TrustPlane,
} from '../../model/authority.ts'
import type { AutopilotConfig, ServerInfo } from '../../model/autopilot.ts'
import type { Check, CheckStatus } from '../../model/check.ts'
import type { ClusterSettings, ConfigEntry, ConfigEntryKind } from '../../model/config-entry.ts'
import type { Datacenter } from '../../model/datacenter.ts'
import { assert } from '../../model/errors.ts'
import { baseFeatureLevel } from '../../model/feature.ts'
import { byPrecedence, type Intention, type IntentionRule, wildcard } from '../../model/intention.ts'
import type { Node } from '../../model/node.ts'
import type { Service, ServiceEntry } from '../../model/service.ts'
import { type AddressHolder, addressKey } from './address-holders.ts'
import { restoredRow, type Touched } from './indexes.ts'
import { key1, key2, settingsKey } from './keys.ts'
import type { Row } from './row.ts'
import type { Staged } from './staged.ts'
import type { StateView } from './state.ts'
import { intentionKey, type NameCount, type Placed, type Tables } from './tables.ts'
import type { Listener } from './watch.ts'

export class View implements StateView {
  readonly index: number
  readonly tables: Tables
  /** A state that is being put together to take the place of this one. */
  readonly staged: Staged | undefined

  constructor(index: number, tables: Tables, staged?: Staged) {
    this.index = index
    this.tables = tables
    this.staged = staged
  }

  settings(): Row<ClusterSettings> | undefined {
    return this.tables.settings.get(settingsKey)
  }

  node(name: string): Row<Node> | undefined {
    return this.tables.nodes.get(key1(name))
  }

  nodes(): Iterable<Row<Node>> {
    return this.tables.nodes.scan()
  }

  /** Nodes whose names come behind `name`, in order. */
  nodesAfter(name: string): Iterable<Row<Node>> {
    return this.tables.nodes.scanAfter(key1(name))
  }

  service(node: string, serviceId: string): Row<Service> | undefined {
    return this.tables.services.get(key2(node, serviceId))?.service
  }

  servicesOfNode(node: string): Iterable<Row<Service>> {
    return mapped(this.tables.services.scan(key1(node)), (placed) => placed.service)
  }

  /** Nodes with this address and services that have it as their own, in order of node. */
  holdersOf(address: string): Iterable<AddressHolder> {
    const key = addressKey(address)
    return key === undefined ? [] : this.tables.addresses.scan(key)
  }

  check(node: string, checkId: string): Row<Check> | undefined {
    return this.tables.checks.get(key2(node, checkId))
  }

  checksOfNode(node: string): Iterable<Row<Check>> {
    return this.tables.checks.scan(key1(node))
  }

  /** Checks in order of node name, then check id. */
  checks(state: CheckStatus | 'any'): Iterable<Row<Check>> {
    if (state === 'any') return this.tables.checks.scan()
    if (state !== 'passing') return this.tables.troubled.scan(key1(state))
    return filtered(this.tables.checks.scan(), (check) => check.status === 'passing')
  }

  instances(service: string): Iterable<ServiceEntry> {
    return mapped(this.tables.instances.scan(key1(service)), (placed) => this.#entry(placed))
  }

  meshInstances(service: string): Iterable<ServiceEntry> {
    return mapped(this.tables.mesh.scan(key1(service)), (placed) => this.#entry(placed))
  }

  /** Where the mesh instances of `service` run, without the cost of joining them; all services' where it is `*`. */
  meshPlaces(service: string): Iterable<Placed> {
    return this.tables.mesh.scan(service === wildcard ? '' : key1(service))
  }

  /** One instance joined with its node and checks. */
  entry(node: string, serviceId: string): ServiceEntry | undefined {
    const placed = this.tables.services.get(key2(node, serviceId))
    return placed === undefined ? undefined : this.#entry(placed)
  }

  serviceNames(): Iterable<string> {
    return mapped(this.tables.names.scan(), (row) => row.name)
  }

  /** All tags that occur on instances of `service`, in order. */
  tagsOf(service: string): Iterable<string> {
    return mapped(this.tables.tags.scan(key1(service)), (row: NameCount) => row.name)
  }

  configEntry(kind: ConfigEntryKind, name: string): Row<ConfigEntry> | undefined {
    return this.tables.entries.get(key2(kind, name))
  }

  configEntries(kind: ConfigEntryKind): Iterable<Row<ConfigEntry>> {
    return this.tables.entries.scan(key1(kind))
  }

  intention(source: string, destination: string): Row<Intention> | undefined {
    return this.tables.intentions.get(intentionKey(source, destination))
  }

  intentions(): readonly Row<Intention>[] {
    return [...this.tables.intentions.scan()]
  }

  /** The same without a list of them all. */
  eachIntention(): Iterable<Row<Intention>> {
    return this.tables.intentions.scan()
  }

  /** Intentions that can match this source, in order of precedence. */
  intentionsFrom(source: string): readonly Row<Intention>[] {
    const any = source === wildcard ? [] : [...this.tables.intentionsBySource.scan(key1(wildcard))]
    const exact = [...this.tables.intentionsBySource.scan(key1(source))]
    return [...exact, ...any].sort(byPrecedence)
  }

  /** Intentions that can match this destination, in order of precedence. */
  intentionsTo(destination: string): readonly Row<Intention>[] {
    const { intentions } = this.tables
    const under = (precedence: number, name: string): Iterable<Row<Intention>> =>
      intentions.scan(key2(String(9 - precedence), name))
    const any = [...under(6, wildcard), ...under(5, wildcard)]
    if (destination === wildcard) return any
    return [...under(9, destination), ...under(8, destination), ...any]
  }

  rulesFor(destination: string): readonly IntentionRule[] {
    return this.intentionsTo(destination).map(({ sourceName, destinationName, action }) => ({
      sourceName,
      destinationName,
      action,
    }))
  }

  roots(plane: TrustPlane): readonly Row<CaRoot>[] {
    return [...this.tables.roots.scan(key1(plane))]
  }

  enrollment(tokenHash: string): Row<Enrollment> | undefined {
    return this.tables.enrollments.get(key1(tokenHash))
  }

  host(node: string): Row<Host> | undefined {
    return this.tables.hosts.get(key1(node))
  }

  evictions(): Iterable<Row<Eviction>> {
    return this.tables.evictions.scan()
  }

  gossipKeys(): Row<GossipKeyring> | undefined {
    return this.tables.gossipKeys.get(settingsKey)
  }

  operator(tokenHash: string): Row<Operator> | undefined {
    return this.tables.operators.get(key1(tokenHash))
  }

  /** What the server with this Raft id says about itself. */
  serverInfo(id: string): Row<ServerInfo> | undefined {
    return this.tables.servers.get(key1(id))
  }

  /** All that ever said something, removed ones too. */
  serverInfos(): Iterable<Row<ServerInfo>> {
    return this.tables.servers.scan()
  }

  autopilot(): Row<AutopilotConfig> | undefined {
    return this.tables.autopilot.get(settingsKey)
  }

  /** Another datacenter that this one is federated with. */
  datacenter(name: string): Row<Datacenter> | undefined {
    return this.tables.datacenters.get(key1(name))
  }

  /** All of them by name; our own is not among them. */
  datacenters(): readonly Row<Datacenter>[] {
    return [...this.tables.datacenters.scan()]
  }

  /** The datacenter that intentions belong to, where that is not our own. */
  primary(): Row<Datacenter> | undefined {
    return this.datacenters().find(({ isPrimary }) => isPrimary)
  }

  /** What may be written into the log now. */
  get featureLevel(): number {
    return this.settings()?.featureLevel ?? baseFeatureLevel
  }

  /** Log index of the last change of any of these things; 0 where none ever changed. */
  indexOf(things: readonly Touched[]): number {
    let highest = this.restoredIndex
    for (const { row, extinct } of things) {
      const found = this.tables.indexes.get(row) ?? this.tables.indexes.get(extinct)
      if (found !== undefined && found.index > highest) highest = found.index
    }
    return highest
  }

  /** Log index at which this state took the place of another; 0 where none ever did. */
  get restoredIndex(): number {
    return this.tables.indexes.get(restoredRow)?.index ?? 0
  }

  /** Whether the thing is there, as opposed to its index falling back to that of what disappeared. */
  has({ row }: Touched): boolean {
    return this.tables.indexes.get(row) !== undefined
  }

  /**
   * Calls `listener` after a later state changed any of these things, perhaps several times, perhaps without a change,
   * at once where it happened already. The result stops it.
   */
  watch(things: readonly Touched[], listener: Listener): () => void {
    const stops = things.map(({ row }) => this.tables.indexes.watch(row, listener))
    return () => {
      for (const stop of stops) stop()
    }
  }

  #entry({ node, service }: Placed): ServiceEntry {
    const { nodes, serviceChecks } = this.tables
    const row = nodes.get(key1(node))
    assert(row !== undefined, `service "${service.id}" without its node "${node}"`)
    const checks = [...serviceChecks.scan(key2(node, '')), ...serviceChecks.scan(key2(node, service.id))]
    return { node: row, service, checks }
  }
}

function* mapped<From, To>(items: Iterable<From>, change: (item: From) => To): Generator<To> {
  for (const item of items) yield change(item)
}

function* filtered<Item>(items: Iterable<Item>, keep: (item: Item) => boolean): Generator<Item> {
  for (const item of items) if (keep(item)) yield item
}
