/**
 * What the proxies of this host must do, as a pure function of what is registered here and what the servers told. The
 * driver (driver.ts) decides when it is asked; the link decides what of it has to be sent.
 */
import { balanceOf, inboundLimitOf } from '../../config/balance.ts'
import { inboundWaysOf, outboundWaysOf } from '../../config/ways.ts'
import { limits } from '../../model/limits.ts'
import type {
  ExposedResource,
  InboundDrain,
  OutboundResource,
  ProxyResource,
} from '../../model/proxy-config.ts'
import type { Service } from '../../model/service.ts'
import type { EventBody, Subject } from '../../model/topic.ts'
import { type Upstream, upstreamKey } from '../../model/upstream.ts'
import type { Leaf, View } from '../contract.ts'
import { listenerOf } from '../registry/registration.ts'
import { endpointsOf, failedAmong, type Host, maintenanceIndexOf } from './endpoints.ts'
import { exposedOf } from './exposed.ts'
import { farInstances } from './far-instances.ts'
import { type Memo, MemoWriter } from './memo.ts'
import { isLocal, type LocalProxy, localProxies, meshServices } from './mesh-services.ts'

export interface PlanInput {
  /** Services of this host, sidecars included. */
  readonly services: readonly Service[]
  readonly view: (subject: Subject) => View | undefined
  readonly leaf: (service: string) => Leaf | undefined
  /** Where sidecars listen, unless they say otherwise. */
  readonly bindAddress: string
  readonly datacenter: string
  /** This host, for which instances are near. */
  readonly host: Host
  /** Hosts of this datacenter that gossip found failed. */
  readonly failedHosts?: ReadonlySet<string>
  /** Proxies of services that are not registered here any more and whose connections live to a deadline. */
  readonly departing?: readonly Service[]
  /** Listeners that checks of this host go through. */
  readonly exposures?: readonly ExposedResource[]
  /** How far the proxy with this service id is taken out of use. */
  readonly drain?: (proxyId: string) => InboundDrain | undefined
}

export interface Plan {
  /** In `resourceOrder`, by name within a kind. The same array, and the same resources in it, where nothing changed. */
  readonly resources: readonly ProxyResource[]
  readonly memo: Memo
}

type RootsBody = Extract<EventBody, { readonly topic: 'roots' }>

/** `before` is the last plan, for sharing. */
export function plan(input: PlanInput, before?: Plan): Plan {
  const memo = new MemoWriter(before?.memo)
  const proxies = localProxies(input.services)
  const served = [...proxies, ...localProxies(input.departing ?? [])]
  const services = [...meshServices(served)].sort()
  const roots = rootsOf(input)
  const leaves = new Map(services.flatMap((name) => pair(name, input.leaf(name))))
  // A listener that could not finish a handshake would look healthy from outside, so it waits for what it needs.
  const isReady = ({ proxy }: LocalProxy): boolean =>
    roots !== undefined && leaves.has(proxy.destinationServiceName)
  const resources = [
    ...(roots === undefined ? [] : rootsResources(memo, input, roots)),
    ...Array.from(leaves.values(), (leaf) => leafResource(memo, leaf)),
    ...services.map((name) => policyResource(memo, input, name)),
    ...endpointsResources(memo, input, proxies),
    ...served.filter(isReady).map((proxy) => inboundResource(memo, input, proxy)),
    ...proxies.filter(isReady).flatMap((proxy) => outboundResources(memo, proxy)),
    ...exposedResources(memo, input, proxies),
  ]
  const same =
    before?.resources.length === resources.length &&
    before.resources.every((resource, at) => resource === resources[at])
  return { resources: same ? before.resources : resources, memo: memo.finish() }
}

function pair<Value>(name: string, value: Value | undefined): readonly (readonly [string, Value])[] {
  return value === undefined ? [] : [[name, value]]
}

function rootsOf(input: PlanInput): RootsBody | undefined {
  const [body] = input.view({ topic: 'roots', key: '' })?.bodies ?? []
  return body?.topic === 'roots' ? body : undefined
}

/** By trust domain, as resources of a kind stand in order of their names. */
function rootsResources(memo: MemoWriter, input: PlanInput, body: RootsBody): readonly ProxyResource[] {
  const far = (body.federated ?? []).map(({ trustDomain, roots }) => {
    const at = { kind: 'roots', name: trustDomain } as const
    return memo.resource(at, [body], () => ({ ...at, pems: roots.map((root) => root.certificatePem) }))
  })
  const index = input.view({ topic: 'roots', key: '' })?.index ?? 0
  return [rootsResource(memo, body, index), ...far].sort((a, b) => (a.name < b.name ? -1 : 1))
}

function rootsResource(memo: MemoWriter, body: RootsBody, index: number): ProxyResource {
  const at = { kind: 'roots', name: body.trustDomain } as const
  return memo.resource(at, [body, index], () => ({
    ...at,
    index,
    pems: body.roots.map((root) => root.certificatePem),
    ...(body.evicted === undefined ? {} : { evicted: body.evicted }),
  }))
}

function leafResource(memo: MemoWriter, leaf: Leaf): ProxyResource {
  const at = { kind: 'leaf', name: leaf.service } as const
  const { uri, certificatePem, privateKeyPem, notAfterMs } = leaf
  return memo.resource(at, [leaf], () => ({ ...at, uri, certificatePem, privateKeyPem, notAfterMs }))
}

/** Where nothing was ever received nobody is let in: the default that the cluster has is not known either. */
function policyResource(memo: MemoWriter, input: PlanInput, service: string): ProxyResource {
  const at = { kind: 'policy', name: service } as const
  const view = input.view({ topic: 'intentions', key: service })
  const [body] = view?.bodies ?? []
  return memo.resource(at, [view?.bodies, view?.index], () => {
    if (view === undefined || body?.topic !== 'intentions')
      return { ...at, index: 0, defaultAction: 'deny', rules: [] }
    return { ...at, index: view.index, defaultAction: body.defaultAction, rules: body.rules }
  })
}

const noHosts: ReadonlySet<string> = new Set()
/** Seen from another datacenter nothing is near. */
const nowhere: Host = { node: '', zone: '' }
const noBodies: readonly EventBody[] = []

function endpointsResources(
  memo: MemoWriter,
  input: PlanInput,
  proxies: readonly LocalProxy[],
): readonly ProxyResource[] {
  const targets = new Map<string, Upstream>()
  for (const { proxy } of proxies)
    for (const upstream of proxy.upstreams) targets.set(upstreamKey(upstream), upstream)
  return [...targets]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, upstream]) => {
      const { destinationName: service, datacenter: wanted } = upstream
      const at = { kind: 'endpoints', name } as const
      const datacenter = wanted === '' ? input.datacenter : wanted
      const far = isLocal(upstream, input.datacenter) ? undefined : farInstances(input.view, wanted, service)
      const bodies = far?.bodies ?? input.view({ topic: 'mesh-health', key: service })?.bodies
      // Another datacenter may have hosts of the same names.
      const failedHosts = (far === undefined ? input.failedHosts : undefined) ?? noHosts
      const host = far === undefined ? input.host : nowhere
      const failed = failedAmong(bodies ?? noBodies, failedHosts)
      return memo.resource(at, [bodies, datacenter, host, failed, far?.trustDomain], () => {
        const maintenanceIndex = maintenanceIndexOf(bodies ?? [])
        const instances = endpointsOf(bodies ?? [], host, failedHosts)
        const trust = far === undefined || far.trustDomain === '' ? {} : { trustDomain: far.trustDomain }
        const resource = { ...at, service, datacenter, instances, ...trust }
        return maintenanceIndex === undefined ? resource : { ...resource, maintenanceIndex }
      })
    })
}

function inboundResource(memo: MemoWriter, input: PlanInput, { service, proxy }: LocalProxy): ProxyResource {
  const at = { kind: 'inbound', name: service.id } as const
  const drain = input.drain?.(service.id)
  return memo.resource(at, [service, input.bindAddress, drain], () => {
    const { address: bindAddress, port: bindPort } = listenerOf(service, input.bindAddress)
    const timeoutMs = proxy.config['local_connect_timeout_ms']
    return {
      ...at,
      service: proxy.destinationServiceName,
      bindAddress,
      bindPort,
      localAddress: proxy.localServiceAddress,
      localPort: proxy.localServicePort,
      localSocketPath: proxy.localServiceSocketPath,
      localConnectTimeoutMs:
        typeof timeoutMs === 'number' && timeoutMs > 0 ? timeoutMs : limits.localConnectMs,
      ...inboundWaysOf(proxy.config),
      ...inboundLimitOf(proxy.config),
      ...(drain === undefined ? {} : { drain }),
    }
  })
}

/** Without TLS nothing has to be waited for. */
function exposedResources(
  memo: MemoWriter,
  input: PlanInput,
  proxies: readonly LocalProxy[],
): readonly ProxyResource[] {
  const own = proxies.flatMap((proxy) => exposedOf(proxy, input.bindAddress))
  return [...own, ...(input.exposures ?? [])].map((resource) =>
    memo.resource(resource, [resource], () => resource),
  )
}

function outboundResources(memo: MemoWriter, { service, proxy }: LocalProxy): readonly ProxyResource[] {
  const byKey = new Map(proxy.upstreams.map((upstream) => [upstreamKey(upstream), upstream]))
  return [...byKey]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([target, upstream]) => {
      const at = { kind: 'outbound', name: `${service.id}/${target}` } as const
      return memo.resource(at, [service, upstream], () => ({
        ...at,
        ...balancing(upstream),
        ...outboundWaysOf(upstream.config),
        service: proxy.destinationServiceName,
        target,
        bindAddress: upstream.localBindAddress,
        bindPort: upstream.localBindPort,
        bindSocketPath: upstream.localBindSocketPath,
        bindSocketMode: upstream.localBindSocketMode,
        connectTimeoutMs: upstream.connectTimeoutMs,
      }))
    })
}

function balancing(upstream: Upstream): Pick<OutboundResource, 'balance'> {
  const balance = balanceOf(upstream.config)
  return balance === undefined ? {} : { balance }
}
