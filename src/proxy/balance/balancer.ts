/**
 * Chooses an instance of a destination for each connection: round robin by weight over instances that pass or warn;
 * where none is left, those whose host is merely out of sight; a critical one never. Knows no sockets and no failures:
 * the caller says which instances it has tried.
 */
import type { Endpoint, EndpointsResource } from '../../model/proxy-config.ts'
import { createSchedule, type Schedule } from './schedule.ts'

interface Tier {
  readonly instances: readonly Endpoint[]
  readonly schedule: Schedule
}

export interface Balancer {
  readonly service: string
  readonly datacenter: string
  /** The next instance that is not in `tried`; undefined where there is none. */
  pick(tried: readonly string[]): Endpoint | undefined
  /** Instances that could be tried at all. */
  readonly usable: number
}

/** `start` is any whole number from 0: where the first round begins. */
export function createBalancer(endpoints: EndpointsResource, start: number): Balancer {
  // Consul: an instance with weight 0 gets no traffic.
  const usable = endpoints.instances.filter(
    (instance) => instance.weight > 0 && instance.health !== 'critical',
  )
  const tiers = [
    usable.filter((instance) => instance.health !== 'host-unreachable'),
    usable.filter((instance) => instance.health === 'host-unreachable'),
  ]
    .filter((instances) => instances.length > 0)
    .map((instances) => ({
      instances,
      schedule: createSchedule(
        instances.map((instance) => instance.weight),
        start,
      ),
    }))
  return {
    service: endpoints.service,
    datacenter: endpoints.datacenter,
    usable: usable.length,
    pick(tried) {
      for (const tier of tiers) {
        const instance = pickFrom(tier, tried)
        if (instance !== undefined) return instance
      }
      return undefined
    },
  }
}

function pickFrom(tier: Tier, tried: readonly string[]): Endpoint | undefined {
  const { instances, schedule } = tier
  // At most `tried.length` turns can fall on tried instances that weigh the same; heavier ones are passed over below.
  for (let turn = 0; turn <= tried.length; turn += 1) {
    const instance = instances[schedule.next()]
    if (instance !== undefined && !tried.includes(instance.id)) return instance
  }
  return instances.find((instance) => !tried.includes(instance.id))
}
