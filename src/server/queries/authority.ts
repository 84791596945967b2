/** Queries about roots and about what a new host must know of the cluster. */
import type { CaRoots, JoinInformation, Queries } from '../../model/query.ts'
import { publicRoots, trustDomainOf } from '../events/contents.ts'
import { tableRow } from '../store/indexes.ts'
import type { View } from '../store/view.ts'
import { type Plan, single } from './plan.ts'

/** Roots of the service plane, active one first. */
export function planRoots(view: View): Plan<CaRoots> {
  const touched = [tableRow('roots')]
  return {
    index: view.indexOf(touched),
    touched,
    exists: true,
    read: () => {
      const roots = publicRoots(view)
      const activeRootId = roots.find((root) => root.active)?.id ?? ''
      return single({ activeRootId, trustDomain: trustDomainOf(view), roots })
    },
  }
}

/** Ours first, then the nearest; those of unknown distance last, by name. */
export function planDatacenters(
  view: View,
  roundTripMs: (datacenter: string) => number | undefined,
): Plan<Queries['catalog.datacenters']['answer']> {
  const touched = [tableRow('settings'), tableRow('datacenters')]
  const datacenter = view.settings()?.datacenter
  const others = view
    .datacenters()
    .map(({ name }) => ({ name, distance: roundTripMs(name) ?? Number.MAX_VALUE }))
    .sort((a, b) => a.distance - b.distance)
    .map(({ name }) => name)
  return {
    index: view.indexOf(touched),
    touched,
    exists: true,
    read: () => single(datacenter === undefined ? [] : [datacenter, ...others]),
  }
}

/** `servers` are RPC addresses. Before the cluster is founded everything but them is empty. */
export function planJoin(view: View, servers: readonly string[]): Plan<JoinInformation> {
  const touched = [tableRow('settings'), tableRow('roots')]
  const settings = view.settings()
  const pin = view.roots('host').find((root) => root.active)?.id ?? ''
  return {
    index: view.indexOf(touched),
    touched,
    exists: settings !== undefined,
    read: () =>
      single({
        clusterId: settings?.clusterId ?? '',
        datacenter: settings?.datacenter ?? '',
        hostRootPin: pin,
        servers,
      }),
  }
}
