/**
 * One simulated host: a core, its clock, and whether it runs, stands still or is down. Packets that arrive while it
 * stands still wait in a bounded buffer, and timers run before it reads them, as in a real process.
 */
import type { Alive, GossipEndpoint, GossipMessage } from '../../../src/model/gossip-message.ts'
import type { SwimEffects } from '../../../src/swim/effects.ts'
import type { SwimInput } from '../../../src/swim/input.ts'
import { LocalView } from '../../../src/swim/local-view.ts'
import type { SwimParameters } from '../../../src/swim/parameters.ts'
import { Member } from '../../../src/swim/roster.ts'
import { Swim } from '../../../src/swim/swim.ts'
import type { Happening, Wheel } from './wheel.ts'

export interface Packet {
  readonly type: 'packet'
  readonly from: GossipEndpoint
  readonly messages: readonly GossipMessage[]
}

/** Small datagrams that a default receive buffer of Linux holds. */
const bufferedPackets = 128

class Wake implements Happening {
  readonly #host: Host
  readonly #atMs: number

  constructor(host: Host, atMs: number) {
    this.#host = host
    this.#atMs = atMs
  }

  happen(): void {
    this.#host.wake(this.#atMs)
  }
}

export interface HostOptions {
  readonly index: number
  readonly record: Alive
  readonly parameters: SwimParameters
  readonly wheel: Wheel
  readonly random: () => number
  /** The host's clock runs so much faster or slower. */
  readonly clockRate: number
  /** Just before the host reads a packet. */
  readonly onPacket: (host: Host, messages: readonly GossipMessage[]) => void
}

export class Host {
  readonly index: number
  readonly name: string
  readonly record: Alive
  readonly clockRate: number
  readonly #wheel: Wheel
  readonly #options: HostOptions
  #swim: Swim | undefined
  #wakeMs = Number.POSITIVE_INFINITY
  readonly #inbox: SwimInput[] = []
  /** Which side of a split it is on. */
  side = 0
  isUp = false
  hasLeft = false
  /** Its goodbye had every chance to be heard. */
  leftCleanly = false
  stalledUntilMs = 0
  /** Until then its process runs, but reads nothing and what it sends waits. */
  cloggedUntilMs = 0
  /** Times that the checkers ask for. */
  startedMs = 0
  wentMs = Number.POSITIVE_INFINITY
  impairedMs = Number.NEGATIVE_INFINITY
  packetsDropped = 0

  constructor(options: HostOptions) {
    this.#options = options
    this.index = options.index
    this.record = options.record
    this.name = options.record.node
    this.#wheel = options.wheel
    this.clockRate = options.clockRate
  }

  get swim(): Swim {
    if (this.#swim === undefined) throw new Error(`${this.name} was never started`)
    return this.#swim
  }

  get isStalled(): boolean {
    return this.stalledUntilMs > this.#wheel.nowMs
  }

  get isClogged(): boolean {
    return this.cloggedUntilMs > this.#wheel.nowMs
  }

  /** When it reads again. */
  get readsFromMs(): number {
    return Math.max(this.stalledUntilMs, this.cloggedUntilMs)
  }

  /** The host's own monotonic clock. */
  get localMs(): number {
    return this.#wheel.nowMs * this.clockRate
  }

  /** `failed`: known to it as failed for ten minutes. */
  start(effects: SwimEffects, known: readonly Alive[] = [], failed: readonly Alive[] = []): void {
    const { record, parameters, random } = this.#options
    const options = { parameters, self: record, random, admits: () => true }
    const view = new LocalView(options, effects, this.localMs)
    for (const other of known)
      if (other.node !== this.name) view.roster.add(new Member(other, 'alive', this.localMs))
    for (const other of failed) view.roster.add(new Member(other, 'dead', this.localMs - 600_000))
    this.#swim = new Swim(view)
    this.isUp = true
    this.hasLeft = false
    this.leftCleanly = false
    this.stalledUntilMs = 0
    this.cloggedUntilMs = 0
    this.startedMs = this.#wheel.nowMs
    this.wentMs = Number.POSITIVE_INFINITY
    this.#inbox.length = 0
    this.#wakeMs = Number.POSITIVE_INFINITY
    this.#schedule()
  }

  /** Without a word. */
  crash(): void {
    this.isUp = false
    this.wentMs = Math.min(this.wentMs, this.#wheel.nowMs)
  }

  stall(durationMs: number): void {
    this.stalledUntilMs = Math.max(this.stalledUntilMs, this.#wheel.nowMs + durationMs)
    this.impairedMs = this.stalledUntilMs
    this.#wheel.call(this.stalledUntilMs, () => this.#resume())
  }

  /** Timers go on, messages stand still: as in the experiments of Lifeguard's authors. */
  clog(durationMs: number): void {
    this.cloggedUntilMs = Math.max(this.cloggedUntilMs, this.#wheel.nowMs + durationMs)
    this.impairedMs = this.cloggedUntilMs
    this.#wheel.call(this.cloggedUntilMs, () => this.#resume())
  }

  receive(packet: Packet): void {
    if (this.isStalled || this.isClogged) {
      if (this.#inbox.length < bufferedPackets) this.#inbox.push(packet)
      else this.packetsDropped += 1
    } else this.step(packet)
  }

  step(input: SwimInput): void {
    if (!this.isUp) return
    if (input.type === 'packet') this.#options.onPacket(this, input.messages)
    this.swim.step(this.localMs, input)
    this.#schedule()
  }

  wake(atMs: number): void {
    if (atMs !== this.#wakeMs || !this.isUp) return
    this.#wakeMs = Number.POSITIVE_INFINITY
    if (this.isStalled) return
    if (this.swim.nextDeadlineMs > this.localMs) this.#schedule()
    else this.step({ type: 'tick' })
  }

  #resume(): void {
    if (this.isStalled || this.isClogged || !this.isUp) return
    this.step({ type: 'tick' })
    for (const input of this.#inbox.splice(0)) this.step(input)
  }

  #schedule(): void {
    const dueMs = this.swim.nextDeadlineMs / this.clockRate
    if (dueMs >= this.#wakeMs) return
    this.#wakeMs = dueMs
    this.#wheel.at(dueMs, new Wake(this, dueMs))
  }
}
