/**
 * A Lamport clock: orders the messages of Serf's layer without anybody agreeing on the time of day. Intents, user events
 * and queries have one each.
 */
import type { LamportTime } from '../../model/serf-message.ts'

/** Beyond it JavaScript could not count on; a member that claims such times is not followed there. */
const furthest = Number.MAX_SAFE_INTEGER - 1

export class LamportClock {
  /** Serf's clocks stand at 1 when nothing has happened yet. */
  #time: LamportTime = 1

  /** The time that the next message of ours has at least. */
  get time(): LamportTime {
    return this.#time
  }

  /** The time of a new message of ours. */
  next(): LamportTime {
    const time = this.#time
    this.#time = Math.min(furthest, time + 1)
    return time
  }

  /** A message of this time was heard: ours come later. */
  witness(time: LamportTime): void {
    if (time >= this.#time) this.#time = Math.min(furthest, time + 1)
  }
}
