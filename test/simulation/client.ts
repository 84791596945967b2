/**
 * Clients that write and read the things of subjects.ts, at any server, conditionally or not. Each written value is
 * unique, so that an answer names the write that it saw.
 */
import type { Command } from '../../src/model/command.ts'
import type { Failure, Result } from '../../src/model/errors.ts'
import type { Consistency, QueryName, ReadAnswer } from '../../src/model/query.ts'
import type { Written } from '../../src/server/admission/admission.ts'
import type { RegisterInput } from '../linearizability/register.ts'
import { type Calls, surelyNotMade } from './calls.ts'
import type { Asked, History } from './checks/history.ts'
import type { WriteChecker } from './checks/writes.ts'
import type { SeededRandom } from './random.ts'
import type { SimulatedServer, World } from './server.ts'
import { type Subject, subjects } from './subjects.ts'
import { kinds } from './trace.ts'

const callTimeoutMs = 5_000
const attemptsMax = 4
/** Share of acknowledged writes that are read back at once, at any server. */
const readAfterWrite = 0.25

interface Attempt {
  readonly id: string
  readonly server: SimulatedServer | undefined
  readonly attempts: number
}

export interface ClientPorts {
  readonly world: World
  readonly calls: Calls
  readonly history: History
  readonly writes: WriteChecker
  readonly random: SeededRandom
}

export class SimulatedClient {
  readonly #ports: ClientPorts
  readonly #number: number
  #written = 0
  /** By key: what this client saw last, for conditional writes. */
  readonly #seen = new Map<string, { readonly value: string; readonly index: number } | null>()

  constructor(ports: ClientPorts, number: number) {
    this.#ports = ports
    this.#number = number
  }

  write(): void {
    const { random } = this.#ports
    const subject = random.pick(subjects)
    const seen = this.#seen.get(subject.key)
    if (random.chance(0.15)) this.#change(subject, { kind: 'delete' }, subject.remove())
    else if (subject.hasCas && seen !== undefined && random.chance(0.7)) {
      const value = this.#nextValue()
      const input: RegisterInput = { kind: 'cas', expected: seen?.value ?? null, value }
      this.#change(subject, input, subject.put(value, seen?.index ?? 0))
    } else {
      const value = this.#nextValue()
      this.#change(subject, { kind: 'write', value }, subject.put(value, undefined))
    }
  }

  read(): void {
    const { random } = this.#ports
    const subject = random.pick(subjects)
    const consistency = random.pick(['default', 'default', 'consistent', 'stale'] as const)
    this.readFrom(this.#ports.calls.pick(), subject, consistency, () => undefined)
  }

  /** `done` hears whether there was an answer. */
  readFrom(
    server: SimulatedServer | undefined,
    subject: Subject,
    consistency: Consistency,
    done: (answered: boolean) => void,
  ): void {
    const { world, calls, history, writes } = this.#ports
    if (server === undefined) {
      done(false)
      return
    }
    const isStale = consistency === 'stale'
    const asked = isStale ? undefined : history.call(subject.key, this.#number, { kind: 'read' })
    const options = { consistency, minIndex: 0, waitMs: 0 }
    const request = { name: subject.query, args: subject.args, options, token: '' }
    const follows = !server.leads
    calls.call<ReadAnswer<QueryName>>(
      server,
      { kind: 'read', timeoutMs: callTimeoutMs },
      (rooms, reply) => rooms.reader.read(request, reply).cancel,
      (result) => {
        done(result.ok)
        this.#traceAnswer(subject.key, result)
        if (!result.ok) {
          world.reached.hit('read refused')
          asked?.refused()
          return
        }
        const found = subject.valueIn(result.value.answer)
        if (follows && !isStale) world.reached.hit('read on a follower')
        asked?.answered({ kind: 'value', value: found?.value ?? null })
        if (asked === undefined) {
          world.reached.hit('stale read')
          writes.sawStale(subject.key, found?.value ?? null)
        }
        this.#seen.set(subject.key, found)
      },
    )
  }

  #nextValue(): string {
    this.#written += 1
    return `c${this.#number}-${this.#written}`
  }

  #change(subject: Subject, input: RegisterInput, command: Command): void {
    const { history, writes } = this.#ports
    const asked = history.call(subject.key, this.#number, input)
    if ('value' in input) writes.called(subject.key, input.value)
    this.#attempt(command, { id: asked.id, server: this.#ports.calls.pick(), attempts: 1 }, (result) => {
      this.#traceAnswer(subject.key, result)
      if (result.ok) {
        writes.acknowledged(result.value.index, command)
        this.#made(subject, input, asked, result.value)
        // Whoever hears of a write may ask any server for it.
        if (this.#ports.random.chance(readAfterWrite))
          this.readFrom(this.#ports.calls.pick(), subject, 'default', () => undefined)
      } else this.#notMade(asked, result.failure)
    })
  }

  /** Another server is asked only when it is sure that nothing was done. */
  #attempt(
    command: Command,
    { id, server, attempts }: Attempt,
    done: (result: Result<Written>) => void,
  ): void {
    const { world, calls, random } = this.#ports
    const again = (result: Result<Written>): void => {
      if (result.ok || !surelyNotMade(result.failure) || attempts >= attemptsMax) {
        done(result)
        return
      }
      const next = server === undefined ? calls.pick() : calls.next(server)
      const delayMs = random.fraction() * 100
      world.clock.after(delayMs, () =>
        this.#attempt(command, { id, server: next, attempts: attempts + 1 }, done),
      )
    }
    if (server === undefined) {
      again({ ok: false, failure: { code: 'no-server', message: 'none runs' } })
      return
    }
    world.trace.event(
      kinds.called,
      this.#number,
      attempts,
      () => `client ${this.#number} -> ${server.id} ${command.type} as ${id}`,
    )
    calls.call<Written>(
      server,
      { kind: 'write', timeoutMs: callTimeoutMs },
      (rooms, reply) => {
        rooms.admission.write({ kind: 'operator', name: id }, command, reply)
        return undefined
      },
      again,
    )
  }

  #made(subject: Subject, input: RegisterInput, asked: Asked, written: Written): void {
    const swapped = written.value.kind !== 'unchanged'
    if (input.kind !== 'cas') asked.answered({ kind: 'done' })
    else {
      if (!swapped) this.#ports.world.reached.hit('write conflicted')
      asked.answered({ kind: 'swapped', swapped })
    }
    if (input.kind === 'delete') this.#seen.set(subject.key, null)
    else if ('value' in input && swapped)
      this.#seen.set(subject.key, { value: input.value, index: written.index })
    if (input.kind === 'cas' && !swapped) this.#seen.delete(subject.key)
  }

  #notMade(asked: Asked, failure: Failure): void {
    const { world } = this.#ports
    if (failure.code === 'write-outcome-unknown') {
      world.reached.hit('write of unknown outcome')
      asked.unknown()
      return
    }
    world.reached.hit('write refused')
    asked.refused()
  }

  #traceAnswer(key: string, result: Result<unknown>): void {
    this.#ports.world.trace.event(
      kinds.answered,
      this.#number,
      result.ok ? 1 : 0,
      () => `client ${this.#number} hears about ${key}: ${result.ok ? 'ok' : result.failure.code}`,
    )
  }
}
