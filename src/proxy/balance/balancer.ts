/**
 * Chooses an instance of an upstream's target for each connection. Better tiers first: in service before merely out of
 * sight, near before far where that is preferred; those that keep failing last; a critical one never. Within a tier
 * order.ts decides. The caller tells how each choice went.
 */
import { type BalanceSettings, defaultBalance } from '../../model/balance.ts'
import type { Endpoint, EndpointsResource, OutboundResource } from '../../model/proxy-config.ts'
import { type RefusalCode, refusalCatalogue } from '../../model/refusal.ts'
import { type Candidate, createOrder, type Order } from './order.ts'
import type { UpstreamStanding } from './standing.ts'

/** Refusals that say nothing against the instance: it goes on purpose, or has enough to do. */
const blameless: ReadonlySet<RefusalCode> = new Set(['draining', 'too-many-connections'])

export class Balancer {
  readonly service: string
  readonly datacenter: string
  /** Of the instances; absent: that of the caller. */
  readonly trustDomain: string | undefined
  /** Instances that could be tried at all. */
  readonly usable: number
  private readonly settings: BalanceSettings
  private readonly standing: UpstreamStanding
  private readonly instances: readonly Endpoint[]
  private orders: readonly Order[] = []
  /** When and for which generation of the standing `orders` were made. */
  private validUntilMs = 0
  private generation = -1

  constructor(
    outbound: Pick<OutboundResource, 'balance'>,
    endpoints: EndpointsResource,
    standing: UpstreamStanding,
  ) {
    this.service = endpoints.service
    this.datacenter = endpoints.datacenter
    this.trustDomain = endpoints.trustDomain
    this.settings = outbound.balance ?? defaultBalance
    this.standing = standing
    // Consul: an instance with weight 0 gets no traffic.
    this.instances = endpoints.instances.filter(
      (instance) => instance.weight > 0 && instance.health !== 'critical',
    )
    this.usable = this.instances.length
    standing.keep(endpoints.instances)
  }

  /** Which limit of the upstream a further connection would break, in words; '' where none. */
  full(): string {
    const { maxConnections, maxPending } = this.settings
    const { open, pending } = this.standing
    if (maxConnections > 0 && open >= maxConnections)
      return `max_connections = ${maxConnections} of the upstream is reached`
    if (maxPending > 0 && pending >= maxPending)
      return `max_pending_requests = ${maxPending} of the upstream is reached`
    return ''
  }

  /**
   * The next instance that is not in `tried`, counted as busy until `failed`, `cancelled` or `released`; undefined where
   * there is none.
   */
  pick(tried: readonly string[]): Endpoint | undefined {
    this.refresh()
    for (const order of this.orders) {
      const candidate = order.pick(tried)
      if (candidate === undefined) continue
      candidate.standing.active += 1
      return candidate.endpoint
    }
    return undefined
  }

  accepted(endpoint: Endpoint): void {
    this.standing.of(endpoint.id).failuresInRow = 0
  }

  /** `code`: what became of the choice. */
  failed(endpoint: Endpoint, code: RefusalCode): void {
    this.released(endpoint)
    // Refusals of the caller say as much for the instance as an acceptance.
    if (!refusalCatalogue[code].tryNext) this.accepted(endpoint)
    else if (!blameless.has(code)) this.standing.failed(endpoint.id, this.settings, this.instances)
  }

  /** The connection is over, or nobody waits for the opening any more. */
  released(endpoint: Endpoint): void {
    this.standing.of(endpoint.id).active -= 1
  }

  /** A connection of this upstream begins, as an opening. */
  began(): void {
    this.standing.open += 1
    this.standing.pending += 1
  }

  /** Its opening is over, however it went. */
  opened(): void {
    this.standing.pending -= 1
  }

  /** It is over altogether. */
  ended(): void {
    this.standing.open -= 1
  }

  /** Tiers are made anew only when an instance was left out or comes back: that is rare, and choices are many. */
  private refresh(): void {
    const { standing } = this
    const isOld = this.validUntilMs !== Infinity && standing.nowMs() >= this.validUntilMs
    if (this.generation === standing.generation && !isOld) return
    const nowMs = standing.nowMs()
    const tiers = new Map<number, Candidate[]>()
    let validUntilMs = Infinity
    for (const endpoint of this.instances) {
      const candidate = { endpoint, standing: standing.of(endpoint.id) }
      const { outUntilMs } = candidate.standing
      const isOut = outUntilMs > nowMs
      if (isOut) validUntilMs = Math.min(validUntilMs, outUntilMs)
      const rank = rankOf(endpoint, this.settings, isOut)
      const tier = tiers.get(rank)
      if (tier === undefined) tiers.set(rank, [candidate])
      else tier.push(candidate)
    }
    this.orders = [...tiers]
      .sort(([a], [b]) => a - b)
      .map(([, candidates]) => createOrder(this.settings.policy, candidates, () => standing.fraction()))
    this.validUntilMs = validUntilMs
    this.generation = standing.generation
  }
}

/** Lower is better. That an instance keeps failing weighs more than where its host is, and both more than distance. */
function rankOf(endpoint: Endpoint, settings: BalanceSettings, isOut: boolean): number {
  return (isOut ? 8 : 0) + (endpoint.health === 'host-unreachable' ? 4 : 0) + distanceOf(endpoint, settings)
}

function distanceOf({ nearness }: Endpoint, { prefer }: BalanceSettings): number {
  switch (prefer) {
    case 'none':
      return 0
    case 'zone':
      return nearness === undefined ? 1 : 0
    case 'host':
      return nearness === 'host' ? 0 : nearness === 'zone' ? 1 : 2
  }
}
