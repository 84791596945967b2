/**
 * What clients asked and were answered, per key, and whether there is an order in which all of it is right
 * (test/linearizability). Time is a count of calls and returns, so that nothing is equal.
 */
import { check, type Operation } from '../../linearizability/checker.ts'
import { type RegisterInput, type RegisterOutput, register } from '../../linearizability/register.ts'
import { Violation } from '../violation.ts'

type Op = Operation<RegisterInput, RegisterOutput>

/** An operation that is under way. */
export interface Asked {
  answered(output: RegisterOutput): void
  /** It surely did nothing. */
  refused(): void
  /** It may take effect at any later time, or never. */
  unknown(): void
}

export class History {
  readonly #byKey = new Map<string, Op[]>()
  #time = 0
  operations = 0
  unknown = 0

  call(key: string, client: number, input: RegisterInput): Asked {
    const calledAt = this.#tick()
    const add = (output: RegisterOutput | undefined, returnedAt: number): void => {
      const known = this.#byKey.get(key)
      const operation = { client, input, output, calledAt, returnedAt }
      if (known === undefined) this.#byKey.set(key, [operation])
      else known.push(operation)
      this.operations += 1
    }
    return {
      answered: (output) => add(output, this.#tick()),
      refused: () => undefined,
      unknown: () => {
        this.unknown += 1
        // A read whose answer is unknown says nothing.
        if (input.kind !== 'read') add(undefined, Number.POSITIVE_INFINITY)
      },
    }
  }

  check(): void {
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

  #tick(): number {
    this.#time += 1
    return this.#time
  }
}
