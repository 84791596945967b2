/**
 * The part of a snapshot that one proxy asked for: what one service needs, or only which listeners there are. Made once per
 * snapshot; knows no connections.
 */
import type { ProxyResource } from '../../model/proxy-config.ts'
import type { LinkPart } from '../../wire/link/message.ts'
import { type Snapshot, snapshotOf } from './snapshot.ts'

/** The resources of one snapshot by who gets them. */
interface Split {
  readonly shared: readonly ProxyResource[]
  readonly listeners: readonly ProxyResource[]
  readonly services: ReadonlyMap<string, readonly ProxyResource[]>
  /** Parts that were asked for already. */
  readonly parts: Map<string, Snapshot>
}

const splits = new WeakMap<Snapshot, Split>()

/** `snapshot` as a proxy with that part sees it, under the same version; undefined means all of it. */
export function partOf(snapshot: Snapshot, part: LinkPart | undefined): Snapshot {
  if (part === undefined) return snapshot
  const split = splits.get(snapshot) ?? splitUp(snapshot)
  splits.set(snapshot, split)
  const key = part.kind === 'service' ? `service ${part.service}` : part.kind
  const known = split.parts.get(key)
  if (known !== undefined) return known
  const resources =
    part.kind === 'service' ? [...split.shared, ...(split.services.get(part.service) ?? [])] : split.listeners
  const made = snapshotOf(snapshot.version, resources)
  split.parts.set(key, made)
  return made
}

function splitUp({ resources }: Snapshot): Split {
  const shared: ProxyResource[] = []
  const listeners: ProxyResource[] = []
  const services = new Map<string, ProxyResource[]>()
  const callers = new Map<string, Set<string>>()
  const give = (service: string, resource: ProxyResource): void => {
    const own = services.get(service)
    if (own === undefined) services.set(service, [resource])
    else own.push(resource)
  }
  for (const resource of resources.values()) {
    const place = placeOf(resource)
    if (place.kind === 'shared') shared.push(resource)
    else if (place.kind === 'service') give(place.service, resource)
    if (place.kind === 'service' && place.listens) listeners.push(resource)
    if (resource.kind !== 'outbound') continue
    const known = callers.get(resource.target) ?? new Set<string>()
    callers.set(resource.target, known.add(resource.service))
  }
  for (const resource of resources.values())
    if (placeOf(resource).kind === 'callers')
      for (const service of callers.get(resource.name) ?? []) give(service, resource)
  return { shared, listeners, services, parts: new Map() }
}

type Place =
  | { readonly kind: 'shared' }
  | { readonly kind: 'service'; readonly service: string; readonly listens: boolean }
  /** Goes to every service with an upstream of that name. */
  | { readonly kind: 'callers' }

function placeOf(resource: ProxyResource): Place {
  switch (resource.kind) {
    case 'roots':
      return { kind: 'shared' }
    case 'leaf':
    case 'policy':
      return { kind: 'service', service: resource.name, listens: false }
    case 'endpoints':
      return { kind: 'callers' }
    case 'inbound':
    case 'outbound':
    case 'exposed':
      return { kind: 'service', service: resource.service, listens: true }
  }
}
