/**
 * What a proxy has seen of the instances of one upstream: open connections, failures in a row, and who is left out until
 * when. It outlives changes of the instance list. Times are monotonic; knows nothing of the order of choice.
 */
import type { BalanceSettings } from '../../model/balance.ts'
import { limits } from '../../model/limits.ts'
import type { Endpoint } from '../../model/proxy-config.ts'
import type { Clock, Log, Random } from '../../platform/ports.ts'

export interface InstanceStanding {
  /** Connections and openings of this upstream. */
  active: number
  failuresInRow: number
  /** Times in a row that it was left out. */
  times: number
  /** 0: was never left out. */
  outUntilMs: number
}

export interface StandingPorts {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

export class UpstreamStanding {
  /** Connections and openings, of all instances. */
  open = 0
  pending = 0
  /** Grows with each instance that is left out: what was chosen before may not hold any more. */
  generation = 0
  private readonly name: string
  private readonly ports: StandingPorts
  private readonly instances = new Map<string, InstanceStanding>()

  /** `name` is the outbound resource, for the log. */
  constructor(name: string, ports: StandingPorts) {
    this.name = name
    this.ports = ports
  }

  nowMs(): number {
    return this.ports.clock.monotonicMs()
  }

  fraction(): number {
    return this.ports.random.fraction()
  }

  of(id: string): InstanceStanding {
    const known = this.instances.get(id)
    if (known !== undefined) return known
    const made = { active: 0, failuresInRow: 0, times: 0, outUntilMs: 0 }
    this.instances.set(id, made)
    return made
  }

  /** Forgets instances that are neither listed nor used. */
  keep(listed: readonly Endpoint[]): void {
    const ids = new Set(listed.map(({ id }) => id))
    for (const [id, standing] of this.instances)
      if (standing.active === 0 && !ids.has(id)) this.instances.delete(id)
  }

  failed(id: string, settings: BalanceSettings, listed: readonly Endpoint[]): void {
    const standing = this.of(id)
    standing.failuresInRow += 1
    const { maxFailures, enforcingPercent } = settings.ejection
    if (maxFailures === 0 || standing.failuresInRow < maxFailures) return
    standing.failuresInRow = 0
    if (this.fraction() * 100 >= enforcingPercent) return
    this.leaveOut(id, standing, settings, listed)
  }

  private leaveOut(
    id: string,
    standing: InstanceStanding,
    { ejection }: BalanceSettings,
    listed: readonly Endpoint[],
  ): void {
    const nowMs = this.nowMs()
    if (standing.outUntilMs > nowMs) return
    const out = listed.filter((endpoint) => this.of(endpoint.id).outUntilMs > nowMs).length
    if (out >= mayBeOut(listed.length, ejection.maxPercent)) return
    const forgiven =
      standing.outUntilMs === 0 ? 0 : Math.floor((nowMs - standing.outUntilMs) / ejection.intervalMs)
    standing.times = Math.max(0, standing.times - forgiven) + 1
    const forMs = Math.min(
      ejection.baseMs * standing.times,
      Math.max(limits.ejectionLongestMs, ejection.baseMs),
    )
    standing.outUntilMs = nowMs + forMs
    this.generation += 1
    this.ports.log.warn('an instance that keeps failing is left out', {
      upstream: this.name,
      instance: id,
      failures: ejection.maxFailures,
      forMs,
    })
  }
}

/** A share that comes to less than one instance still lets one go, as in Envoy; the only instance never. */
function mayBeOut(instances: number, maxPercent: number): number {
  if (instances < 2 || maxPercent === 0) return 0
  return Math.max(1, Math.floor((instances * maxPercent) / 100))
}
