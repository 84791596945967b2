/**
 * What a leader knows about one follower, and how much it may send it now.
 *
 * `probe`: where the logs part is not known; one append at a time. `replicate`: appends stream ahead of the answers,
 * bounded by count and bytes. `snapshot`: the follower needs entries that are gone; no appends until it has the file.
 */
import { assert } from '../model/errors.ts'
import { type LogIndex, logIndex } from '../model/ids.ts'
import { limits } from '../model/limits.ts'
import { type Entry, entryBytes } from '../model/log-entry.ts'

export type ProgressState = 'probe' | 'replicate' | 'snapshot'

interface Flight {
  readonly last: LogIndex
  readonly bytes: number
}

export class Progress {
  /** Durable and equal to ours up to here. */
  match: LogIndex
  /** The next entry to send. */
  next: LogIndex
  state: ProgressState = 'probe'
  /** A probe is under way and its answer is waited for. */
  probing = false
  /** Since anything was heard of this server. */
  silentMs = 0
  /** Newest heartbeat round that it answered. */
  ackedRound = 0
  /** Commit index it was told last. */
  sentCommit = logIndex(0)
  /** The newest beat whose answer was looked at, and what matched then. */
  #judgedBeat = 0
  #matchAtBeat: LogIndex
  #flights: Flight[] = []
  #flightBytes = 0

  constructor(match: LogIndex, next: LogIndex) {
    this.match = match
    this.next = next
    this.#matchAtBeat = match
  }

  get paused(): boolean {
    if (this.state === 'probe') return this.probing
    const isFull =
      this.#flights.length >= limits.appendsInFlight || this.#flightBytes >= limits.appendBytesInFlight
    return this.state === 'snapshot' || isFull
  }

  toProbe(next: LogIndex): void {
    assert(next > this.match, 'what matches is not sent again')
    this.state = 'probe'
    this.next = next
    this.probing = false
    this.#clearFlights()
  }

  toReplicate(): void {
    this.state = 'replicate'
    this.next = logIndex(this.match + 1)
    this.probing = false
    this.#clearFlights()
  }

  toSnapshot(): void {
    this.state = 'snapshot'
    this.probing = false
    this.#clearFlights()
  }

  /** Entries were handed to the transport. */
  sent(entries: readonly Entry[]): void {
    if (this.state === 'probe') {
      this.probing = true
      return
    }
    const last = entries[entries.length - 1]
    if (last === undefined) return
    const bytes = entries.reduce((sum, entry) => sum + entryBytes(entry), 0)
    this.#flights.push({ last: last.index, bytes })
    this.#flightBytes += bytes
    this.next = logIndex(last.index + 1)
  }

  /** True if `match` is news. Answers may come twice and in any order. */
  accepted(match: LogIndex): boolean {
    while (this.#flights[0] !== undefined && this.#flights[0].last <= match) {
      this.#flightBytes -= this.#flights[0].bytes
      this.#flights.shift()
    }
    if (match <= this.match) return false
    this.match = match
    if (this.next <= match) this.next = logIndex(match + 1)
    return true
  }

  /**
   * Notes the answer to a heartbeat round. True if a whole beat went by without news although something is missing: then a
   * message may have been lost and the follower is asked again. Rounds between beats say nothing about that: reads would
   * make the leader repeat what a slow disk is still busy with.
   */
  answered(round: number, beat: number, last: LogIndex): boolean {
    this.ackedRound = Math.max(this.ackedRound, round)
    if (round < beat || beat === this.#judgedBeat) return false
    this.#judgedBeat = beat
    const stalled = this.match < last && this.match === this.#matchAtBeat
    this.#matchAtBeat = this.match
    return stalled
  }

  #clearFlights(): void {
    this.#flights = []
    this.#flightBytes = 0
  }
}
