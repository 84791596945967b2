/**
 * Consul's rules of blocking queries, for one read at a time: when it is answered at once, when it waits, and what
 * wakes it. Making the answer is plan.ts and readings.ts, who asks and how fresh it must be reader.ts.
 */
import { type Failure, failed } from '../../model/errors.ts'
import { limits } from '../../model/limits.ts'
import type { ReadOptions } from '../../model/query.ts'
import type { Clock, Metrics, Random, Timer } from '../../platform/ports.ts'
import type { View } from '../store/view.ts'
import type { Plan } from './plan.ts'
import { Readings } from './readings.ts'

export interface BlockingPorts {
  readonly clock: Clock
  readonly random: Pick<Random, 'fraction'>
  readonly metrics: Pick<Metrics, 'count' | 'gauge'>
}

/** One read, from the first look to its answer. */
export interface Inquiry<Answer> {
  /** Query and arguments: reads that ask the same at one moment get one answer. */
  readonly question: string
  readonly options: Pick<ReadOptions, 'minIndex' | 'waitMs'>
  readonly mayWait: boolean
  /** Prepares the answer on the newest state. */
  readonly look: () => { readonly view: View; readonly plan: Plan<Answer> }
  readonly answered: (index: number, answer: Answer) => void
  readonly refused: (failure: Failure) => void
}

/** Holds the reads that wait. */
export class Waiters {
  readonly #ports: BlockingPorts
  readonly #readings: Readings
  readonly #held = new Set<Held>()
  #woken = new Set<Held>()
  #turnPlanned: boolean = false

  constructor(ports: BlockingPorts) {
    this.#ports = ports
    this.#readings = new Readings(ports.clock)
  }

  get held(): number {
    return this.#held.size
  }

  /** Answers now or later; the result cancels, after which nothing is called. */
  begin<Answer>(inquiry: Inquiry<Answer>): () => void {
    const waiter = new Waiter(this.#ports, inquiry, {
      hold: (it) => this.#hold(it),
      wake: (it) => this.#wake(it),
      release: (it) => {
        if (this.#held.delete(it)) this.#tellHeld()
        this.#woken.delete(it)
      },
      readings: this.#readings,
    })
    waiter.start()
    return () => waiter.cancel()
  }

  /** After the state was replaced no watch fires any more, and indexes may have gone back: everybody is answered. */
  answerAll(): void {
    this.#readings.forget()
    for (const waiter of this.#held) {
      waiter.answerNext()
      this.#wake(waiter)
    }
  }

  #hold(waiter: Held): boolean {
    if (this.#held.size >= limits.blockingQueriesHeld) return false
    this.#held.add(waiter)
    this.#tellHeld()
    return true
  }

  #tellHeld(): void {
    this.#ports.metrics.gauge('mesh_server_reads_held', this.#held.size)
  }

  /** Looks again in a later turn: several commits in one turn are one look, and commits never wait for readers. */
  #wake(waiter: Held): void {
    this.#woken.add(waiter)
    this.#planTurn()
  }

  #planTurn(): void {
    if (this.#turnPlanned) return
    this.#turnPlanned = true
    this.#ports.clock.after(0, () => this.#turn())
  }

  #turn(): void {
    this.#turnPlanned = false
    let looks = 0
    for (const waiter of this.#woken) {
      if (looks >= limits.wakesPerTurn) {
        this.#planTurn()
        break
      }
      looks++
      this.#woken.delete(waiter)
      waiter.lookAgain()
    }
    if (looks > 0) this.#ports.metrics.count('mesh_server_reads_woken_total', {}, looks)
  }
}

/** A read that waits, for whoever wakes it. */
interface Held {
  lookAgain(): void
  /** At the next look it is answered, whatever it finds. */
  answerNext(): void
}

interface WaiterHost {
  hold(waiter: Held): boolean
  wake(waiter: Held): void
  release(waiter: Held): void
  readonly readings: Readings
}

class Waiter<Answer> implements Held {
  readonly #ports: BlockingPorts
  readonly #inquiry: Inquiry<Answer>
  readonly #host: WaiterHost
  #minIndex: number
  #existed: boolean = true
  #answerNext: boolean = false
  #done: boolean = false
  #timer: Timer | undefined
  #stopWatching: (() => void) | undefined
  #stopReading: (() => void) | undefined

  constructor(ports: BlockingPorts, inquiry: Inquiry<Answer>, host: WaiterHost) {
    this.#ports = ports
    this.#inquiry = inquiry
    this.#host = host
    this.#minIndex = inquiry.options.minIndex
  }

  start(): void {
    const { view, plan } = this.#inquiry.look()
    // An index from another life of the cluster: there is nothing to wait for.
    if (this.#minIndex > (plan.apart?.newest ?? view.index)) this.#minIndex = 0
    const waits = this.#inquiry.mayWait && this.#minIndex > 0 && indexOf(plan) <= this.#minIndex
    if (waits) this.#wait(view, plan)
    else this.#read(plan)
  }

  #wait(view: View, plan: Plan<Answer>): void {
    if (!this.#host.hold(this)) {
      this.#done = true
      const most = limits.blockingQueriesHeld
      this.#inquiry.refused(failed('overloaded', `${most} blocking queries wait already`).failure)
      return
    }
    this.#timer = this.#ports.clock.after(this.#waitMs(), () => this.#read(this.#inquiry.look().plan))
    this.#sleep(view, plan)
  }

  answerNext(): void {
    this.#answerNext = true
  }

  lookAgain(): void {
    if (this.#done || this.#timer === undefined) return
    const { view, plan } = this.#inquiry.look()
    // Another absence of what was not there is no news.
    const stillMissing = !this.#existed && !plan.exists
    if (stillMissing) this.#minIndex = Math.max(this.#minIndex, indexOf(plan))
    if (this.#answerNext || indexOf(plan) > this.#minIndex) this.#read(plan)
    else this.#sleep(view, plan)
  }

  cancel(): void {
    this.#done = true
    this.#free()
    this.#stopReading?.()
  }

  #sleep(view: View, plan: Plan<Answer>): void {
    this.#existed = plan.exists
    const stopBefore = this.#stopWatching
    const pauseMs = plan.apart?.pauseMs ?? 0
    let heard = false
    const listener = (): void => {
      if (heard || this.#done) return
      heard = true
      if (pauseMs === 0) this.#host.wake(this)
      else this.#ports.clock.after(pauseMs, () => this.lookAgain())
    }
    this.#stopWatching = plan.apart?.watch(listener) ?? view.watch(plan.touched, listener)
    stopBefore?.()
  }

  /** In slices over one view: later changes do not show in the answer, and nobody waits for all of it. */
  #read(plan: Plan<Answer>): void {
    this.#free()
    // What is not made of state alone has no index that would tell two answers apart.
    const isOfState = plan.touched.length > 0 && plan.apart === undefined
    const question = isOfState ? this.#inquiry.question : ''
    this.#stopReading = this.#host.readings.start(question, plan, (answer) => {
      if (this.#done) return
      this.#done = true
      this.#inquiry.answered(indexOf(plan), answer)
    })
  }

  #free(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#stopWatching?.()
    this.#stopWatching = undefined
    this.#host.release(this)
  }

  #waitMs(): number {
    const { waitMs } = this.#inquiry.options
    const bounded = waitMs <= 0 ? limits.blockingDefaultMs : Math.min(waitMs, limits.blockingMaxMs)
    // Watchers that began together must not all come back together.
    return bounded + (this.#ports.random.fraction() * bounded) / 16
  }
}

/** Never 0: clients take that for "no index" and ask again at once. */
function indexOf(plan: Plan<unknown>): number {
  return Math.max(1, plan.index)
}
