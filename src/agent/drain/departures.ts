/**
 * Proxies of services that were deregistered: they stay for a while, so that streams which are open end by themselves and
 * those on their way are told to go elsewhere. Whatever is registered anew in the same place goes first.
 */
import { overlaps } from '../../config/address.ts'
import { limits } from '../../model/limits.ts'
import type { InboundDrain } from '../../model/proxy-config.ts'
import type { Service } from '../../model/service.ts'
import type { Clock, Timer } from '../../platform/ports.ts'
import type { ProxyLink } from '../contract.ts'
import { listenerOf } from '../registry/registration.ts'

export interface DeparturesOptions {
  readonly clock: Clock
  readonly link: Pick<ProxyLink, 'draining'>
  readonly bindAddress: string
  readonly onChange: () => void
}

interface Departure {
  readonly service: Service
  readonly startedMs: number
  stage: InboundDrain | undefined
}

export class Departures {
  readonly #options: DeparturesOptions
  readonly #departures = new Map<string, Departure>()
  #timer: Timer | undefined

  constructor(options: DeparturesOptions) {
    this.#options = options
  }

  services(): readonly Service[] {
    return Array.from(this.#departures.values(), ({ service }) => service)
  }

  stageOf(proxyId: string): InboundDrain | undefined {
    return this.#departures.get(proxyId)?.stage
  }

  /** Told of each change of what is registered. */
  registered(before: readonly Service[], now: readonly Service[]): void {
    const present = new Set(now.map(({ id }) => id))
    const startedMs = this.#options.clock.monotonicMs()
    for (const service of before)
      if (
        service.proxy !== undefined &&
        !present.has(service.id) &&
        this.#departures.size < limits.drainsPerAgent
      )
        this.#departures.set(service.id, { service, startedMs, stage: undefined })
    if (this.#departures.size === 0) return
    this.#makeRoom(now, present)
    this.#plan()
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#departures.clear()
  }

  /** A place that is wanted again is given up at once. */
  #makeRoom(now: readonly Service[], present: ReadonlySet<string>): void {
    const { bindAddress } = this.#options
    const taken = now.flatMap((service) =>
      service.proxy === undefined ? [] : [listenerOf(service, bindAddress)],
    )
    for (const [id, { service }] of [...this.#departures]) {
      const own = listenerOf(service, bindAddress)
      const isTaken = taken.some(({ address, port }) => port === own.port && overlaps(address, own.address))
      if (present.has(id) || isTaken) this.#departures.delete(id)
    }
  }

  #plan(): void {
    if (this.#departures.size > 0)
      this.#timer ??= this.#options.clock.after(limits.drainLookMs, () => {
        this.#timer = undefined
        this.#look()
        this.#plan()
      })
  }

  #look(): void {
    const { clock, link, onChange } = this.#options
    let changed = false
    for (const [id, departure] of [...this.#departures]) {
      const ageMs = clock.monotonicMs() - departure.startedMs
      if (departure.stage === undefined && ageMs >= limits.drainSettleMs) {
        departure.stage = 'refuse'
        changed = true
      } else if (departure.stage !== undefined) {
        const { proxies, refusing, open } = link.draining(id)
        const isDone = (refusing === proxies && open === 0) || ageMs >= limits.drainMs
        // What the plan does not name any more, proxies close and cut.
        if (isDone) changed = this.#departures.delete(id)
      }
    }
    if (changed) onChange()
  }
}
