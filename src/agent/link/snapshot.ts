/**
 * The wanted state of the proxies as numbered, immutable snapshots, and the difference between two of them in the order
 * in which it must be applied. Knows no connections.
 */
import { isDeepStrictEqual } from 'node:util'
import { balancedName, trustName } from '../../model/acknowledged.ts'
import { type ProxyResource, resourceKey, resourceOrder } from '../../model/proxy-config.ts'
import type { ResourceName } from '../../wire/link/message.ts'

export interface Snapshot {
  /** Grows with each change, from 1. */
  readonly version: number
  readonly resources: ReadonlyMap<string, ProxyResource>
  /**
   * Index of the policy by destination service, of the newest maintenance by `balancedName` of each upstream, and of the roots by
   * `trustName`.
   */
  readonly policies: ReadonlyMap<string, number>
}

/** The snapshot after `previous`, or `previous` itself where nothing is different. */
export function nextSnapshot(previous: Snapshot | undefined, wanted: readonly ProxyResource[]): Snapshot {
  const resources: ProxyResource[] = []
  let changed = previous === undefined || previous.resources.size !== wanted.length
  for (const resource of wanted) {
    const key = resourceKey(resource)
    const before = previous?.resources.get(key)
    // The same object where nothing changed, so that differences are found by comparing references.
    const same = before === resource || isDeepStrictEqual(before, resource)
    resources.push(same && before !== undefined ? before : resource)
    if (!same) changed = true
  }
  if (previous !== undefined && !changed) return previous
  return snapshotOf((previous?.version ?? 0) + 1, resources)
}

/** A snapshot of exactly these resources. */
export function snapshotOf(version: number, wanted: readonly ProxyResource[]): Snapshot {
  const resources = new Map<string, ProxyResource>()
  const policies = new Map<string, number>()
  for (const resource of wanted) {
    resources.set(resourceKey(resource), resource)
    if (resource.kind === 'policy') policies.set(resource.name, resource.index)
    if (resource.kind === 'roots' && resource.index !== undefined) policies.set(trustName, resource.index)
    // Other datacenters keep their own books.
    if (resource.kind === 'endpoints' && resource.name === resource.service)
      policies.set(balancedName(resource.service), resource.maintenanceIndex ?? 0)
  }
  return { version, resources, policies }
}

/** Everything, in the order of application. */
export const inOrder = (resources: Iterable<ProxyResource>): readonly ProxyResource[] =>
  [...resources].sort((a, b) => rank(a) - rank(b))

export interface SnapshotDifference {
  readonly upserts: readonly ProxyResource[]
  readonly removes: readonly ResourceName[]
}

/** What leads from `from` to `to`: additions in resource order, removals in reverse (make before break). */
export function difference(from: Snapshot, to: Snapshot): SnapshotDifference {
  const upserts: ProxyResource[] = []
  const removes: ResourceName[] = []
  for (const [key, resource] of to.resources) if (from.resources.get(key) !== resource) upserts.push(resource)
  for (const [key, { kind, name }] of from.resources) if (!to.resources.has(key)) removes.push({ kind, name })
  return { upserts: inOrder(upserts), removes: removes.sort((a, b) => rank(b) - rank(a)) }
}

const rank = (named: ResourceName): number => resourceOrder.indexOf(named.kind)
