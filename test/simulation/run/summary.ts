/**
 * Sums of many runs, and how they are told: hours simulated, how fast, which rare states were reached.
 */
import { Reached, reachableStates } from '../reached.ts'
import type { Report } from './job.ts'

export class Summary {
  readonly #reached = new Reached()
  seeds = 0
  violations = 0
  #simulatedMs = 0
  #cpuMs = 0
  #events = 0
  #operations = 0
  #acknowledged = 0
  #unknown = 0

  add(report: Report): void {
    this.seeds += 1
    if (report.finding !== undefined) this.violations += 1
    this.#simulatedMs += report.simulatedMs
    this.#cpuMs += report.cpuMs
    this.#events += report.events
    this.#operations += report.operations
    this.#acknowledged += report.acknowledged
    this.#unknown += report.unknown
    this.#reached.add(report.reached)
  }

  /** Simulated time per time of a core that did nothing else. */
  get speed(): number {
    return this.#simulatedMs / Math.max(1, this.#cpuMs)
  }

  line(wallMs: number): string {
    const hours = this.#simulatedMs / 3_600_000
    const perWall = this.#simulatedMs / Math.max(1, wallMs)
    return (
      `${this.seeds} seeds, ${this.violations} violations, ${hours.toFixed(2)} simulated hours in ${(wallMs / 1_000).toFixed(0)} s ` +
      `(${perWall.toFixed(0)}x real time; ${this.speed.toFixed(0)}x per core), ${this.#events} events, ` +
      `${this.#acknowledged} writes acknowledged, ${this.#operations} operations checked, ${this.#unknown} of unknown outcome`
    )
  }

  states(): string {
    const { counts } = this.#reached
    const told = reachableStates.flatMap((state) =>
      counts.has(state) ? [`${state} ${counts.get(state)}`] : [],
    )
    const missing = this.#reached.missing()
    return `reached: ${told.join(', ')}\n${missing.length === 0 ? 'every state was reached' : `never reached: ${missing.join(', ')}`}`
  }
}
