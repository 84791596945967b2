/**
 * What this host's registrations mean for the mesh: the proxies that stand here, and what the agent has to know and hold
 * for them. Pure.
 */
import { farKey } from '../../model/datacenter.ts'
import type { ProxySettings, Service } from '../../model/service.ts'
import { type Subject, subjectKey, topics } from '../../model/topic.ts'
import type { Upstream } from '../../model/upstream.ts'

/** A sidecar or any other service instance that is a proxy, with the settings that make it one. */
export interface LocalProxy {
  readonly service: Service
  readonly proxy: ProxySettings
}

/** By service id, so that the plan has one order whatever was registered first. */
export function localProxies(services: readonly Service[]): readonly LocalProxy[] {
  return services
    .flatMap((service) => (service.proxy === undefined ? [] : [{ service, proxy: service.proxy }]))
    .sort((a, b) => (a.service.id < b.service.id ? -1 : 1))
}

/** Names of the services that these proxies speak for: each needs a certificate. */
export function meshServices(proxies: readonly LocalProxy[]): ReadonlySet<string> {
  return new Set(proxies.map(({ proxy }) => proxy.destinationServiceName))
}

/** Views that the plan is made from, in the order in which servers flush topics. */
export function subjectsWanted(services: readonly Service[], datacenter: string): readonly Subject[] {
  const proxies = localProxies(services)
  const upstreams = proxies.flatMap(({ proxy }) => proxy.upstreams)
  const subjects: Subject[] = [
    ...Array.from(meshServices(proxies), (key): Subject => ({ topic: 'intentions', key })),
    { topic: 'roots', key: '' },
    ...upstreams.map(
      (upstream): Subject =>
        isLocal(upstream, datacenter)
          ? { topic: 'mesh-health', key: upstream.destinationName }
          : { topic: 'datacenter-health', key: farKey(upstream.datacenter, upstream.destinationName) },
    ),
  ]
  const unique = new Map(subjects.map((subject) => [subjectKey(subject), subject]))
  return [...unique.values()].sort(bySubject)
}

export function isLocal(upstream: Pick<Upstream, 'datacenter'>, datacenter: string): boolean {
  return upstream.datacenter === '' || upstream.datacenter === datacenter
}

function bySubject(a: Subject, b: Subject): number {
  return topics.indexOf(a.topic) - topics.indexOf(b.topic) || (a.key < b.key ? -1 : 1)
}
