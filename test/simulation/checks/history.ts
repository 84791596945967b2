/**
 * What clients asked and were answered, per key, and whether there is an order in which all of it is right
 * (test/linearizability). Time is a count of calls and returns, so that nothing is equal.
 *
 * A write of unknown outcome is looked up in the log in the end: one that is not there never happened, one that is there
 * took effect when it was first applied: nobody can have seen it before, and a read that begins later must see it.
 * Without that a run with many of them could not be judged.
 */
import { decodeEnvelope } from '../../../src/wire/command.ts'
import { check, type Operation } from '../../linearizability/checker.ts'
import { type RegisterInput, type RegisterOutput, register } from '../../linearizability/register.ts'
import { hold, Violation } from '../violation.ts'
import type { Truth } from './truth.ts'

/** Right histories of a minute need a few thousand; wrong ones could take hours. */
const configurationsMax = 500_000

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
}

export class History {
  readonly #truth: Truth
  readonly #byKey = new Map<string, Op[]>()
  /** Writes without an answer. */
  readonly #open = new Map<string, Open>()
  readonly #refused = new Set<string>()
  #time = 0
  operations = 0
  unknown = 0

  constructor(truth: Truth) {
    this.#truth = truth
    truth.now = () => this.#time
  }

  call(key: string, client: number, input: RegisterInput): Asked {
    const calledAt = this.#tick()
    const id = `op-${calledAt}`
    // Also one that is still under way when the run ends has no known outcome.
    if (input.kind !== 'read') this.#open.set(id, { key, client, input })
    return {
      id,
      answered: (output) => {
        this.#open.delete(id)
        this.#add(key, { client, input, output, calledAt, returnedAt: this.#tick() })
      },
      refused: () => {
        this.#open.delete(id)
        if (input.kind !== 'read') this.#refused.add(id)
      },
      unknown: () => {
        if (input.kind !== 'read') this.unknown += 1
      },
    }
  }

  check(): void {
    this.#lookUp()
    for (const [key, operations] of this.#byKey) {
      const verdict = check(register, operations, configurationsMax)
      if (verdict.linearizable) continue
      const { stuckAt, ordered, isUndecided } = verdict
      const { client, input, output, calledAt, returnedAt } = stuckAt
      throw new Violation(
        'linearizability',
        `${key}: no order of its ${operations.length} operations is right${isUndecided ? ', as far as was searched' : ''}; after ${ordered} of them client ${client} ` +
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
      const open = this.#open.get(id)
      if (open === undefined) continue
      const { key, client, input } = open
      // Within one count of time in the order of the log.
      const effectAt = at + index / 1e9
      this.#add(key, { client, input, output: undefined, calledAt: effectAt, returnedAt: effectAt })
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
