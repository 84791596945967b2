/** Times and sizes of the pool of a datacenter: memberlist's defaults, with what the configuration says instead. Pure. */
import type { GossipSettings } from '../../config/gossip-settings.ts'
import { lanTiming, type PoolTiming } from '../../membership/timing.ts'

export function poolTiming({
  timing,
  reconnectTimeoutMs,
}: Pick<GossipSettings, 'timing' | 'reconnectTimeoutMs'>): PoolTiming {
  return { ...lanTiming, swim: { ...lanTiming.swim, ...timing, failedKeptMs: reconnectTimeoutMs } }
}
