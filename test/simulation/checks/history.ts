/**
 * What clients asked and were answered, per key, and whether there is an order in which all of it is right
 * (test/linearizability). Time is a count of calls and returns, so that nothing is equal.
 *
 * A write of unknown outcome is looked up in the log in the end: one that is not there never happened, one that is there
 * took effect when it was first applied. Without that a run with many of them could not be judged.
 */
import { decodeEnvelope } from '../../../src/wire/command.ts'
import { check, type Operation } from '../../linearizability/checker.ts'
import { type RegisterInput, type RegisterOutput, register } from '../../linearizability/register.ts'
import { hold, Violation } from '../violation.ts'
import type { Truth } from './truth.ts'

type Op = Operation<RegisterInput, RegisterOutput>

/** An operation that is under way. */
export interface Asked {
  /** Goes into the log with a write, as its principal, so that it is found again. */
  readonly id: string
  answered(output: RegisterOutput): void
  /** It surely did nothing. */
  refused(): void
  /** It may take effect at any later time, or never. */
  unknown(): void
}

interface Open {
  readonly key: string
  readonly client: number
  readonly input: RegisterInput
  readonly calledAt: number
}

export class History {
  readonly #truth: Truth
  readonly #byKey = new Map<string, Op[]>()
  readonly #unknown = new Map<string, Open>()
  readonly #refused = new Set<string>()
  #time = 0
  operations = 0

  constructor(truth: Truth) {
    this.#truth = truth
    truth.now = () => this.#time
  }

  get unknown(): number {
    return this.#unknown.size
  }

  call(key: string, client: number, input: RegisterInput): Asked {
    const calledAt = this.#tick()
    const id = `op-${calledAt}`
    return {
      id,
      answered: (output) => this.#add(key, { client, input, output, calledAt, returnedAt: this.#tick() }),
      refused: () => {
        if (input.kind !== 'read') this.#refused.add(id)
      },
      unknown: () => {
        if (input.kind !== 'read') this.#unknown.set(id, { key, client, input, calledAt })
      },
    }
  }

  check(): void {
    this.#lookUp()
    for (const [key, operations] of this.#byKey) {
      const verdict = check(register, operations)
      if (verdict.linearizable) continue
      const { stuckAt, ordered } = verdict
      const { client, input, output, calledAt, returnedAt } = stuckAt
      throw new Violation(
        'linearizability',
        `${key}: no order of its ${operations.length} operations is right; after ${ordered} of them client ${client} ` +
          `asked ${JSON.stringify(input)} and was answered ${JSON.stringify(output)} (${calledAt}-${returnedAt})`,
      )
    }
  }

  /** Goes through the log: nothing twice, nothing that was refused, and when the unknown took effect. */
  #lookUp(): void {
    const seen = new Set<string>()
    for (const { index, entry, at } of this.#truth.entries()) {
      const envelope = decodeEnvelope(entry)
      const principal = envelope.ok ? envelope.value.principal : undefined
      if (principal?.kind !== 'operator') continue
      const id = principal.name
      hold(!seen.has(id), 'write-twice', () => `${id} is in the log twice, the second time at ${index}`)
      seen.add(id)
      hold(!this.#refused.has(id), 'refused-write', () => `${id} was refused and is in the log at ${index}`)
      const open = this.#unknown.get(id)
      if (open === undefined) continue
      const { key, client, input, calledAt } = open
      this.#add(key, { client, input, output: undefined, calledAt, returnedAt: at + 0.5 })
    }
  }

  #add(key: string, operation: Op): void {
    const known = this.#byKey.get(key)
    if (known === undefined) this.#byKey.set(key, [operation])
    else known.push(operation)
    this.operations += 1
  }

  #tick(): number {
    this.#time += 1
    return this.#time
  }
}
