/** What Serf's layer asks of the gossip below it, and whom it tells. */
import type { GossipEndpoint } from '../../model/gossip-message.ts'
import type { Clock, Log, Metrics, Random } from '../../platform/ports.ts'
import type { SwimInput } from '../../swim/input.ts'
import type { Swim } from '../../swim/swim.ts'
import type { PoolEvent } from '../contract.ts'
import type { PoolTiming } from '../timing.ts'

export interface Below {
  readonly pool: string
  readonly timing: PoolTiming
  readonly swim: Pick<Swim, 'self' | 'member' | 'members' | 'count'>
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly metrics: Metrics
  step(input: SwimInput): void
  /** One message of this layer to one member, now; may be lost. */
  send(to: GossipEndpoint, payload: Uint8Array): void
  tell(event: PoolEvent): void
}

/** Members that take part now. */
export const livingMembers = (swim: Below['swim']): number => swim.count('alive') + swim.count('suspect')
