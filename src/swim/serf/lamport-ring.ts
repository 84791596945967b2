/**
 * Which user events or queries were heard already: the newest Lamport times, and what came at each. What is older than
 * the ring counts as heard, so that old news cannot come back.
 */
import { limits } from '../../model/limits.ts'
import type { LamportTime } from '../../model/serf-message.ts'
import { LamportClock } from './lamport-clock.ts'

interface Slot<Item> {
  readonly time: LamportTime
  readonly items: Item[]
}

export class LamportRing<Item> {
  readonly clock = new LamportClock()
  readonly #slots: (Slot<Item> | undefined)[] = []
  readonly #isSame: (a: Item, b: Item) => boolean
  #ignoredBefore: LamportTime = 0

  /** `isSame` tells repetitions of one item from others of the same time. */
  constructor(isSame: (a: Item, b: Item) => boolean) {
    this.#isSame = isSame
  }

  /** A member that joins need not hear what was before. */
  ignoreBefore(time: LamportTime): void {
    this.#ignoredBefore = Math.max(this.#ignoredBefore, time)
  }

  /** True if it is new: to be handled and told on. */
  hear(time: LamportTime, item: Item): boolean {
    this.clock.witness(time)
    const kept = limits.serfTimesKept
    if (time < this.#ignoredBefore || time + kept < this.clock.time) return false
    const at = time % kept
    const slot = this.#slots[at]
    if (slot === undefined || slot.time !== time) {
      if (slot !== undefined && slot.time > time) return false
      this.#slots[at] = { time, items: [item] }
      return true
    }
    if (slot.items.some((known) => this.#isSame(known, item))) return false
    if (slot.items.length >= limits.serfEventsPerTime) return false
    slot.items.push(item)
    return true
  }

  /** Everything that is remembered, oldest first. */
  all(): readonly Item[] {
    const slots = this.#slots.filter((slot) => slot !== undefined)
    return slots.sort((a, b) => a.time - b.time).flatMap((slot) => slot.items)
  }
}
