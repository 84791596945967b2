/**
 * TTL checks: the service speaks for itself, and silence for longer than the TTL makes it critical. Heartbeats come
 * through the registry; this file only holds the clocks.
 */
import type { Clock, Timer } from '../../platform/ports.ts'
import type { LocalCheck } from '../contract.ts'
import type { RegistryEvent } from '../registry/events.ts'
import type { Rows } from '../registry/rows.ts'

interface Life {
  dueMs: number
  timer: Timer
}

export class TtlChecks {
  readonly #rows: Rows
  readonly #clock: Clock
  readonly #lives = new Map<string, Life>()

  /** Follows every TTL check that is defined in `rows` from now on. */
  constructor(rows: Rows, clock: Clock) {
    this.#rows = rows
    this.#clock = clock
    rows.observe((event) => this.#follow(event))
  }

  stop(): void {
    for (const life of this.#lives.values()) life.timer.cancel()
    this.#lives.clear()
  }

  #follow(event: RegistryEvent): void {
    if (event.kind === 'check-removed') this.#forget(event.checkId)
    if (event.kind === 'check-defined') {
      this.#forget(event.check.check.checkId)
      this.#arm(event.check, event.ttlLeftMs)
    }
    if (event.kind === 'heartbeat') this.#extend(event.check)
  }

  #arm({ definition }: LocalCheck, leftMs: number): void {
    const { checkId, probe } = definition
    if (probe.type !== 'ttl') return
    const timer = this.#clock.after(leftMs, () => this.#wake(checkId))
    this.#lives.set(checkId, { dueMs: this.#clock.monotonicMs() + leftMs, timer })
  }

  /** Only the due time moves: a heartbeat each second must not cost a new timer each second. */
  #extend(row: LocalCheck): void {
    const { checkId, probe } = row.definition
    if (probe.type !== 'ttl') return
    const life = this.#lives.get(checkId)
    if (life === undefined) this.#arm(row, probe.ttlMs)
    else life.dueMs = this.#clock.monotonicMs() + probe.ttlMs
  }

  #wake(checkId: string): void {
    const life = this.#lives.get(checkId)
    if (life === undefined) return
    const leftMs = life.dueMs - this.#clock.monotonicMs()
    if (leftMs > 0) {
      life.timer = this.#clock.after(leftMs, () => this.#wake(checkId))
      return
    }
    this.#lives.delete(checkId)
    const output = this.#rows.check(checkId)?.check.output ?? ''
    this.#rows.report(checkId, 'critical', expiredOutput(output))
  }

  #forget(checkId: string): void {
    this.#lives.get(checkId)?.timer.cancel()
    this.#lives.delete(checkId)
  }
}

/** Consul's words; what the service said last is often the reason why it fell silent. */
export function expiredOutput(lastOutput: string): string {
  return lastOutput === '' ? 'TTL expired' : `TTL expired (last output before timeout follows): ${lastOutput}`
}
