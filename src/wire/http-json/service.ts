/**
 * Service instances as Consul's agent and health endpoints show them, with their proxy settings.
 * The flat form of `/catalog/service` is in catalog.ts.
 */
import type { ExposePath, ProxySettings, RowIndexes, Service } from '../../model/service.ts'
import type { Upstream } from '../../model/upstream.ts'
import { contentHash } from './content-hash.ts'

export interface AddressJson {
  readonly Address: string
  readonly Port: number
}

export interface WeightsJson {
  readonly Passing: number
  readonly Warning: number
}

export interface UpstreamJson {
  readonly DestinationType: 'service'
  readonly DestinationName: string
  readonly Datacenter?: string
  readonly LocalBindAddress?: string
  readonly LocalBindPort?: number
  readonly LocalBindSocketPath?: string
  readonly LocalBindSocketMode?: string
  readonly Config?: Readonly<Record<string, unknown>>
  readonly MeshGateway: Readonly<Record<string, never>>
}

export interface ExposePathJson {
  readonly ListenerPort: number
  readonly Path: string
  readonly LocalPathPort: number
  readonly Protocol: 'http' | 'http2'
}

/** An instance that is no proxy still shows `Mode`, `MeshGateway` and `Expose`, as in Consul. */
export interface ProxyJson {
  readonly DestinationServiceName?: string
  readonly DestinationServiceID?: string
  readonly LocalServiceAddress?: string
  readonly LocalServicePort?: number
  readonly LocalServiceSocketPath?: string
  readonly Mode: string
  readonly Config?: Readonly<Record<string, unknown>>
  readonly Upstreams?: readonly UpstreamJson[]
  readonly MeshGateway: Readonly<Record<string, never>>
  readonly Expose: { readonly Checks?: true; readonly Paths?: readonly ExposePathJson[] }
}

export interface ConnectJson {
  readonly Native?: true
}

export interface AgentServiceJson {
  readonly Kind?: 'connect-proxy'
  readonly ID: string
  readonly Service: string
  readonly Tags: readonly string[]
  readonly Meta: Readonly<Record<string, string>>
  readonly Port: number
  readonly Address: string
  readonly SocketPath?: string
  readonly TaggedAddresses: Readonly<Record<string, AddressJson>>
  readonly Weights: WeightsJson
  readonly EnableTagOverride: boolean
  readonly ContentHash?: string
  readonly Proxy?: ProxyJson
  readonly Connect?: ConnectJson
  readonly Datacenter: string
  readonly CreateIndex?: number
  readonly ModifyIndex?: number
}

/** The agent's own view of a service: no log indexes; `Proxy` and `Connect` only where they say something. */
export function agentServiceJson(service: Service, datacenter: string): AgentServiceJson {
  return {
    ...baseJson(service),
    ...(service.proxy === undefined ? {} : { Proxy: proxyJson(service.proxy) }),
    ...(service.connectNative ? { Connect: connectJson(service) } : {}),
    Datacenter: datacenter,
  }
}

/** One instance with the hash that `?hash=` blocks on. */
export function hashedServiceJson(service: Service, datacenter: string): AgentServiceJson {
  const plain = agentServiceJson(service, datacenter)
  return { ...plain, ContentHash: contentHash(plain) }
}

/** The catalog's view of a service: with log indexes, `Proxy` and `Connect` always there. */
export function catalogServiceInstanceJson(
  service: Service & RowIndexes,
  datacenter: string,
): AgentServiceJson {
  return {
    ...baseJson(service),
    Proxy: proxyJson(service.proxy),
    Connect: connectJson(service),
    Datacenter: datacenter,
    CreateIndex: service.createIndex,
    ModifyIndex: service.modifyIndex,
  }
}

function baseJson(service: Service): Omit<AgentServiceJson, 'Datacenter'> {
  return {
    ...(service.kind === '' ? {} : { Kind: service.kind }),
    ID: service.id,
    Service: service.name,
    Tags: service.tags,
    Meta: service.meta,
    Port: service.port,
    Address: service.address,
    ...(service.socketPath === '' ? {} : { SocketPath: service.socketPath }),
    TaggedAddresses: serviceTaggedAddresses(service),
    Weights: weightsJson(service),
    EnableTagOverride: service.enableTagOverride,
  }
}

export function weightsJson(service: Pick<Service, 'weights'>): WeightsJson {
  return { Passing: service.weights.passing, Warning: service.weights.warning }
}

export function serviceTaggedAddresses(
  service: Pick<Service, 'taggedAddresses'>,
): Readonly<Record<string, AddressJson>> {
  return Object.fromEntries(
    Object.entries(service.taggedAddresses).map(([role, { address, port }]) => [
      role,
      { Address: address, Port: port },
    ]),
  )
}

export function connectJson(service: Pick<Service, 'connectNative'>): ConnectJson {
  return service.connectNative ? { Native: true } : {}
}

export function proxyJson(proxy: ProxySettings | undefined): ProxyJson {
  if (proxy === undefined) return { Mode: '', MeshGateway: {}, Expose: {} }
  return {
    DestinationServiceName: proxy.destinationServiceName,
    ...(proxy.destinationServiceId === '' ? {} : { DestinationServiceID: proxy.destinationServiceId }),
    ...(proxy.localServiceAddress === '' ? {} : { LocalServiceAddress: proxy.localServiceAddress }),
    ...(proxy.localServicePort === 0 ? {} : { LocalServicePort: proxy.localServicePort }),
    ...(proxy.localServiceSocketPath === '' ? {} : { LocalServiceSocketPath: proxy.localServiceSocketPath }),
    Mode: proxy.mode,
    ...(Object.keys(proxy.config).length === 0 ? {} : { Config: proxy.config }),
    ...(proxy.upstreams.length === 0 ? {} : { Upstreams: proxy.upstreams.map(upstreamJson) }),
    MeshGateway: {},
    Expose: {
      ...(proxy.expose.checks ? { Checks: true } : {}),
      ...(proxy.expose.paths.length === 0 ? {} : { Paths: proxy.expose.paths.map(exposePathJson) }),
    },
  }
}

function exposePathJson(path: ExposePath): ExposePathJson {
  return {
    ListenerPort: path.listenerPort,
    Path: path.path,
    LocalPathPort: path.localPathPort,
    Protocol: path.protocol,
  }
}

function upstreamJson(upstream: Upstream): UpstreamJson {
  return {
    DestinationType: 'service',
    DestinationName: upstream.destinationName,
    ...(upstream.datacenter === '' ? {} : { Datacenter: upstream.datacenter }),
    ...(upstream.localBindAddress === '' ? {} : { LocalBindAddress: upstream.localBindAddress }),
    ...(upstream.localBindPort === 0 ? {} : { LocalBindPort: upstream.localBindPort }),
    ...(upstream.localBindSocketPath === '' ? {} : { LocalBindSocketPath: upstream.localBindSocketPath }),
    ...(upstream.localBindSocketMode === '' ? {} : { LocalBindSocketMode: upstream.localBindSocketMode }),
    ...(Object.keys(upstream.config).length === 0 ? {} : { Config: upstream.config }),
    MeshGateway: {},
  }
}
