/**
 * Answers of Consul's `/catalog` and `/health` endpoints made from model rows. One source of entries, two shapes: clients
 * pair `/catalog/service` and `/health/service` by position, so neither may sort or drop on its own.
 */
import type { ServiceEntry } from '../../model/service.ts'
import { type CheckJson, checkJson } from './check.ts'
import { type NodeJson, nodeJson, nodeTaggedAddresses } from './node.ts'
import {
  type AddressJson,
  type AgentServiceJson,
  type ConnectJson,
  catalogServiceInstanceJson,
  connectJson,
  type ProxyJson,
  proxyJson,
  serviceTaggedAddresses,
  type WeightsJson,
  weightsJson,
} from './service.ts'

export interface CatalogServiceJson {
  readonly ID: string
  readonly Node: string
  readonly Address: string
  readonly Datacenter: string
  readonly TaggedAddresses: Readonly<Record<string, string>>
  readonly NodeMeta: Readonly<Record<string, string>>
  readonly ServiceKind: string
  readonly ServiceID: string
  readonly ServiceName: string
  readonly ServiceTags: readonly string[]
  readonly ServiceAddress: string
  readonly ServiceTaggedAddresses: Readonly<Record<string, AddressJson>>
  readonly ServiceWeights: WeightsJson
  readonly ServiceMeta: Readonly<Record<string, string>>
  readonly ServicePort: number
  readonly ServiceSocketPath: string
  readonly ServiceEnableTagOverride: boolean
  readonly ServiceProxy: ProxyJson
  readonly ServiceConnect: ConnectJson
  readonly CreateIndex: number
  readonly ModifyIndex: number
}

export function catalogServiceJson({ node, service }: ServiceEntry): CatalogServiceJson {
  return {
    ID: node.id,
    Node: node.name,
    Address: node.address,
    Datacenter: node.datacenter,
    TaggedAddresses: nodeTaggedAddresses(node),
    NodeMeta: node.meta,
    ServiceKind: service.kind,
    ServiceID: service.id,
    ServiceName: service.name,
    ServiceTags: service.tags,
    ServiceAddress: service.address,
    ServiceTaggedAddresses: serviceTaggedAddresses(service),
    ServiceWeights: weightsJson(service),
    ServiceMeta: service.meta,
    ServicePort: service.port,
    ServiceSocketPath: service.socketPath,
    ServiceEnableTagOverride: service.enableTagOverride,
    ServiceProxy: proxyJson(service.proxy),
    ServiceConnect: connectJson(service),
    CreateIndex: service.createIndex,
    ModifyIndex: service.modifyIndex,
  }
}

export interface ServiceEntryJson {
  readonly Node: NodeJson
  readonly Service: AgentServiceJson
  readonly Checks: readonly CheckJson[]
}

export function serviceEntryJson({ node, service, checks }: ServiceEntry): ServiceEntryJson {
  return {
    Node: nodeJson(node),
    Service: catalogServiceInstanceJson(service, node.datacenter),
    Checks: checks.map(checkJson),
  }
}
