/**
 * What clients asked and were answered, per key, and whether there is an order in which all of it is right
 * (test/linearizability). Time is a count of calls and returns, so that nothing is equal.
 *
 * Writes are looked up in the log in the end. One that is not there never happened; one that is there took effect when
 * it was first applied: nobody can have seen it before, and a read that begins later must see it. That is sharper than
 * the time between call and answer, and a run with many writes that were never answered could not be judged without it.
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

interface Write {
  readonly key: string
  readonly client: number
  readonly input: RegisterInput
  readonly calledAt: number
  /** Undefined: no answer, or none yet when the run ended. */
  answer: { readonly output: RegisterOutput; readonly returnedAt: number } | undefined
  isRefused: boolean
}

export class History {
  readonly #truth: Truth
  readonly #byKey = new Map<string, Op[]>()
  readonly #writes = new Map<string, Write>()
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
    if (input.kind === 'read')
      return {
        id,
        answered: (output) => this.#add(key, { client, input, output, calledAt, returnedAt: this.#tick() }),
        refused: () => undefined,
        unknown: () => undefined,
      }
    const write: Write = { key, client, input, calledAt, answer: undefined, isRefused: false }
    this.#writes.set(id, write)
    return {
      id,
      answered: (output) => {
        write.answer = { output, returnedAt: this.#tick() }
      },
      refused: () => {
        write.isRefused = true
      },
      unknown: () => {
        this.unknown += 1
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
        `${key}: no order of its ${operations.length} operations is right${isUndecided ? ', as far as was searched' : ''}; ` +
          `after ${ordered} of them client ${client} ` +
          `asked ${JSON.stringify(input)} and was answered ${JSON.stringify(output)} (${calledAt}-${returnedAt})`,
      )
    }
  }

  /** Goes through the log: nothing twice, nothing that was refused, everything that was answered, and when. */
  #lookUp(): void {
    const seen = new Set<string>()
    for (const { index, entry, at } of this.#truth.entries()) {
      const envelope = decodeEnvelope(entry)
      const principal = envelope.ok ? envelope.value.principal : undefined
      const id = principal?.kind === 'operator' ? principal.name : ''
      const write = this.#writes.get(id)
      if (write === undefined) continue
      hold(!seen.has(id), 'write-twice', () => `${id} is in the log twice, the second time at ${index}`)
      seen.add(id)
      hold(!write.isRefused, 'refused-write', () => `${id} was refused and is in the log at ${index}`)
      this.#takesEffect(write, index, at)
    }
    for (const [id, { answer, key }] of this.#writes)
      hold(
        answer === undefined || seen.has(id),
        'acknowledged-write',
        () => `${id}, a write of ${key}, was answered and is not in the log`,
      )
  }

  #takesEffect({ key, client, input, answer }: Write, index: number, at: number): void {
    // Within one count of time in the order of the log.
    const effectAt = at + index / 1e9
    hold(
      answer === undefined || answer.returnedAt > effectAt,
      'acknowledged-write',
      () => `a write of ${key} was answered before anybody had applied it, at ${index}`,
    )
    this.#add(key, { client, input, output: answer?.output, calledAt: effectAt, returnedAt: effectAt })
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
