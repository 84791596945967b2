/**
 * A member's own place in the network, learned from the round trips of its probes: Vivaldi with a median filter per peer
 * (Ledlie et al. 2007), an adjustment for what does not fit the space (Lee et al. 2010), and a little gravity against
 * drift. The parameters are Serf's, for both kinds of members share one space.
 */
import { distance, rawDistance } from '../../model/coordinate.ts'
import type { NetworkCoordinate } from '../../model/serf-message.ts'
import { errorMax, isUsable, originCoordinate, pushed } from './coordinate.ts'

/** How far one observation may move the confidence and the position. */
const confidenceShare = 0.25
const positionShare = 0.25
const adjustmentWindow = 20
const filteredRoundTrips = 3
const gravityRho = 150
const shortest = 1e-6
/** Longer round trips are mistakes of a clock. */
const longestSeconds = 10

export class Vivaldi {
  readonly #random: () => number
  #coordinate = originCoordinate()
  readonly #roundTrips = new Map<string, number[]>()
  readonly #misfits = new Array<number>(adjustmentWindow).fill(0)
  #misfitAt = 0

  constructor(random: () => number) {
    this.#random = random
  }

  get coordinate(): NetworkCoordinate {
    return this.#coordinate
  }

  /** Round trip to `other`, in seconds, as expected from both coordinates. */
  secondsTo(other: NetworkCoordinate): number {
    return distance(this.#coordinate, other)
  }

  /** One measured round trip. False if it or the peer's coordinate makes no sense and was left out. */
  observe(node: string, other: NetworkCoordinate, seconds: number): boolean {
    if (!isUsable(other) || !(seconds >= 0 && seconds <= longestSeconds)) return false
    const typical = Math.max(shortest, this.#median(node, seconds))
    this.#move(other, typical)
    this.#adjust(other, typical)
    this.#settle()
    if (!isUsable(this.#coordinate)) this.#coordinate = originCoordinate()
    return true
  }

  forget(node: string): void {
    this.#roundTrips.delete(node)
  }

  /** Of the last few: one late answer must not move us. */
  #median(node: string, seconds: number): number {
    const known = this.#roundTrips.get(node) ?? []
    known.push(seconds)
    if (known.length > filteredRoundTrips) known.shift()
    this.#roundTrips.set(node, known)
    const rising = [...known].sort((a, b) => a - b)
    return rising[Math.floor(rising.length / 2)] ?? seconds
  }

  #move(other: NetworkCoordinate, seconds: number): void {
    const here = this.#coordinate
    const expected = distance(here, other)
    const wrongness = Math.abs(expected - seconds) / seconds
    // Who is less sure moves more.
    const weight = here.error / Math.max(shortest, here.error + other.error)
    const share = confidenceShare * weight
    const error = Math.min(errorMax, share * wrongness + here.error * (1 - share))
    const force = positionShare * weight * (seconds - expected)
    this.#coordinate = pushed({ ...here, error }, force, other, this.#random)
  }

  #adjust(other: NetworkCoordinate, seconds: number): void {
    this.#misfits[this.#misfitAt] = seconds - rawDistance(this.#coordinate, other)
    this.#misfitAt = (this.#misfitAt + 1) % adjustmentWindow
    const sum = this.#misfits.reduce((total, misfit) => total + misfit, 0)
    this.#coordinate = { ...this.#coordinate, adjustment: sum / (2 * adjustmentWindow) }
  }

  #settle(): void {
    const origin = originCoordinate()
    const away = distance(origin, this.#coordinate)
    this.#coordinate = pushed(this.#coordinate, -((away / gravityRho) ** 2), origin, this.#random)
  }
}
