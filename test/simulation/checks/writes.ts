/**
 * What was acknowledged is in the log at the index that was named; a stale read shows only what somebody wrote.
 */
import type { Command } from '../../../src/model/command.ts'
import { sameValue } from '../../../src/model/equality.ts'
import { decodeEnvelope } from '../../../src/wire/command.ts'
import { hold } from '../violation.ts'
import type { Truth } from './truth.ts'

export class WriteChecker {
  readonly #truth: Truth
  /** By key: values whose writes were begun. */
  readonly #called = new Map<string, Set<string>>()
  acknowledgedWrites = 0

  constructor(truth: Truth) {
    this.#truth = truth
  }

  called(key: string, value: string): void {
    const values = this.#called.get(key) ?? new Set()
    this.#called.set(key, values.add(value))
  }

  acknowledged(index: number, command: Command): void {
    this.acknowledgedWrites += 1
    const entry = this.#truth.entryAt(index)
    const envelope = entry === undefined ? undefined : decodeEnvelope(entry)
    const written = envelope?.ok === true ? envelope.value.command : undefined
    hold(
      sameValue(written, command),
      'acknowledged-write',
      () =>
        `${JSON.stringify(command)} is acknowledged at ${index}, where the log has ${JSON.stringify(written)}`,
    )
  }

  sawStale(key: string, value: string | null): void {
    if (value === null) return
    hold(
      this.#called.get(key)?.has(value) === true,
      'stale-read',
      () => `a stale read of ${key} shows ${value}, which nobody wrote there`,
    )
  }
}
