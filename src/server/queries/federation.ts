/** What this datacenter says about itself to others, and whom else it knows: nothing of it is secret. */
import type { Datacenter, DatacenterFacts, FederationFacts } from '../../model/datacenter.ts'
import type { WanMember } from '../../model/gossip-member.ts'
import { publicRoots } from '../ca/roots.ts'
import { tableRow } from '../store/indexes.ts'
import type { Row } from '../store/row.ts'
import type { View } from '../store/view.ts'
import { type Plan, single } from './plan.ts'

/** Addresses of our servers as other datacenters see them, `host:port`. */
export interface AfarPlaces {
  readonly servers: readonly string[]
  readonly gossip: readonly string[]
}

export function planFacts(view: View, places: AfarPlaces): Plan<FederationFacts> {
  const touched = (['settings', 'roots', 'servers', 'datacenters'] as const).map(tableRow)
  return {
    index: view.indexOf(touched),
    touched,
    exists: view.settings() !== undefined,
    read: () => single(factsOf(view, places)),
  }
}

export function factsOf(view: View, places: AfarPlaces): FederationFacts {
  return {
    own: ownFacts(view, places),
    others: view.datacenters().map(withoutRole),
    primary: view.primary()?.name ?? view.settings()?.datacenter ?? '',
  }
}

/** Before the cluster is founded everything but the places is empty. */
function ownFacts(view: View, { servers, gossip }: AfarPlaces): DatacenterFacts {
  const settings = view.settings()
  const evicted = Array.from(view.evictions(), ({ hostTag }) => hostTag)
  return {
    name: settings?.datacenter ?? '',
    clusterId: settings?.clusterId ?? '',
    hostRoots: publicRoots(view, 'host'),
    serviceRoots: publicRoots(view, 'service'),
    servers,
    gossip,
    ...(evicted.length === 0 ? {} : { evicted }),
  }
}

/** Field by field: a field that is added to the row must not be told to others by itself. */
function withoutRole(row: Row<Datacenter>): DatacenterFacts {
  const { name, clusterId, hostRoots, serviceRoots, servers, gossip, evicted } = row
  const facts = { name, clusterId, hostRoots, serviceRoots, servers, gossip }
  return evicted === undefined ? facts : { ...facts, evicted }
}

/** What each server said of itself; one that said nothing is reached as it is here, and gossips with nobody afar. */
export function afarPlaces(
  view: View,
  servers: readonly { readonly id: string; readonly address: string }[],
): AfarPlaces {
  const said = servers.map(({ id, address }) => ({ address, wan: view.serverInfo(id)?.wan }))
  return {
    servers: said.map(({ address, wan }) => wan?.server ?? address),
    gossip: said.flatMap(({ wan }) => (wan === undefined || wan.gossip === '' ? [] : [wan.gossip])),
  }
}

/** By what it is asked in; gossip has more to say of a member than others need. */
export function wanMember({ node, address, port, tags, presence, versions }: GossipPeer): WanMember {
  return { node, address, port, tags: Object.fromEntries(tags), presence, versions }
}

type GossipPeer = Omit<WanMember, 'tags'> & { readonly tags: ReadonlyMap<string, string> }
