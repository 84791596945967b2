/**
 * What waits to be gossiped: newest and least told first, alive claims before accusations, one claim per member, each
 * told a limited number of times. Knows sizes, not bytes, and not who gets a packet.
 */
import type { Claim, GossipMessage } from '../model/gossip-message.ts'
import { compoundPartBytes, messageBytes } from './message-size.ts'

/** In order of urgency. The last three are the layer above's: join and leave intents, queries, user events. */
export const urgencies = ['alive', 'accusation', 'intent', 'query', 'event'] as const
export type Urgency = (typeof urgencies)[number]

/** Alive claims go first so that refutations overtake what they refute. */
export const urgencyOf = (claim: Claim): Urgency => (claim.type === 'alive' ? 'alive' : 'accusation')

/** `multiplier * ceil(log10(members + 1))` (memberlist). */
export function retransmitLimit(multiplier: number, members: number): number {
  return multiplier * Math.ceil(Math.log10(members + 1))
}

class Broadcast {
  readonly message: GossipMessage
  readonly bytes: number
  /** Whom it is about; '' where nothing replaces it. */
  readonly subject: string
  readonly urgency: number
  transmits = 0
  isGone = false

  constructor(message: GossipMessage, subject: string, urgency: number) {
    this.message = message
    this.bytes = messageBytes(message) + compoundPartBytes
    this.subject = subject
    this.urgency = urgency
  }
}

/** Broadcasts that were told equally often, by urgency; the newest stands last. */
type Tier = readonly Broadcast[][]

/** How many that are too large for what is left of a packet are looked past. */
const looksPast = 4
/** No message is shorter; with less room than this the packet counts as full. */
const smallestBytes = 8
/** A compound packet counts its messages in one byte. */
const messagesPerPacket = 255

export class BroadcastQueue {
  readonly #tiers: Tier[] = []
  readonly #bySubject = new Map<string, Broadcast>()
  readonly #capacity: number
  #queued = 0
  /** Replaced ones that still stand in a tier. */
  #stale = 0
  #free = 0

  /** `capacity` bounds broadcasts without a subject; those with one are bounded by the members. */
  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get size(): number {
    return this.#queued
  }

  /** The claim replaces whatever was queued about the same member. */
  addClaim(claim: Claim): void {
    const broadcast = new Broadcast(claim, claim.node, urgencies.indexOf(urgencyOf(claim)))
    const older = this.#bySubject.get(claim.node)
    if (older !== undefined) this.#discard(older)
    this.#bySubject.set(claim.node, broadcast)
    this.#put(broadcast)
  }

  /** False: the queue is full, and the broadcast that was told most often gave way. */
  add(message: GossipMessage, urgency: Exclude<Urgency, 'alive' | 'accusation'>): boolean {
    const isFull = this.#free >= this.#capacity
    if (isFull) this.#dropMostTold()
    this.#free += 1
    this.#put(new Broadcast(message, '', urgencies.indexOf(urgency)))
    return !isFull
  }

  /** Whether a claim about this member is still being told. */
  isTelling(subject: string): boolean {
    return this.#bySubject.has(subject)
  }

  /**
   * Adds to `into` what fits in `bytes` and counts it as told once more; what was told `limit` times is dropped.
   * Subjects whose last telling this was go to `finished`.
   */
  take(bytes: number, limit: number, into: GossipMessage[], finished?: (subject: string) => void): void {
    if (this.#queued === 0) return
    const taken: Broadcast[] = []
    const room = messagesPerPacket - into.length
    let left = bytes
    for (const tier of this.#tiers)
      for (const list of tier)
        if (list.length > 0 && left >= smallestBytes && taken.length < room)
          left = this.#takeFrom(list, left, taken)
    if (taken.length > room) for (const broadcast of taken.splice(room)) this.#put(broadcast)
    for (const broadcast of taken) {
      into.push(broadcast.message)
      broadcast.transmits += 1
      if (broadcast.transmits < limit) this.#put(broadcast)
      else {
        this.#forget(broadcast)
        if (broadcast.subject !== '') finished?.(broadcast.subject)
      }
    }
  }

  #takeFrom(list: Broadcast[], bytes: number, taken: Broadcast[]): number {
    let left = bytes
    let passed = 0
    for (let at = list.length - 1; at >= 0 && passed < looksPast; at -= 1) {
      const broadcast = list[at]
      if (broadcast === undefined) break
      if (broadcast.isGone) this.#stale -= 1
      else if (broadcast.bytes > left) {
        passed += 1
        continue
      } else {
        left -= broadcast.bytes
        this.#queued -= 1
        taken.push(broadcast)
      }
      if (passed === 0) list.pop()
      else list.splice(at, 1)
    }
    return left
  }

  #put(broadcast: Broadcast): void {
    const { transmits } = broadcast
    while (this.#tiers.length <= transmits) this.#tiers.push(urgencies.map(() => []))
    this.#tiers[transmits]?.[broadcast.urgency]?.push(broadcast)
    this.#queued += 1
  }

  #forget(broadcast: Broadcast): void {
    if (broadcast.subject === '') this.#free -= 1
    else this.#bySubject.delete(broadcast.subject)
  }

  /** Its slot stays until it is reached or until stale slots are the most: cheaper than finding it. */
  #discard(broadcast: Broadcast): void {
    broadcast.isGone = true
    this.#queued -= 1
    this.#stale += 1
    if (this.#stale > this.#queued + 64) this.#sweep()
  }

  #sweep(): void {
    for (const tier of this.#tiers)
      for (const list of tier) {
        let kept = 0
        for (const broadcast of list)
          if (!broadcast.isGone) {
            list[kept] = broadcast
            kept += 1
          }
        list.length = kept
      }
    this.#stale = 0
  }

  #dropMostTold(): void {
    const firstFree = urgencies.indexOf('intent')
    for (let told = this.#tiers.length - 1; told >= 0; told -= 1)
      for (let urgency = urgencies.length - 1; urgency >= firstFree; urgency -= 1) {
        const broadcast = this.#tiers[told]?.[urgency]?.shift()
        if (broadcast === undefined) continue
        this.#queued -= 1
        this.#free -= 1
        return
      }
  }
}
