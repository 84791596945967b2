/**
 * One process on one simulated machine: everything it does runs through `run`, so that it can be paused like a virtual
 * machine, killed between two events, and so that an error in it is told to whoever watches. It is also the process's
 * clock: its machine's clock may run fast or slow, and its time of day may be wrong.
 */
import type { Clock, Timer } from '../../src/platform/ports.ts'
import type { VirtualClock } from './clock.ts'

/** The clock chip of one machine. Processes come and go, this stays. */
export class MachineClock {
  /** Local milliseconds per millisecond of the world. */
  readonly rate: number
  /** How wrong the time of day is; may be set at any time. */
  wallErrorMs = 0

  constructor(rate = 1) {
    this.rate = rate
  }
}

/** A timer that may be due while its process is paused, and be cancelled before the process goes on. */
class ProcessTimer implements Timer {
  readonly #process: SimulatedProcess
  #callback: (() => void) | undefined
  #timer: Timer | undefined

  constructor(process: SimulatedProcess, callback: () => void) {
    this.#process = process
    this.#callback = callback
  }

  begin(world: VirtualClock, delayMs: number): void {
    this.#timer = world.after(delayMs, () => this.#process.run(this.#fire))
  }

  cancel(): void {
    this.#callback = undefined
    this.#timer?.cancel()
  }

  readonly #fire = (): void => this.#callback?.()
}

export type OnError = (error: unknown) => void

export class SimulatedProcess implements Clock {
  readonly #world: VirtualClock
  readonly #machine: MachineClock
  readonly #onError: OnError
  #isAlive: boolean = true
  /** What happened while the process is paused; undefined while it runs. */
  #held: (() => void)[] | undefined

  constructor(world: VirtualClock, machine: MachineClock, onError: OnError) {
    this.#world = world
    this.#machine = machine
    this.#onError = onError
  }

  get isAlive(): boolean {
    return this.#isAlive
  }

  get isPaused(): boolean {
    return this.#held !== undefined
  }

  monotonicMs(): number {
    return this.#world.monotonicMs() * this.#machine.rate
  }

  wallMs(): number {
    return Math.round(this.#world.wallMs() + this.#machine.wallErrorMs)
  }

  after(delayMs: number, callback: () => void): Timer {
    const timer = new ProcessTimer(this, callback)
    timer.begin(this.#world, delayMs / this.#machine.rate)
    return timer
  }

  /** One turn of the process's event loop; after the pause if there is one, never if the process is dead. */
  run(work: () => void): void {
    if (!this.#isAlive) return
    if (this.#held !== undefined) {
      this.#held.push(work)
      return
    }
    try {
      work()
    } catch (error) {
      this.#onError(error)
    }
  }

  pause(): void {
    this.#held ??= []
  }

  /** What was held happens now, in its order, each in a turn of its own. */
  resume(): void {
    const held = this.#held ?? []
    this.#held = undefined
    for (const work of held) this.#world.after(0, () => this.run(work))
  }

  kill(): void {
    this.#isAlive = false
    this.#held = undefined
  }
}
