/**
 * How this host stands in the mesh, gathered from the rooms of its agent for the page that an operator opens first. Asks no
 * server, so it answers when none is there.
 */
import { joinHostPort } from '../../config/address.ts'
import { aggregateStatus } from '../../model/check.ts'
import { sidecarIdOf } from '../../model/service.ts'
import type { Upstream } from '../../model/upstream.ts'
import {
  type HostServiceJson,
  type HostStateJson,
  type HostUpstreamJson,
  problemJson,
  timeOrEmpty,
} from '../../wire/http-json/host-state.ts'
import type { LocalService } from '../contract.ts'
import { endpointsOf, hostOf } from '../plan/endpoints.ts'
import { farInstances } from '../plan/far-instances.ts'
import { isLocal, localProxies } from '../plan/mesh-services.ts'
import type { Answer, Api, Endpoint } from './contract.ts'

export const hostStateEndpoints: readonly Endpoint[] = [
  { path: '/v1/mesh/host', actions: { GET: { need: 'read', run: show } } },
]

function show(api: Api): Answer {
  const { settings, standing } = api
  const services = api.registry.services()
  const state: HostStateJson = {
    Node: settings.nodeName,
    NodeID: api.nodeId,
    Datacenter: settings.datacenter,
    Address: settings.advertiseAddress,
    Version: api.version,
    Server: settings.server,
    EnrolledUntil: timeOrEmpty(standing.enrolledUntilMs()),
    Refused: problemJson(standing.refusal()),
    ConnectedTo: standing.server() ?? '',
    Outage: problemJson(standing.outage()),
    Gossip: gossipOf(api),
    Proxies: standing.proxies().map(({ pid, version, refused }) => ({
      Pid: pid,
      Version: version,
      Refused: refused,
    })),
    Services: services
      .filter(({ service }) => service.kind !== 'connect-proxy')
      .map((local) => serviceOf(api, local, services)),
    Upstreams: localProxies(services.map(({ service }) => service)).flatMap(({ proxy }) =>
      proxy.upstreams.map((upstream) => upstreamOf(api, proxy.destinationServiceName, upstream)),
    ),
  }
  return { json: state }
}

function gossipOf({ membership }: Api): HostStateJson['Gossip'] {
  const pool = membership.pool()
  const members = pool.ok ? pool.value.members() : []
  return {
    Members: members.length,
    Alive: members.filter(({ presence }) => presence === 'alive').length,
  }
}

function serviceOf(
  { registry, leaves, standing }: Api,
  { service, synced }: LocalService,
  all: readonly LocalService[],
): HostServiceJson {
  const sidecar = all.find((other) => other.service.id === sidecarIdOf(service.id))?.service
  const isMeshed = sidecar !== undefined || service.connectNative
  const checks = registry
    .checks()
    .map(({ check }) => check)
    .filter(({ serviceId }) => serviceId === '' || serviceId === service.id)
  return {
    ID: service.id,
    Name: service.name,
    Address: service.address,
    Port: service.port,
    Status: aggregateStatus(checks),
    Output: checks.find(({ status }) => status !== 'passing')?.output ?? '',
    InCatalog: synced,
    ProxyPort: sidecar?.port ?? 0,
    CertificateUntil: isMeshed ? timeOrEmpty(leaves.leaf(service.name)?.notAfterMs) : '',
    CertificateRefused: isMeshed ? problemJson(standing.leafFailure(service.name)) : null,
  }
}

function upstreamOf(
  { views, settings, standing }: Api,
  service: string,
  upstream: Upstream,
): HostUpstreamJson {
  const { destinationName, datacenter, localBindAddress, localBindPort, localBindSocketPath } = upstream
  const isHere = isLocal(upstream, settings.datacenter)
  const bodies = isHere
    ? (views.view({ topic: 'mesh-health', key: destinationName })?.bodies ?? [])
    : farInstances((subject) => views.view(subject), datacenter, destinationName).bodies
  const failed = isHere ? standing.failedHosts() : new Set<string>()
  const endpoints = endpointsOf(bodies, hostOf(settings), failed)
  return {
    Service: service,
    Destination: destinationName,
    Datacenter: isHere ? settings.datacenter : datacenter,
    Listen: localBindSocketPath === '' ? joinHostPort(localBindAddress, localBindPort) : localBindSocketPath,
    Instances: endpoints.length,
    Usable: endpoints.filter(({ health }) => health === 'passing' || health === 'warning').length,
  }
}
