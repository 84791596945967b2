/**
 * Answers of servers, remembered for a moment: names that are asked again and again cost one question to a server per
 * second, names that nobody has cost two, and while no server is there the last answer stays. Equal questions wait for one
 * answer. Bounded in every direction, because anybody on the network may ask.
 */
import type { DnsRefusalCode } from '../../model/dns-refusal.ts'
import { limits } from '../../model/limits.ts'
import type { Queries, QueryName } from '../../model/query.ts'
import type { Clock, Timer } from '../../platform/ports.ts'
import type { ServerClient } from '../../rpc/contract.ts'
import type { Deliver, Staleness } from './found.ts'

export interface RememberedReadsOptions {
  readonly read: ServerClient['read']
  readonly clock: Clock
  /** The agent has a server now. */
  readonly connected: () => boolean
  readonly staleness: () => Staleness
}

/** An answer of this age is as good as a new one. */
const freshMs = 1_000
/** The same for "there is no such thing": what was just registered is looked for again soon. */
const freshAbsenceMs = 500
/** Up to this age the old answer is given while a new one is asked for. */
const usableMs = 10_000

type Answer<Name extends QueryName> = Queries[Name]['answer']

export interface DnsQuestion<Name extends QueryName> {
  readonly name: Name
  readonly args: Queries[Name]['args']
  /** Absent: our own datacenter. `none` is the answer where there is no such datacenter. */
  readonly elsewhere?: { readonly datacenter: string; readonly none: Answer<Name> }
}

interface Entry {
  value: { readonly answer: unknown } | undefined
  isAbsence: boolean
  asOfMs: number
  reading: { cancel(): void } | undefined
  waiting: Deliver<unknown>[]
}

export class RememberedReads {
  readonly #options: RememberedReadsOptions
  /** The least lately used first. */
  readonly #entries = new Map<string, Entry>()
  #inFlight = 0
  #waiting = 0

  constructor(options: RememberedReadsOptions) {
    this.#options = options
  }

  /** `isAbsence` tells an answer that means "there is none". */
  find<Name extends QueryName>(
    question: DnsQuestion<Name>,
    isAbsence: (answer: Answer<Name>) => boolean,
    done: Deliver<Answer<Name>>,
  ): void {
    const { name, args, elsewhere } = question
    const entry = this.#entry(`${elsewhere?.datacenter ?? ''} ${name} ${JSON.stringify(args)}`)
    // The key holds the name of the query, so an entry's answers are of its type.
    const deliver = done as Deliver<unknown>
    if (this.#answerFromMemory(entry, deliver)) {
      const isOld = this.#options.clock.monotonicMs() - entry.asOfMs >= freshMs
      if (isOld && this.#options.connected()) this.#ask(entry, question, isAbsence)
      return
    }
    if (this.#waiting >= limits.dnsQueriesWaiting || !this.#ask(entry, question, isAbsence)) {
      done({ kind: 'failed', reason: 'dns-overloaded' })
      return
    }
    entry.waiting.push(deliver)
    this.#waiting += 1
  }

  stop(): void {
    for (const entry of this.#entries.values()) entry.reading?.cancel()
    this.#entries.clear()
  }

  #answerFromMemory(entry: Entry, deliver: Deliver<unknown>): boolean {
    const { value, isAbsence, asOfMs } = entry
    if (value === undefined) return false
    const { clock, connected, staleness } = this.#options
    const { allowStale, maxStaleMs } = staleness()
    const ageMs = clock.monotonicMs() - asOfMs
    if (!allowStale) return false
    const usable = isAbsence ? freshAbsenceMs : usableMs
    if (connected() ? ageMs >= usable : ageMs > maxStaleMs) return false
    const keepMs = isAbsence ? freshAbsenceMs : freshMs
    deliver({ kind: 'found', value: value.answer, keepMs, subject: undefined })
    return true
  }

  /** Asks unless a question is under way; false where too many are. */
  #ask<Name extends QueryName>(
    entry: Entry,
    { name, args, elsewhere }: DnsQuestion<Name>,
    isAbsence: (answer: Answer<Name>) => boolean,
  ): boolean {
    if (entry.reading !== undefined) return true
    if (this.#inFlight >= limits.dnsLookupsInFlight) return false
    const { read, clock, staleness } = this.#options
    const { allowStale, maxStaleMs } = staleness()
    const end = (): void => {
      timer.cancel()
      entry.reading = undefined
      this.#inFlight -= 1
    }
    this.#inFlight += 1
    const timer: Timer = clock.after(limits.dnsLookupMs, () => {
      reading.cancel()
      end()
      this.#failed(entry, 'dns-no-server')
    })
    const options = { consistency: allowStale ? 'stale' : 'default', minIndex: 0, waitMs: 0 } as const
    const place = elsewhere === undefined ? {} : { datacenter: elsewhere.datacenter }
    const reading = read({ name, args, options, token: '', ...place }, (result) => {
      end()
      if (!result.ok && elsewhere !== undefined && result.failure.code === 'unknown-datacenter')
        this.#answered(entry, elsewhere.none, true)
      else if (!result.ok) this.#failed(entry, 'dns-no-server')
      else if (result.value.meta.lastContactMs > maxStaleMs) this.#failed(entry, 'dns-too-stale')
      else this.#answered(entry, result.value.answer, isAbsence(result.value.answer))
    })
    entry.reading = reading
    return true
  }

  #answered(entry: Entry, answer: unknown, isAbsence: boolean): void {
    entry.value = { answer }
    entry.isAbsence = isAbsence
    entry.asOfMs = this.#options.clock.monotonicMs()
    const keepMs = isAbsence ? freshAbsenceMs : freshMs
    this.#deliver(entry, (deliver) => deliver({ kind: 'found', value: answer, keepMs, subject: undefined }))
  }

  /** What was known before is better than nothing, where it may be used at all. */
  #failed(entry: Entry, reason: DnsRefusalCode): void {
    const { clock, staleness } = this.#options
    const { allowStale, maxStaleMs } = staleness()
    const { value } = entry
    const isUsable = allowStale && clock.monotonicMs() - entry.asOfMs <= maxStaleMs
    this.#deliver(entry, (deliver) => {
      if (value === undefined) deliver({ kind: 'failed', reason })
      else if (!isUsable) deliver({ kind: 'failed', reason: 'dns-too-stale' })
      else deliver({ kind: 'found', value: value.answer, keepMs: freshMs, subject: undefined })
    })
  }

  #deliver(entry: Entry, each: (deliver: Deliver<unknown>) => void): void {
    const { waiting } = entry
    entry.waiting = []
    this.#waiting -= waiting.length
    for (const deliver of waiting) each(deliver)
  }

  #entry(key: string): Entry {
    const known = this.#entries.get(key)
    const entry = known ?? {
      value: undefined,
      isAbsence: false,
      asOfMs: 0,
      reading: undefined,
      waiting: [],
    }
    if (known !== undefined) this.#entries.delete(key)
    this.#entries.set(key, entry)
    if (this.#entries.size > limits.dnsAnswersRemembered) this.#forgetOldest()
    return entry
  }

  #forgetOldest(): void {
    for (const [key, entry] of this.#entries) {
      if (entry.reading !== undefined) continue
      this.#entries.delete(key)
      return
    }
  }
}
