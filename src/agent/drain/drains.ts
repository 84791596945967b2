/**
 * All that is on its way out of use on this host: instances that an operator drains and those that were deregistered. The
 * plan asks here what proxies shall do with them; the API begins, shows and undoes drains.
 */
import { failed, ok, type Result } from '../../model/errors.ts'
import { limits } from '../../model/limits.ts'
import type { InboundDrain } from '../../model/proxy-config.ts'
import type { Service } from '../../model/service.ts'
import type { Clock, Log, Metrics } from '../../platform/ports.ts'
import type { ServerClient } from '../../rpc/contract.ts'
import type { LocalRegistry, ProxyLink } from '../contract.ts'
import type { PlanDrains } from '../plan/driver.ts'
import { maintenanceCheckId, proxiesOf } from '../registry/maintenance.ts'
import type { DrainControl, DrainProgress } from './contract.ts'
import { Departures } from './departures.ts'
import { Drain } from './drain.ts'
import { KnownBy } from './known-by.ts'

export interface DrainsOptions {
  readonly node: string
  readonly bindAddress: string
  readonly registry: LocalRegistry
  readonly link: Pick<ProxyLink, 'draining'>
  readonly read: ServerClient['read']
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
}

export class Drains implements PlanDrains, DrainControl {
  readonly #options: DrainsOptions
  readonly #drains = new Map<string, Drain>()
  readonly #departures: Departures
  readonly #listeners: (() => void)[] = []

  constructor(options: DrainsOptions) {
    this.#options = options
    this.#departures = new Departures({ ...options, onChange: () => this.#changed() })
    options.registry.onChange(() => this.#dropUndone())
  }

  begin(serviceId: string, { timeoutMs, reason }: { timeoutMs: number; reason: string }): Result<true> {
    const { registry, log, metrics } = this.#options
    if (!this.#drains.has(serviceId) && this.#drains.size >= limits.drainsPerAgent)
      return failed('overloaded', `${limits.drainsPerAgent} services are drained here already`)
    const out = registry.setMaintenance(serviceId, { reason })
    if (!out.ok) return out
    this.#drains.get(serviceId)?.stop()
    log.info('A drain begins', { service: serviceId, timeoutMs, reason })
    metrics.count('mesh_drains_total')
    this.#drains.set(serviceId, this.#start(serviceId, timeoutMs))
    this.#changed()
    return ok(true)
  }

  undo(serviceId: string): Result<true> {
    const { registry, log } = this.#options
    if (registry.check(maintenanceCheckId(serviceId)) === undefined)
      return failed(
        'not-found',
        serviceId === '' ? 'this host is in use' : `service "${serviceId}" is in use`,
      )
    const back = registry.setMaintenance(serviceId, undefined)
    if (back.ok) log.info('A drain is undone', { service: serviceId })
    this.#dropUndone()
    return back
  }

  progress(serviceId: string): DrainProgress | undefined {
    return this.#drains.get(serviceId)?.progress()
  }

  registered(before: readonly Service[], now: readonly Service[]): void {
    this.#departures.registered(before, now)
  }

  departing(): readonly Service[] {
    return this.#departures.services()
  }

  /** The whole host counts for each of its services. */
  drainOf(proxyId: string): InboundDrain | undefined {
    const stages: (InboundDrain | undefined)[] = [this.#departures.stageOf(proxyId)]
    for (const drain of this.#drains.values()) if (drain.proxies.includes(proxyId)) stages.push(drain.stage)
    return stages.includes('cut') ? 'cut' : stages.find((stage) => stage !== undefined)
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener)
  }

  stop(): void {
    this.#departures.stop()
    for (const drain of this.#drains.values()) drain.stop()
    this.#drains.clear()
  }

  #start(serviceId: string, timeoutMs: number): Drain {
    const { registry, clock, link, log } = this.#options
    const proxies = serviceId === '' ? allProxies(registry) : ownProxies(registry, serviceId)
    return new Drain({
      serviceId,
      proxies,
      timeoutMs,
      clock,
      link,
      follow: (onChange) => this.#follow(serviceId, proxies, onChange),
      onStage: () => this.#changed(),
      onDrained: ({ cut }) => log.info('A drain is done', { service: serviceId, cut }),
    })
  }

  #follow(serviceId: string, proxies: readonly string[], onChange: () => void): readonly KnownBy[] {
    const { node, registry, read, clock } = this.#options
    const destinations = new Map<string, string>()
    for (const id of proxies) {
      const name = registry.service(id)?.service.proxy?.destinationServiceName
      if (name !== undefined) destinations.set(name, maintenanceCheckId(serviceId === '' ? '' : id))
    }
    return Array.from(
      destinations,
      ([destination, checkId]) => new KnownBy({ node, checkId, destination, read, clock, onChange }),
    )
  }

  /** Maintenance may be ended by other ways than `undo`, and goes with its service. */
  #dropUndone(): void {
    let dropped = false
    for (const [serviceId, drain] of [...this.#drains]) {
      if (this.#options.registry.check(maintenanceCheckId(serviceId)) !== undefined) continue
      drain.stop()
      dropped = this.#drains.delete(serviceId)
    }
    if (dropped) this.#changed()
  }

  #changed(): void {
    for (const listener of this.#listeners) listener()
  }
}

function allProxies(registry: Pick<LocalRegistry, 'services'>): readonly string[] {
  return registry.services().flatMap(({ service }) => (service.proxy === undefined ? [] : [service.id]))
}

/** Of a service its proxies; a proxy is its own. */
function ownProxies(registry: LocalRegistry, serviceId: string): readonly string[] {
  const isProxy = registry.service(serviceId)?.service.proxy !== undefined
  return isProxy ? [serviceId] : proxiesOf(registry, serviceId)
}
