/**
 * What a proxy must do, as a set of named resources. The agent's plan computes the whole set; the link sends the whole
 * once and differences after, in `resourceOrder` when adding and in reverse when removing, so that nothing is ever
 * referred to before it exists (make before break).
 */
import type { BalanceSettings } from './balance.ts'
import type { IntentionAction, IntentionRule } from './intention.ts'

export type ProxyResource =
  | RootsResource
  | LeafResource
  | PolicyResource
  | EndpointsResource
  | InboundResource
  | OutboundResource
  | ExposedResource

export const resourceOrder = [
  'roots',
  'leaf',
  'policy',
  'endpoints',
  'inbound',
  'outbound',
  'exposed',
] as const
export type ResourceKind = (typeof resourceOrder)[number]

/** Whom to trust in one trust domain; `name` is the trust domain. */
export interface RootsResource {
  readonly kind: 'roots'
  /** Log index of their last change, for the acknowledgement; absent for the roots of other datacenters. */
  readonly index?: number
  readonly name: string
  readonly pems: readonly string[]
  /** Tags of hosts whose leaves prove nothing any more (wire/x509/host-tag.ts); absent: none. */
  readonly evicted?: readonly string[]
}

/** The certificate of one local service; `name` is the service. Holds the key: never logged, stored only 0600. */
export interface LeafResource {
  readonly kind: 'leaf'
  readonly name: string
  readonly uri: string
  /** Leaf first, intermediates after. */
  readonly certificatePem: string
  readonly privateKeyPem: string
  readonly notAfterMs: number
}

/** Who may call the local service `name`. */
export interface PolicyResource {
  readonly kind: 'policy'
  readonly name: string
  /** Log index of the intentions it was made from: what an acknowledgement of enforcement names. */
  readonly index: number
  readonly defaultAction: IntentionAction
  readonly rules: readonly IntentionRule[]
}

export type EndpointHealth =
  | 'passing'
  | 'warning'
  | 'critical'
  /** Only the host's membership is in doubt: its agent is away, its proxy may well serve. Tried when nothing better is left. */
  | 'host-unreachable'

export interface Endpoint {
  /** `<node>/<service id>` of the mesh instance. */
  readonly id: string
  readonly node: string
  readonly address: string
  readonly port: number
  readonly health: EndpointHealth
  readonly weight: number
  /** Absent: elsewhere. */
  readonly nearness?: EndpointNearness
}

/** As seen from the proxy's own host; `zone` is what the hosts' node_meta say. */
export const endpointNearness = ['host', 'zone'] as const
export type EndpointNearness = (typeof endpointNearness)[number]

/** Mesh instances of a destination; `name` is its upstream key (`service` or `service@datacenter`). */
export interface EndpointsResource {
  readonly kind: 'endpoints'
  readonly name: string
  readonly service: string
  readonly datacenter: string
  /** Of the instances' certificates; absent: that of the caller's own. */
  readonly trustDomain?: string
  readonly instances: readonly Endpoint[]
  /** Log index of the newest maintenance among the instances; absent where none is in maintenance. */
  readonly maintenanceIndex?: number
}

/** A public mTLS listener in front of one local service instance; `name` is the sidecar's service id. */
export interface InboundResource {
  readonly kind: 'inbound'
  readonly name: string
  readonly service: string
  readonly bindAddress: string
  readonly bindPort: number
  readonly localAddress: string
  /** 0 when `localSocketPath` is set. */
  readonly localPort: number
  readonly localSocketPath: string
  readonly localConnectTimeoutMs: number
  /** Connections that the service has at a time; absent: no limit but the worker's. */
  readonly maxConnections?: number
  /** Absent: TLSv1_3. The tunnel is spoken over 1.3 only. */
  readonly tlsMinVersion?: (typeof tlsMinVersions)[number]
  /** What the local service is told of the caller ahead of its bytes; absent: nothing. */
  readonly localProxyProtocol?: (typeof localProxyProtocols)[number]
  /** Where the service takes datagrams, at `localAddress`; absent: nowhere. */
  readonly localUdpPort?: number
  /** Absent in normal use. `refuse`: takes no new streams; `cut`: nor keeps open ones. */
  readonly drain?: InboundDrain
}

/** As Consul writes them. */
export const tlsMinVersions = ['TLSv1_2', 'TLSv1_3'] as const

export const localProxyProtocols = ['v2'] as const

export const inboundDrains = ['refuse', 'cut'] as const
export type InboundDrain = (typeof inboundDrains)[number]

/** A local port or socket that leads to a destination; `name` is `<sidecar id>/<upstream key>`. */
export interface OutboundResource {
  readonly kind: 'outbound'
  readonly name: string
  /** Local service that calls: selects the leaf. */
  readonly service: string
  /** Name of the endpoints resource. */
  readonly target: string
  readonly bindAddress: string
  readonly bindPort: number
  readonly bindSocketPath: string
  readonly bindSocketMode: string
  readonly connectTimeoutMs: number
  /** Users of this host that may connect to a local port, by their numbers; absent: everybody. */
  readonly allowedUids?: readonly number[]
  /** Datagrams at the port; absent: TCP connections. */
  readonly protocol?: 'udp'
  /** Absent: `defaultBalance`. */
  readonly balance?: BalanceSettings
}

/** 32 bits; the highest means "nobody in particular" to the kernel. */
export const isUid = (value: number): boolean => Number.isInteger(value) && value >= 0 && value < 0xffff_ffff

/**
 * A listener without TLS in front of some paths of a local service, for those who are not in the mesh: health checks and
 * scrapers. `name` is `<proxy id>/<port>`.
 */
export interface ExposedResource {
  readonly kind: 'exposed'
  readonly name: string
  readonly service: string
  readonly bindAddress: string
  readonly bindPort: number
  readonly protocol: 'http' | 'http2'
  /** Only this host itself is let in: made for its own checks. */
  readonly hostOnly: boolean
  readonly paths: readonly ExposedPath[]
}

export interface ExposedPath {
  /** Compared with the whole path of a request, without its query. */
  readonly path: string
  readonly localAddress: string
  readonly localPort: number
}

export const resourceKey = (resource: Pick<ProxyResource, 'kind' | 'name'>): string =>
  `${resource.kind}/${resource.name}`
