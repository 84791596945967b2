/**
 * Reads under way: a bounded number of rows per turn of the event loop for all of them together, so that neither one long
 * answer nor a thousand short ones hold the server up. Readers who ask the same of the same state share one reading: a
 * service that a thousand clients watch is read once per change.
 * Knows nothing of waiting for a change (blocking.ts) nor of what a query reads (plan.ts).
 */
import { limits } from '../../model/limits.ts'
import type { Clock } from '../../platform/ports.ts'
import type { Plan, Reading } from './plan.ts'

/** Rows of one reading before the next one's turn: short ones do not wait for the end of a long one. */
const rowsPerVisit = 64

type Deliver = (answer: unknown) => void

interface Running {
  readonly key: string
  readonly reading: Reading<unknown>
  readonly waiting: Set<Deliver>
  rows: number
  answer: { readonly value: unknown } | undefined
}

export class Readings {
  readonly #clock: Pick<Clock, 'after'>
  readonly #queue = new Set<Running>()
  /** By index and question; an answer stays as long as somebody waits for it, and to the end of its turn. */
  readonly #shared = new Map<string, Running>()
  #rowsLeft: number = limits.rowsPerTurn
  #turnPlanned: boolean = false

  constructor(clock: Pick<Clock, 'after'>) {
    this.#clock = clock
  }

  /**
   * Calls `done` once with the answer, perhaps inside the call; the result takes the request back. Equal questions about
   * equal indexes have one answer; '' is a question that is shared with nobody.
   */
  start<Answer>(question: string, plan: Plan<Answer>, done: (answer: Answer) => void): () => void {
    const running = this.#find(question, plan)
    // The key holds the name of the query, so whoever shares a reading expects the same type.
    const deliver: Deliver = (answer) => done(answer as Answer)
    running.waiting.add(deliver)
    this.#queue.add(running)
    this.#work()
    return () => this.#leave(running, deliver)
  }

  /** Readings of another state are no answer to what is asked from now on. */
  forget(): void {
    this.#shared.clear()
  }

  #find<Answer>(question: string, plan: Plan<Answer>): Running {
    const key = question === '' ? '' : `${plan.index} ${question}`
    const known = key === '' ? undefined : this.#shared.get(key)
    if (known !== undefined) return known
    const running = { key, reading: plan.read(), waiting: new Set<Deliver>(), rows: 0, answer: undefined }
    if (key !== '') this.#shared.set(key, running)
    return running
  }

  #leave(running: Running, deliver: Deliver): void {
    running.waiting.delete(deliver)
    if (running.waiting.size > 0) return
    this.#queue.delete(running)
    if (this.#shared.get(running.key) === running) this.#shared.delete(running.key)
  }

  /** Goes on, round after round, while this turn has rows left. */
  #work(): void {
    for (const running of this.#queue) {
      if (this.#rowsLeft <= 0) break
      this.#queue.delete(running)
      if (running.answer === undefined) this.#read(running)
      else this.#hand(running, Math.max(1, running.rows))
      if (running.waiting.size > 0) this.#queue.add(running)
    }
    const isBusy = this.#queue.size > 0 || this.#rowsLeft < limits.rowsPerTurn
    if (!isBusy || this.#turnPlanned) return
    this.#turnPlanned = true
    this.#clock.after(0, () => this.#turn())
  }

  #turn(): void {
    this.#turnPlanned = false
    this.#rowsLeft = limits.rowsPerTurn
    for (const [key, { answer, waiting }] of this.#shared)
      if (answer !== undefined && waiting.size === 0) this.#shared.delete(key)
    this.#work()
  }

  #read(running: Running): void {
    for (let row = 0; row < rowsPerVisit && this.#rowsLeft > 0; row++) {
      this.#rowsLeft--
      const step = running.reading.next()
      if (step.done === true) {
        running.answer = { value: step.value }
        this.#hand(running, 0)
        return
      }
      running.rows++
    }
  }

  /** Putting an answer on the wire costs about as much as reading its rows did; the first time is part of the reading. */
  #hand(running: Running, rows: number): void {
    const [deliver] = running.waiting
    if (deliver === undefined) return
    running.waiting.delete(deliver)
    this.#rowsLeft -= rows
    deliver(running.answer?.value)
  }
}
