/**
 * A service instance, as a host registers it and as the catalog shows it.
 * A sidecar proxy is a service instance too (`kind: 'connect-proxy'`), as in Consul.
 */
import type { Check, CheckDefinition } from './check.ts'
import type { Node } from './node.ts'
import type { Upstream } from './upstream.ts'

export type ServiceKind = '' | 'connect-proxy'

export interface ServiceAddress {
  readonly address: string
  readonly port: number
}

export interface Weights {
  readonly passing: number
  readonly warning: number
}

export interface ExposePath {
  readonly path: string
  readonly localPathPort: number
  readonly listenerPort: number
  readonly protocol: 'http' | 'http2'
}

/** What a `connect-proxy` instance does and for whom. */
export interface ProxySettings {
  readonly destinationServiceName: string
  readonly destinationServiceId: string
  readonly localServiceAddress: string
  /** 0 when `localServiceSocketPath` is set. */
  readonly localServicePort: number
  readonly localServiceSocketPath: string
  readonly mode: '' | 'direct' | 'transparent'
  readonly config: Readonly<Record<string, unknown>>
  readonly upstreams: readonly Upstream[]
  readonly expose: { readonly checks: boolean; readonly paths: readonly ExposePath[] }
}

export interface Service {
  readonly kind: ServiceKind
  /** Unique on its node. */
  readonly id: string
  readonly name: string
  readonly tags: readonly string[]
  readonly meta: Readonly<Record<string, string>>
  /** Empty: the node's address. */
  readonly address: string
  readonly port: number
  readonly socketPath: string
  readonly taggedAddresses: Readonly<Record<string, ServiceAddress>>
  readonly weights: Weights
  readonly enableTagOverride: boolean
  /** Present when `kind` is `connect-proxy`. */
  readonly proxy?: ProxySettings
  /** The service speaks the mesh's mTLS itself. */
  readonly connectNative: boolean
}

/** What a file or an API call asks for: the service, its checks, and its sidecar when it wants one. */
export interface ServiceDefinition {
  readonly service: Service
  readonly checks: readonly CheckDefinition[]
  readonly sidecar?: SidecarDefinition
}

/** A sidecar before a port was found for it (`service.port` 0: take the lowest free one). */
export interface SidecarDefinition {
  readonly service: Service
  readonly checks: readonly CheckDefinition[]
}

/** A service instance with its host and the checks that count for it: the unit of discovery. */
export interface ServiceEntry {
  readonly node: Node & RowIndexes
  readonly service: Service & RowIndexes
  /** The node's own checks first, then the service's; each list by check id. */
  readonly checks: readonly (Check & RowIndexes)[]
}

/** When a row was first written and last changed, as log indexes. */
export interface RowIndexes {
  readonly createIndex: number
  readonly modifyIndex: number
}

/** The service under which servers show themselves in the catalog; theirs to write, on whatever node it stands. */
export const serverServiceId = 'consul'

export const sidecarIdOf = (serviceId: string): string => `${serviceId}-sidecar-proxy`
export const sidecarNameOf = (serviceName: string): string => `${serviceName}-sidecar-proxy`

/** The service a mesh peer means when it reaches this instance, or '' where the instance is not in the mesh. */
export function meshNameOf(service: Service): string {
  if (service.kind === 'connect-proxy') return service.proxy?.destinationServiceName ?? ''
  return service.connectNative ? service.name : ''
}
