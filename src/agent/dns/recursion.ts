/**
 * Passes questions about names that are not ours on to the configured name servers, one after another, and their answers
 * back. Equal questions share one, so that two servers that pass questions on to each other make one question of it and not
 * a storm. Knows nothing of what an answer says, except whether the next server should be asked.
 */
import type { DnsSettings } from '../../config/dns-settings.ts'
import type { DnsRefusalCode } from '../../model/dns-refusal.ts'
import { limits } from '../../model/limits.ts'
import type { Clock, Metrics, Random } from '../../platform/ports.ts'
import { flags, headerBytes, rcodes } from '../../wire/dns/codes.ts'
import { askRecursor } from './recursor-exchange.ts'

export interface RecursionOptions {
  readonly settings: () => DnsSettings
  readonly clock: Clock
  readonly random: Random
  readonly metrics: Metrics
}

export type RecursionAnswer =
  | { readonly kind: 'answered'; readonly packet: Buffer }
  | { readonly kind: 'failed'; readonly reason: DnsRefusalCode }

export interface AskedBy {
  readonly transport: 'udp' | 'tcp'
  /** The largest answer that the client takes. */
  readonly maxBytes: number
}

type Deliver = (answer: Buffer | undefined) => void

interface Asked {
  readonly waiting: Deliver[]
  cancel: () => void
}

export class Recursion {
  readonly #options: RecursionOptions
  readonly #asked = new Map<string, Asked>()

  constructor(options: RecursionOptions) {
    this.#options = options
  }

  /** There are name servers to ask. */
  isOn(): boolean {
    return this.#options.settings().recursors.length > 0
  }

  /** `query` is a whole message that was read without fault; the answer carries its number. */
  ask(query: Buffer, by: AskedBy, done: (answer: RecursionAnswer) => void): void {
    const key = `${by.transport} ${query.toString('latin1', 2)}`
    const known = this.#asked.get(key)
    const isFull =
      known === undefined
        ? this.#asked.size >= limits.dnsRecursionsInFlight
        : known.waiting.length >= limits.dnsRecursionClients
    if (isFull) {
      done({ kind: 'failed', reason: 'dns-overloaded' })
      return
    }
    const asked = known ?? { waiting: [], cancel: () => undefined }
    asked.waiting.push((answer) => {
      if (answer === undefined) done({ kind: 'failed', reason: 'dns-recursion-failed' })
      else done({ kind: 'answered', packet: fitted(answer, query, by.maxBytes) })
    })
    if (known !== undefined) return
    this.#asked.set(key, asked)
    this.#askAll(asked, { query, transport: by.transport }, (answer) => {
      this.#asked.delete(key)
      this.#options.metrics.count('mesh_dns_recursions_total', {
        outcome: answer === undefined ? 'failed' : 'answered',
      })
      for (const deliver of asked.waiting) deliver(answer)
    })
  }

  stop(): void {
    for (const { cancel } of this.#asked.values()) cancel()
    this.#asked.clear()
  }

  #askAll(
    asked: Asked,
    about: { readonly query: Buffer; readonly transport: 'udp' | 'tcp' },
    end: Deliver,
  ): void {
    const { settings, random, clock } = this.#options
    const { recursors, recursorStrategy, recursorTimeoutMs: timeoutMs } = settings()
    const places = recursors.map((recursor) => ({ recursor, place: random.fraction() }))
    if (recursorStrategy === 'random') places.sort((a, b) => a.place - b.place)
    const message = Buffer.from(about.query)
    message.set(random.bytes(2), 0)
    const questionEnd = endOfQuestion(message)
    let last: Buffer | undefined
    const next = (at: number): void => {
      const recursor = places[at]?.recursor
      if (recursor === undefined) {
        end(last)
        return
      }
      const judge = (answer: Buffer | undefined): void => {
        last = answer ?? last
        if (answer === undefined || isWorthless(answer)) next(at + 1)
        else end(answer)
      }
      const ask = (transport: 'udp' | 'tcp', then: Deliver): void => {
        const question = { recursor, transport, message, questionEnd, timeoutMs }
        asked.cancel = askRecursor(question, clock, then)
      }
      ask('udp', (answer) => {
        if (about.transport === 'tcp' && answer !== undefined && isTruncated(answer)) ask('tcp', judge)
        else judge(answer)
      })
    }
    next(0)
  }
}

function endOfQuestion(message: Buffer): number {
  let at = headerBytes
  for (let length = message[at] ?? 0; length !== 0; length = message[at] ?? 0) at += 1 + length
  return at + 5
}

const bitsOf = (message: Buffer): number => message.readUInt16BE(2)
const isTruncated = (answer: Buffer): boolean => (bitsOf(answer) & flags.truncated) !== 0

/** The server could not, or did not want to; another one may. */
function isWorthless(answer: Buffer): boolean {
  const rcode = bitsOf(answer) & 0xf
  return rcode === rcodes.servFail || rcode === rcodes.refused || rcode === rcodes.notImp
}

/** With the client's number and letters; cut to the question where it is larger than the client takes. */
function fitted(answer: Buffer, query: Buffer, maxBytes: number): Buffer {
  const end = endOfQuestion(query)
  const isCut = answer.length > maxBytes
  const packet = Buffer.from(isCut ? answer.subarray(0, end) : answer)
  packet.writeUInt16BE(query.readUInt16BE(0), 0)
  packet.writeUInt16BE(bitsOf(packet) | flags.recursionAvailable | (isCut ? flags.truncated : 0), 2)
  if (packet.length >= end && packet.readUInt16BE(4) === 1) query.copy(packet, headerBytes, headerBytes, end)
  if (isCut) packet.fill(0, 6, headerBytes)
  return packet
}
