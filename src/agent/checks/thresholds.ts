/**
 * How many results in a row it takes to change a check's status. Consul's counters: both start at their threshold, so
 * the first result after the agent's start, or after a new definition, counts at once.
 */
import type { CheckDefinition, CheckStatus } from '../../model/check.ts'

export class Thresholds {
  readonly #successBeforePassing: number
  readonly #failuresBeforeWarning: number
  readonly #failuresBeforeCritical: number
  #successes: number
  #failures: number

  constructor(
    definition: Pick<
      CheckDefinition,
      'successBeforePassing' | 'failuresBeforeWarning' | 'failuresBeforeCritical'
    >,
  ) {
    this.#successBeforePassing = definition.successBeforePassing
    this.#failuresBeforeWarning = definition.failuresBeforeWarning
    this.#failuresBeforeCritical = definition.failuresBeforeCritical
    this.#successes = definition.successBeforePassing
    this.#failures = definition.failuresBeforeCritical
  }

  /** The status to show after `result`, or undefined where the one before stands. A warning counts as a success. */
  take(result: CheckStatus): CheckStatus | undefined {
    if (result !== 'critical') {
      this.#successes += 1
      this.#failures = 0
      return this.#successes >= this.#successBeforePassing ? result : undefined
    }
    this.#failures += 1
    this.#successes = 0
    if (this.#failures >= this.#failuresBeforeCritical) return 'critical'
    return this.#failures >= this.#failuresBeforeWarning ? 'warning' : undefined
  }
}
