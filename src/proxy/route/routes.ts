/**
 * Where an outbound listener leads: the local service that calls, and the instances of its target. Resolved anew for
 * each connection from the state of that moment, so that a listener never has to be told of changes.
 */
import type { EndpointsResource, OutboundResource } from '../../model/proxy-config.ts'
import type { RefusalCode } from '../../model/refusal.ts'
import type { Balancer } from '../balance/balancer.ts'
import type { Balancers } from '../balance/balancers.ts'
import type { ServiceIdentity } from '../identity/service-identity.ts'

export interface Route {
  readonly outbound: OutboundResource
  readonly identity: ServiceIdentity
  readonly balancer: Balancer
}

export type Routed =
  | { readonly kind: 'route'; readonly route: Route }
  | { readonly kind: 'refused'; readonly code: RefusalCode; readonly text: string }

/** The part of the proxy's state that routing reads. */
export interface RouteTables {
  readonly outbounds: ReadonlyMap<string, OutboundResource>
  readonly identities: ReadonlyMap<string, ServiceIdentity>
  readonly endpoints: ReadonlyMap<string, EndpointsResource>
}

export function resolveRoute(tables: RouteTables, balancers: Balancers, listener: string): Routed {
  const outbound = tables.outbounds.get(listener)
  if (outbound === undefined) return refused('not-ready', 'the upstream is not configured any more')
  const identity = tables.identities.get(outbound.service)
  if (identity === undefined) return refused('not-ready', `${outbound.service} has no certificate yet`)
  const endpoints = tables.endpoints.get(outbound.target)
  const balancer = endpoints && balancers.of(outbound, endpoints, tables.outbounds)
  if (balancer === undefined || balancer.usable === 0)
    return refused('no-healthy-instance', `${outbound.target} has no instance that could be tried`)
  return { kind: 'route', route: { outbound, identity, balancer } }
}

const refused = (code: RefusalCode, text: string): Routed => ({ kind: 'refused', code, text })
