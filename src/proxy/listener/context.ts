/**
 * What listeners and their connections share: the tables of the moment, counters, log, buffers, limits. Made once per
 * worker; only what `tables()` returns changes.
 */
import type { ExposedResource, InboundResource } from '../../model/proxy-config.ts'
import type { Clock, Log, SocketOwners } from '../../platform/ports.ts'
import type { Trust } from '../../wire/x509/chain.ts'
import type { Balancers } from '../balance/balancers.ts'
import type { ConnectionBudget } from '../lifecycle/budget.ts'
import type { InboundPlaces } from '../lifecycle/places.ts'
import type { PolicyTable } from '../policy/table.ts'
import type { RouteTables } from '../route/routes.ts'
import type { AccessLog } from '../telemetry/access-log.ts'
import type { PairCounters } from '../telemetry/counters.ts'
import type { TunnelPlace } from '../transport/tunnel-dial.ts'
import type { TunnelSessions } from '../transport/tunnel-sessions.ts'

/** Everything that the data path reads of the configuration; immutable, replaced as a whole. */
export interface ProxyTables extends RouteTables {
  readonly inbounds: ReadonlyMap<string, InboundResource>
  readonly exposed: ReadonlyMap<string, ExposedResource>
  /** By destination service. */
  readonly policies: ReadonlyMap<string, PolicyTable>
  readonly trust: Trust
}

export interface ListenerContext {
  readonly clock: Clock
  readonly log: Log
  readonly tables: () => ProxyTables
  readonly place: TunnelPlace
  readonly sessions: TunnelSessions
  readonly budget: ConnectionBudget
  readonly places: InboundPlaces
  /** Over the life of the worker: what was seen of instances outlives their configuration. */
  readonly balancers: Balancers
  readonly counters: PairCounters
  readonly accessLog: AccessLog
  readonly owners: SocketOwners
}
