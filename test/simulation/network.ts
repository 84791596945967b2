/**
 * A network in memory between named endpoints: delay, loss, duplicates, one-way cuts, clogged links. Messages are handed
 * over as they are, not copied; receivers must not change them.
 */
import type { Clock } from '../../src/platform/ports.ts'
import type { SeededRandom } from './random.ts'

export interface NetworkConditions {
  readonly delayMinMs: number
  readonly delayMaxMs: number
  /** Delays are mostly short and sometimes long, with this mean above the minimum; without it they are uniform. */
  readonly delayMeanMs?: number
  /** Chance of each message to be lost. */
  readonly loss: number
  /** Chance of each message to arrive twice. */
  readonly duplicate: number
  /** Messages of one channel (see the constructor) overtake each other; by default they do. */
  readonly reorders?: boolean
}

export const quietNetwork: NetworkConditions = { delayMinMs: 1, delayMaxMs: 2, loss: 0, duplicate: 0 }

type Listener<Message> = (from: string, message: Message) => void

export class SimulatedNetwork<Message> {
  readonly #clock: Clock
  readonly #random: SeededRandom
  readonly #listeners = new Map<string, Listener<Message>>()
  /** Directed pairs over which nothing passes. */
  readonly #cuts = new Set<string>()
  /** Directed pairs whose messages wait until a time. */
  readonly #clogs = new Map<string, number>()
  /** By sender, receiver and channel: when the last message arrives. */
  readonly #arrivals = new Map<string, number>()
  #generation = 0
  readonly #channelOf: (message: Message) => string
  conditions: NetworkConditions
  /** Messages sent, delivered and lost; a storm shows here. */
  readonly counts = { sent: 0, delivered: 0, lost: 0 }

  /** `channelOf` names the stream on which a message travels, for conditions that keep its order. */
  constructor(
    clock: Clock,
    random: SeededRandom,
    conditions: NetworkConditions = quietNetwork,
    channelOf: (message: Message) => string = () => '',
  ) {
    this.#clock = clock
    this.#random = random
    this.conditions = conditions
    this.#channelOf = channelOf
  }

  /** Replaces whoever listened under this name before. */
  listen(name: string, listener: Listener<Message>): void {
    this.#listeners.set(name, listener)
  }

  /** What is under way to it is lost, as when a process ends. */
  leave(name: string): void {
    this.#listeners.delete(name)
  }

  send(from: string, to: string, message: Message): void {
    this.counts.sent += 1
    const { loss, duplicate } = this.conditions
    if (this.#random.chance(loss)) this.counts.lost += 1
    else this.#carry(from, to, message)
    if (this.#random.chance(duplicate)) this.#carry(from, to, message)
  }

  /** Nothing passes from `from` to `to` any more, nor what is under way. */
  cut(from: string, to: string): void {
    this.#cuts.add(`${from} ${to}`)
  }

  /** Both ways between `names` and everybody else. */
  isolate(names: readonly string[]): void {
    for (const other of this.#listeners.keys())
      if (!names.includes(other))
        for (const name of names) {
          this.cut(name, other)
          this.cut(other, name)
        }
  }

  /** What is sent from `from` to `to` in the next `durationMs` arrives after them. */
  clog(from: string, to: string, durationMs: number): void {
    this.#clogs.set(`${from} ${to}`, this.#clock.monotonicMs() + durationMs)
  }

  heal(): void {
    this.#cuts.clear()
    this.#clogs.clear()
  }

  /** Everybody has new connections: what is under way on the old ones is lost, and holds up nothing any more. */
  reconnect(): void {
    this.#generation += 1
    this.#arrivals.clear()
  }

  #inOrder(from: string, to: string, message: Message): number {
    const delayMs = this.#delayMs(from, to)
    if (this.conditions.reorders !== false) return delayMs
    const channel = `${from} ${to} ${this.#channelOf(message)}`
    const nowMs = this.#clock.monotonicMs()
    const atMs = Math.max(nowMs + delayMs, this.#arrivals.get(channel) ?? 0)
    this.#arrivals.set(channel, atMs)
    return atMs - nowMs
  }

  #delayMs(from: string, to: string): number {
    const { delayMinMs, delayMaxMs, delayMeanMs } = this.conditions
    const fraction = this.#random.fraction()
    const delayMs =
      delayMeanMs === undefined
        ? delayMinMs + fraction * (delayMaxMs - delayMinMs)
        : Math.min(delayMaxMs, delayMinMs - Math.log(1 - fraction) * delayMeanMs)
    if (this.#clogs.size === 0) return delayMs
    const cloggedMs = (this.#clogs.get(`${from} ${to}`) ?? 0) - this.#clock.monotonicMs()
    return Math.max(delayMs, cloggedMs + fraction)
  }

  #carry(from: string, to: string, message: Message): void {
    const receiver = this.#listeners.get(to)
    const generation = this.#generation
    this.#clock.after(this.#inOrder(from, to, message), () => {
      // Only the process that listened when it was sent gets it: a restarted one has new connections.
      const isCut = this.#cuts.size > 0 && this.#cuts.has(`${from} ${to}`)
      const isOld = generation !== this.#generation || this.#listeners.get(to) !== receiver
      if (receiver === undefined || isOld || isCut) {
        this.counts.lost += 1
        return
      }
      this.counts.delivered += 1
      receiver(from, message)
    })
  }
}
