/**
 * Deregisters services whose check asked for it after being critical for long enough. Looks every 30 seconds, and only
 * at checks that are critical now. Source of the times: Consul's reaper.
 */
import type { Result } from '../../model/errors.ts'
import { limits } from '../../model/limits.ts'
import type { Clock, Log, Metrics, Timer } from '../../platform/ports.ts'
import type { LocalCheck } from '../contract.ts'
import type { RegistryEvent } from '../registry/events.ts'
import type { Rows } from '../registry/rows.ts'

export interface ReaperOptions {
  readonly rows: Rows
  readonly deregister: (serviceId: string) => Result<true>
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
}

export class Reaper {
  readonly #options: ReaperOptions
  readonly #criticalSinceMs = new Map<string, number>()
  #timer: Timer | undefined

  constructor(options: ReaperOptions) {
    this.#options = options
    options.rows.observe((event) => this.#follow(event))
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#criticalSinceMs.clear()
  }

  #follow(event: RegistryEvent): void {
    if (event.kind === 'check-removed') this.#criticalSinceMs.delete(event.checkId)
    if (event.kind === 'check-defined' || event.kind === 'status') this.#watch(event.check)
  }

  #watch({ definition, check }: LocalCheck): void {
    const { clock } = this.#options
    const wanted = definition.deregisterCriticalServiceAfterMs > 0 && definition.serviceId !== ''
    if (!wanted || check.status !== 'critical') this.#criticalSinceMs.delete(check.checkId)
    else if (!this.#criticalSinceMs.has(check.checkId))
      this.#criticalSinceMs.set(check.checkId, clock.monotonicMs())
    if (this.#criticalSinceMs.size > 0) this.#timer ??= clock.after(limits.reapEveryMs, () => this.#reap())
  }

  #reap(): void {
    const { clock, deregister, log, metrics, rows } = this.#options
    this.#timer = undefined
    const nowMs = clock.monotonicMs()
    for (const [checkId, sinceMs] of [...this.#criticalSinceMs]) {
      const definition = rows.check(checkId)?.definition
      // A service with several such checks is gone after the first.
      if (definition === undefined) continue
      const afterMs = Math.max(definition.deregisterCriticalServiceAfterMs, limits.reapAfterMinMs)
      if (nowMs - sinceMs < afterMs) continue
      const { serviceId } = definition
      log.warn('A service was critical for so long that it is deregistered, as its check asks', {
        service: serviceId,
        check: checkId,
      })
      metrics.count('mesh_services_reaped_total')
      const result = deregister(serviceId)
      if (!result.ok)
        log.error('A critical service could not be deregistered', {
          service: serviceId,
          reason: result.failure.message,
        })
    }
    if (this.#criticalSinceMs.size > 0) this.#timer ??= clock.after(limits.reapEveryMs, () => this.#reap())
  }
}
