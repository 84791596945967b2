/**
 * Answers kept as packets, for questions that are asked again and again: a repeated question costs a look into a map and a
 * copy. Several orders of one answer are kept and slowly replaced, so that clients are spread as if each answer were
 * shuffled. A packet goes when what it was made from changes, when its time is over, or when others need the room.
 */
import { limits } from '../../model/limits.ts'
import { type Subject, subjectKey } from '../../model/topic.ts'
import type { Clock, Random } from '../../platform/ports.ts'
import { headerBytes, largestMessageBytes, plainUdpBytes, recordTypes } from '../../wire/dns/codes.ts'

export interface PacketOptions {
  readonly clock: Pick<Clock, 'monotonicMs'>
  readonly random: Pick<Random, 'fraction'>
  /** Packets repeat the letters of the question elsewhere too, so that letters count. */
  readonly isCaseSensitive: () => boolean
}

/** What an answer is kept for. */
export interface PacketPlan {
  /** Makes the packet, each time in another order where there is any. */
  readonly make: () => Uint8Array
  readonly hasOrders: boolean
  readonly keepMs: number
  readonly subject: Subject | undefined
  /** Counter to be raised at each use. */
  readonly cell: number
}

interface Kept {
  readonly plan: PacketPlan
  readonly untilMs: number
  readonly packets: Uint8Array[]
  uses: number
}

export interface Hit {
  readonly packet: Uint8Array
  readonly cell: number
}

/** Sizes of UDP answers that packets are kept for: a client that takes another size gets the next smaller one's. */
const udpSizes = [plainUdpBytes, 1_220, 1_232, 1_400, 1_432, 1_472, limits.dnsUdpBytes] as const
const sizes: readonly number[] = [...udpSizes, largestMessageBytes]

/** The largest answer that is sent: of the sizes above, the largest that the client takes. */
export function answerBytes(transport: 'udp' | 'tcp', ednsBytes: number | undefined): number {
  if (transport === 'tcp') return largestMessageBytes
  let best: number = plainUdpBytes
  for (const size of udpSizes) if (size <= (ednsBytes ?? 0)) best = size
  return best
}

const recursionDesired = 0x01
const checkingDisabled = 0x10
const dnssecOk = 0x80

export class Packets {
  readonly #options: PacketOptions
  /** By question; one map for each size, with EDNS and without. */
  readonly #byShape: readonly Map<string, Kept>[] = Array.from({ length: 2 * sizes.length }, () => new Map())
  readonly #bySubject = new Map<string, Map<Map<string, Kept>, Set<string>>>()
  #size = 0
  /** Reused: nothing of it is kept by the caller. */
  readonly #hit = { packet: new Uint8Array(0) as Uint8Array, cell: 0 }

  constructor(options: PacketOptions) {
    this.#options = options
  }

  /** A packet for this query, ready to be sent; undefined where none is kept, or the query is not a plain one. */
  answer(query: Buffer, transport: 'udp' | 'tcp'): Hit | undefined {
    const end = plainQuestionEnd(query)
    if (end === 0) return undefined
    const hasEdns = query.length > end
    const edns = hasEdns ? query.readUInt16BE(end + 3) : undefined
    const map = this.#mapOf(answerBytes(transport, edns), hasEdns)
    const kept = map.get(this.#keyOf(query, end))
    if (kept === undefined || this.#options.clock.monotonicMs() >= kept.untilMs) return undefined
    const packet = Buffer.from(this.#packetOf(kept))
    query.copy(packet, headerBytes, headerBytes, end)
    packet[0] = query[0] ?? 0
    packet[1] = query[1] ?? 0
    packet[2] = ((packet[2] ?? 0) & ~recursionDesired) | ((query[2] ?? 0) & recursionDesired)
    packet[3] = ((packet[3] ?? 0) & ~checkingDisabled) | ((query[3] ?? 0) & checkingDisabled)
    if (hasEdns) packet[packet.length - 4] = (query[end + 7] ?? 0) & dnssecOk
    this.#hit.packet = packet
    this.#hit.cell = kept.plan.cell
    return this.#hit
  }

  /** Keeps what answers this query, if it is a plain one. */
  keep(query: Buffer, transport: 'udp' | 'tcp', plan: PacketPlan): void {
    const end = plainQuestionEnd(query)
    if (end === 0 || plan.keepMs <= 0) return
    const hasEdns = query.length > end
    const edns = hasEdns ? query.readUInt16BE(end + 3) : undefined
    const map = this.#mapOf(answerBytes(transport, edns), hasEdns)
    const key = this.#keyOf(query, end)
    if (this.#size >= limits.dnsPacketsKept) this.clear()
    if (!map.has(key)) this.#size += 1
    const untilMs = this.#options.clock.monotonicMs() + plan.keepMs
    map.set(key, { plan, untilMs, packets: [], uses: 0 })
    if (plan.subject === undefined) return
    const subject = subjectKey(plan.subject)
    const places = this.#bySubject.get(subject) ?? new Map<Map<string, Kept>, Set<string>>()
    this.#bySubject.set(subject, places.set(map, (places.get(map) ?? new Set()).add(key)))
  }

  /** What was made from this subject is no longer true. */
  forget(subject: Subject): void {
    const key = subjectKey(subject)
    for (const [map, questions] of this.#bySubject.get(key) ?? [])
      for (const question of questions) if (map.delete(question)) this.#size -= 1
    this.#bySubject.delete(key)
  }

  clear(): void {
    for (const map of this.#byShape) map.clear()
    this.#bySubject.clear()
    this.#size = 0
  }

  #packetOf(kept: Kept): Uint8Array {
    const { plan, packets } = kept
    kept.uses += 1
    const wanted = plan.hasOrders ? limits.dnsOrdersKept : 1
    const chosen = wanted === 1 ? 0 : Math.floor(this.#options.random.fraction() * wanted)
    const isWornOut = wanted > 1 && kept.uses % limits.dnsOrderUses === 0
    const known = isWornOut ? undefined : packets[chosen]
    if (known !== undefined) return known
    const made = plan.make()
    packets[chosen] = made
    return made
  }

  #mapOf(bytes: number, hasEdns: boolean): Map<string, Kept> {
    const at = 2 * sizes.indexOf(bytes) + (hasEdns ? 1 : 0)
    return this.#byShape[at] ?? new Map()
  }

  /** Name, type and class in one text. */
  #keyOf(query: Buffer, end: number): string {
    const text = query.toString('latin1', headerBytes, end)
    return this.#options.isCaseSensitive() ? text : text.toLowerCase()
  }
}

/**
 * End of the question of a query that has nothing beside it, or an OPT record of version 0: all but a few. 0 for any other,
 * which is read with more care elsewhere.
 */
function plainQuestionEnd(query: Buffer): number {
  if (query.length < 17 || ((query[2] ?? 0) & 0xfe) !== 0 || query.readUInt32BE(4) !== 0x0001_0000) return 0
  if (query.readUInt16BE(8) !== 0) return 0
  let at = headerBytes
  for (let length = query[at] ?? 64; length !== 0; length = query[at] ?? 64) {
    if (length > 63) return 0
    at += 1 + length
  }
  const end = at + 5
  if (end > query.length || end - headerBytes > 259) return 0
  // Letters of a type above would be changed with those of the name.
  if (query[end - 4] !== 0 || ((query[end - 3] ?? 0) > 0x40 && query[end - 3] !== recordTypes.ANY)) return 0
  const additional = query.readUInt16BE(10)
  if (additional === 0) return end === query.length ? end : 0
  if (additional !== 1 || query.length < end + 11 || query[end] !== 0) return 0
  if (query.readUInt16BE(end + 1) !== recordTypes.OPT || query[end + 6] !== 0) return 0
  return end + 11 + query.readUInt16BE(end + 9) === query.length ? end : 0
}
