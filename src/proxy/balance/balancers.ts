/**
 * One balancer per upstream, made when a connection first needs it and again when its instances or settings changed;
 * what was seen of the instances stays. So a change of configuration costs nothing for upstreams that nobody uses.
 */
import type { EndpointsResource, OutboundResource } from '../../model/proxy-config.ts'
import { Balancer } from './balancer.ts'
import { type StandingPorts, UpstreamStanding } from './standing.ts'

interface Kept {
  readonly standing: UpstreamStanding
  outbound: OutboundResource
  endpoints: EndpointsResource
  balancer: Balancer
}

/** Upstreams are looked through for those that are gone when there are more than twice as many, and this many. */
const lookFrom = 64

export class Balancers {
  private readonly ports: StandingPorts
  private readonly kept = new Map<string, Kept>()
  private lookAt = lookFrom

  constructor(ports: StandingPorts) {
    this.ports = ports
  }

  /** Upstreams that are remembered. */
  get size(): number {
    return this.kept.size
  }

  /** `configured` holds all upstreams that there are now, by name. */
  of(
    outbound: OutboundResource,
    endpoints: EndpointsResource,
    configured: ReadonlyMap<string, OutboundResource>,
  ): Balancer {
    const known = this.kept.get(outbound.name)
    if (known === undefined) return this.make(outbound, endpoints, configured)
    if (known.outbound === outbound && known.endpoints === endpoints) return known.balancer
    known.outbound = outbound
    known.endpoints = endpoints
    known.balancer = new Balancer(outbound, endpoints, known.standing)
    return known.balancer
  }

  private make(
    outbound: OutboundResource,
    endpoints: EndpointsResource,
    configured: ReadonlyMap<string, OutboundResource>,
  ): Balancer {
    if (this.kept.size >= this.lookAt) {
      for (const name of this.kept.keys()) if (!configured.has(name)) this.kept.delete(name)
      this.lookAt = Math.max(lookFrom, this.kept.size * 2)
    }
    const standing = new UpstreamStanding(outbound.name, this.ports)
    const balancer = new Balancer(outbound, endpoints, standing)
    this.kept.set(outbound.name, { standing, outbound, endpoints, balancer })
    return balancer
  }
}
