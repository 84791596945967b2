/** From the instances that the server told of to the endpoints that a proxy balances over. Pure. */
import type { Settings } from '../../config/settings.ts'
import { aggregateStatus, isMaintenance, memberCheckId } from '../../model/check.ts'
import { type Node, zoneKey } from '../../model/node.ts'
import type { Endpoint, EndpointHealth } from '../../model/proxy-config.ts'
import type { ServiceEntry } from '../../model/service.ts'
import type { EventBody } from '../../model/topic.ts'

/** From whose proxy instances are near or far. */
export interface Host {
  readonly node: string
  /** What its `node_meta` says under `zone`; '' where it says nothing. */
  readonly zone: string
}

export const hostOf = (settings: Pick<Settings, 'nodeName' | 'nodeMeta'>): Host => ({
  node: settings.nodeName,
  zone: settings.nodeMeta[zoneKey] ?? '',
})

/**
 * In the order of the view, which is that of node and service id; an instance without a port cannot be reached and is left
 * out. `failedHosts`: what this host's own gossip found, which the servers may not have told yet.
 */
export function endpointsOf(
  bodies: readonly EventBody[],
  host: Host,
  failedHosts: ReadonlySet<string>,
): readonly Endpoint[] {
  return bodies.flatMap((body) =>
    body.topic === 'mesh-health' && body.op === 'upsert' ? endpointOf(body.entry, host, failedHosts) : [],
  )
}

const hostsOfBodies = new WeakMap<readonly EventBody[], ReadonlySet<string>>()

/** Which of the failed hosts have instances here, as one text: equal texts give equal endpoints. Costs what has failed. */
export function failedAmong(bodies: readonly EventBody[], failedHosts: ReadonlySet<string>): string {
  if (failedHosts.size === 0) return ''
  let hosts = hostsOfBodies.get(bodies)
  if (hosts === undefined) {
    hosts = new Set(
      bodies.flatMap((body) =>
        body.topic === 'mesh-health' && body.op === 'upsert' ? [body.entry.node.name] : [],
      ),
    )
    hostsOfBodies.set(bodies, hosts)
  }
  const here = hosts
  return [...failedHosts]
    .filter((node) => here.has(node))
    .sort()
    .join('\n')
}

function endpointOf(entry: ServiceEntry, host: Host, failedHosts: ReadonlySet<string>): readonly Endpoint[] {
  const { node, service } = entry
  if (service.port === 0) return []
  const known = healthOf(entry)
  const health = known !== 'critical' && failedHosts.has(node.name) ? 'host-unreachable' : known
  const isFull = health === 'passing' || (health === 'host-unreachable' && ownStatus(entry) === 'passing')
  return [
    {
      id: `${node.name}/${service.id}`,
      node: node.name,
      address: service.address === '' ? node.address : service.address,
      port: service.port,
      health,
      weight: isFull ? service.weights.passing : service.weights.warning,
      ...nearnessOf(node, host),
    },
  ]
}

function nearnessOf({ name, meta }: Node, host: Host): Pick<Endpoint, 'nearness'> {
  if (name === host.node) return { nearness: 'host' }
  return host.zone !== '' && meta[zoneKey] === host.zone ? { nearness: 'zone' } : {}
}

/** Log index of the newest maintenance among these instances; undefined where none is in maintenance. */
export function maintenanceIndexOf(bodies: readonly EventBody[]): number | undefined {
  let newest: number | undefined
  for (const body of bodies) {
    if (body.topic !== 'mesh-health' || body.op !== 'upsert') continue
    for (const check of body.entry.checks)
      if (isMaintenance(check.checkId)) newest = Math.max(newest ?? 0, check.modifyIndex)
  }
  return newest
}

/** Checks other than membership: what the host itself found. */
function ownStatus(entry: ServiceEntry): ReturnType<typeof aggregateStatus> {
  return aggregateStatus(entry.checks.filter((check) => check.checkId !== memberCheckId))
}

function healthOf(entry: ServiceEntry): EndpointHealth {
  const own = ownStatus(entry)
  // An instance in maintenance was taken out on purpose, whatever its checks say.
  if (own === 'critical' || own === 'maintenance') return 'critical'
  const member = entry.checks.find((check) => check.checkId === memberCheckId)
  return member?.status === 'critical' ? 'host-unreachable' : own
}
