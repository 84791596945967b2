/**
 * The replicated state as its readers see it: immutable views, one per committed index. The store implements it; apply
 * is the only writer.
 */
import type { CaRoot, Enrollment, Host, Operator, TrustPlane } from '../../model/authority.ts'
import type { Check } from '../../model/check.ts'
import type { ClusterSettings, ConfigEntry, ConfigEntryKind } from '../../model/config-entry.ts'
import type { Datacenter } from '../../model/datacenter.ts'
import type { Intention, IntentionRule } from '../../model/intention.ts'
import type { Node } from '../../model/node.ts'
import type { RowIndexes, Service, ServiceEntry } from '../../model/service.ts'

type Row<T> = T & RowIndexes

/** Everything at one log index. Holding a view keeps its memory alive; views are cheap to take. */
export interface StateView {
  readonly index: number
  settings(): Row<ClusterSettings> | undefined

  node(name: string): Row<Node> | undefined
  nodes(): Iterable<Row<Node>>
  service(node: string, serviceId: string): Row<Service> | undefined
  servicesOfNode(node: string): Iterable<Row<Service>>
  check(node: string, checkId: string): Row<Check> | undefined
  checksOfNode(node: string): Iterable<Row<Check>>
  /** Instances by name, in order of node name then service id. */
  instances(service: string): Iterable<ServiceEntry>
  /** Sidecars and natives that stand for `service`, same order. */
  meshInstances(service: string): Iterable<ServiceEntry>
  serviceNames(): Iterable<string>

  configEntry(kind: ConfigEntryKind, name: string): Row<ConfigEntry> | undefined
  configEntries(kind: ConfigEntryKind): Iterable<Row<ConfigEntry>>
  intention(source: string, destination: string): Row<Intention> | undefined
  /** In order of precedence. */
  intentions(): readonly Row<Intention>[]
  /** Rules that can match `destination`, wildcard destinations included. */
  rulesFor(destination: string): readonly IntentionRule[]

  roots(plane: TrustPlane): readonly Row<CaRoot>[]
  enrollment(tokenHash: string): Row<Enrollment> | undefined
  host(node: string): Row<Host> | undefined
  operator(tokenHash: string): Row<Operator> | undefined

  /** Other datacenters that this one is federated with, by name. */
  datacenters(): readonly Row<Datacenter>[]
}
