/**
 * Another datacenter as this one knows it: which cluster it is, whom its certificates are trusted by, where its servers are.
 * Whom it is trusted with is server/federation's business; decision 0008 tells why each keeps roots of its own.
 */
import type { PublicCaRoot } from './authority.ts'
import { hostTrustDomain, serviceTrustDomain } from './identity.ts'

/** What a datacenter says about itself; nothing of it is secret. */
export interface DatacenterFacts {
  readonly name: string
  readonly clusterId: string
  readonly hostRoots: readonly PublicCaRoot[]
  readonly serviceRoots: readonly PublicCaRoot[]
  /** RPC addresses of its servers as other datacenters reach them, `host:port`. */
  readonly servers: readonly string[]
  /** Where its servers gossip with those of other datacenters, `host:port`. */
  readonly gossip: readonly string[]
  /** Tags of the hosts that it shut out (wire/x509/host-tag.ts); absent: none. */
  readonly evicted?: readonly string[]
}

export interface Datacenter extends DatacenterFacts {
  /** Intentions and their config entries belong to it; this datacenter copies them. */
  readonly isPrimary: boolean
}

/** What a server tells servers of a federated datacenter: about itself, and whom else it knows. */
export interface FederationFacts {
  readonly own: DatacenterFacts
  /** Other datacenters than its own. */
  readonly others: readonly DatacenterFacts[]
  /** Name of the datacenter that intentions belong to, its own where it is none's secondary. */
  readonly primary: string
}

/** Service-plane roots of another datacenter, as proxies need them. */
export interface FederatedRoots {
  readonly datacenter: string
  readonly trustDomain: string
  readonly roots: readonly PublicCaRoot[]
}

/**
 * Why a datacenter's description cannot be what it says: each root must be of its plane and of the trust domain that the
 * cluster id gives, or one datacenter could vouch for the names of another. Undefined where it can.
 */
export function faultOf({ name, clusterId, hostRoots, serviceRoots }: DatacenterFacts): string | undefined {
  if (name === '' || clusterId === '') return 'it has no name or no cluster id'
  const isOf = (domain: string, plane: 'host' | 'service') => (root: PublicCaRoot) =>
    root.plane === plane && root.trustDomain === domain
  if (hostRoots.length === 0 || serviceRoots.length === 0) return 'it has no roots'
  if (!hostRoots.every(isOf(hostTrustDomain(clusterId), 'host')))
    return 'it has a root of the host plane that is not of its own trust domain'
  if (!serviceRoots.every(isOf(serviceTrustDomain(clusterId), 'service')))
    return 'it has a root of the service plane that is not of its own trust domain'
  return undefined
}

/** Key of a subject about instances in another datacenter. Names of datacenters have no slash. */
export const farKey = (datacenter: string, service: string): string => `${datacenter}/${service}`

/** The two parts of such a key; undefined for a text that is none. */
export function readFarKey(
  key: string,
): { readonly datacenter: string; readonly service: string } | undefined {
  const at = key.indexOf('/')
  if (at <= 0 || at === key.length - 1) return undefined
  return { datacenter: key.slice(0, at), service: key.slice(at + 1) }
}
