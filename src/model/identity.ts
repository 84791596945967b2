/**
 * Who a peer is: SPIFFE ids (Consul's forms) and the SNI names that go with them.
 *
 * Source: SPIFFE-ID standard (github.com/spiffe/spiffe, standards/SPIFFE-ID.md, sections 2.1 to 2.3) for the
 * syntax; Consul's path forms, so that certificates of either are read by the other.
 */
export type Identity =
  | {
      readonly kind: 'service'
      readonly trustDomain: string
      readonly datacenter: string
      readonly service: string
    }
  | {
      readonly kind: 'host'
      readonly trustDomain: string
      readonly datacenter: string
      readonly node: string
    }
  | {
      readonly kind: 'server'
      readonly trustDomain: string
      readonly datacenter: string
      readonly node: string
    }

/** Longest SPIFFE id that the standard asks implementations to accept. */
const maxSpiffeIdBytes = 2_048

export function formatSpiffeId(identity: Identity): string {
  const { trustDomain, datacenter } = identity
  switch (identity.kind) {
    case 'service':
      return `spiffe://${trustDomain}/ns/default/dc/${encodeSegment(datacenter)}/svc/${encodeSegment(identity.service)}`
    case 'host':
      return `spiffe://${trustDomain}/agent/client/dc/${encodeSegment(datacenter)}/id/${encodeSegment(identity.node)}`
    case 'server':
      return `spiffe://${trustDomain}/agent/server/dc/${encodeSegment(datacenter)}/id/${encodeSegment(identity.node)}`
  }
}

/** Undefined where `uri` is not one of the forms above; never repairs. */
export function parseSpiffeId(uri: string): Identity | undefined {
  if (uri.length > maxSpiffeIdBytes || !uri.startsWith('spiffe://')) return undefined
  const [trustDomain, ...path] = uri.slice('spiffe://'.length).split('/')
  if (trustDomain === undefined || !trustDomainPattern.test(trustDomain)) return undefined
  const segments = path.map(decodeSegment)
  if (segments.some((segment) => segment === undefined || segment === '')) return undefined
  const [a, b, c, d, e, f] = segments
  if (segments.length !== 6 || c !== 'dc' || d === undefined || f === undefined) return undefined
  if (a === 'ns' && b === 'default' && e === 'svc')
    return { kind: 'service', trustDomain, datacenter: d, service: f }
  if (a === 'agent' && b === 'client' && e === 'id')
    return { kind: 'host', trustDomain, datacenter: d, node: f }
  if (a === 'agent' && b === 'server' && e === 'id')
    return { kind: 'server', trustDomain, datacenter: d, node: f }
  return undefined
}

const trustDomainPattern = /^[a-z0-9._-]{1,255}$/

/** Unreserved characters of RFC 3986 pass, all else is percent-encoded, as Go's `url.PathEscape` would. */
function encodeSegment(text: string): string {
  return encodeURIComponent(text)
}

function decodeSegment(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

/** Trust domain of the service plane: the cluster's UUID under Consul's fixed suffix. */
export const serviceTrustDomain = (clusterId: string): string => `${clusterId}.consul`
/** Trust domain of the host plane; another name, so that a certificate of one plane can never pass in the other. */
export const hostTrustDomain = (clusterId: string): string => `host.${clusterId}.consul`

/** The name a dialler asks for (Consul's SNI form), so that gateways can route without decrypting. */
export function sniOf(service: string, datacenter: string, trustDomain: string): string {
  return `${service}.default.${datacenter}.internal.${trustDomain}`
}
