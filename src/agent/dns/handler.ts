/**
 * One DNS query from bytes to bytes: reads it, asks whoever knows (the resolver, other name servers), writes the answer as
 * large as the client takes it. Repeated questions are answered by packets.ts before they come here. Knows no socket.
 */
import type { DnsSettings } from '../../config/dns-settings.ts'
import { limits } from '../../model/limits.ts'
import type { Log, Random } from '../../platform/ports.ts'
import { classAny, classIn, flags, rcodes, recordTypes } from '../../wire/dns/codes.ts'
import { writeMessage } from '../../wire/dns/message.ts'
import { type DnsQuery, type QueryReading, readQuery } from '../../wire/dns/query.ts'
import type { DnsAnswer } from '../../wire/dns/record.ts'
import type { Aliases } from './aliases.ts'
import { type NameReading, type OwnNames, readName } from './lookup.ts'
import { shuffled } from './order.ts'
import { type Outcome, refusal, servFail } from './outcome.ts'
import { answerBytes, type Packets } from './packets.ts'
import type { Recursion } from './recursion.ts'
import type { Resolver } from './resolver.ts'
import type { Tally } from './tally.ts'

export interface HandlerOptions {
  readonly names: OwnNames
  readonly resolver: Resolver
  readonly recursion: Recursion
  readonly aliases: Aliases
  readonly packets: Packets
  readonly tally: Tally
  readonly settings: () => DnsSettings
  readonly random: Pick<Random, 'fraction'>
  readonly log: Log
}

export interface Client {
  readonly transport: 'udp' | 'tcp'
  /** For the log. */
  readonly address: string
}

/** What an answer is written for. */
interface Written {
  readonly query: DnsQuery
  /** The name in lower case; '' where a label holds a dot, because nothing may be compressed against it then. */
  readonly name: string
  readonly client: Client
}

/** A query on its way. */
interface Exchange extends Written {
  readonly bytes: Buffer
  readonly reply: (answer: Uint8Array) => void
}

export class Handler {
  readonly #options: HandlerOptions

  constructor(options: HandlerOptions) {
    this.#options = options
  }

  /** The answer to a question that was answered before, if it is still true; the common way, without one object more. */
  repeated(bytes: Buffer, transport: Client['transport']): Uint8Array | undefined {
    const hit = this.#options.packets.answer(bytes, transport)
    if (hit === undefined) return undefined
    this.#options.tally.count(hit.cell)
    return hit.packet
  }

  /**
   * Calls `reply` once, perhaps inside the call, and returns true; false for a packet that is no query and gets no answer.
   * `bytes` may be kept.
   */
  handle(bytes: Buffer, client: Client, reply: (answer: Uint8Array) => void): boolean {
    const reading = readQuery(bytes)
    if (reading.kind === 'ignored') return false
    if (reading.kind === 'refused') this.#refuse(reading, client, reply)
    else this.#begin({ bytes, query: reading.query, client, reply })
    return true
  }

  #begin({ bytes, query, client, reply }: Omit<Exchange, 'name'>): void {
    const hasDot = query.labels.some((label) => label.includes('.'))
    const name = hasDot ? '' : query.labels.join('.').toLowerCase()
    const exchange = { bytes, query, name, client, reply }
    const refused = refusedQuery(query)
    try {
      if (refused !== undefined) this.#finish(exchange, refused)
      else this.#answer(exchange, readName(query.labels, this.#options.names))
    } catch (error) {
      this.#broken(exchange, error)
    }
  }

  #answer(exchange: Exchange, reading: NameReading): void {
    const { resolver, aliases } = this.#options
    const { query, name } = exchange
    const question = { name, type: query.type }
    switch (reading.kind) {
      case 'ours':
        resolver.resolve(question, reading, (outcome) => {
          const chosen = this.#choose(outcome, query)
          const [first] = chosen.answers
          if (first?.record.type === 'CNAME' && isAddressType(query.type))
            aliases.follow(chosen, query.type, (whole) => this.#finish(exchange, whole))
          else this.#finish(exchange, chosen)
        })
        return
      case 'reverse':
        resolver.reverse(question, reading.address, (outcome) => {
          if (outcome !== undefined) this.#finish(exchange, outcome)
          else this.#passOn(exchange, { rcode: rcodes.nxDomain, answers: [], authority: [], keepMs: 0 })
        })
        return
      case 'outside':
        this.#passOn(exchange, refusal(rcodes.refused, 'dns-outside-domain'))
    }
  }

  /** A name has one alias or none: of several instances with host names one is shown, and addresses go before them. */
  #choose(outcome: Outcome, { type }: DnsQuery): Outcome {
    if (!isAddressType(type)) return outcome
    const aliases = outcome.answers.filter(({ record }) => record.type === 'CNAME')
    if (aliases.length === 0) return outcome
    const rest = outcome.answers.filter(({ record }) => record.type !== 'CNAME')
    if (rest.length > 0) return { ...outcome, answers: rest }
    const one = aliases[Math.floor(this.#options.random.fraction() * aliases.length)]
    // Whose turn it is must not be kept.
    return { ...outcome, answers: one === undefined ? [] : [one], keepMs: 0 }
  }

  /** Asks other name servers where there are any. */
  #passOn(exchange: Exchange, otherwise: Outcome): void {
    const { recursion } = this.#options
    const { bytes, query, client } = exchange
    if (!recursion.isOn() || !query.recursionDesired) {
      this.#finish(exchange, otherwise)
      return
    }
    const maxBytes = answerBytes(client.transport, query.edns?.udpBytes)
    recursion.ask(bytes, { transport: client.transport, maxBytes }, (answer) => {
      if (answer.kind === 'answered') exchange.reply(answer.packet)
      else this.#finish(exchange, servFail(answer.reason))
    })
  }

  #refuse(
    { id, rcode, reason, bits }: QueryReading & { kind: 'refused' },
    client: Client,
    reply: (answer: Uint8Array) => void,
  ): void {
    const { tally } = this.#options
    tally.refused(reason, { client: client.address })
    tally.count(tally.cellOf(0, rcode))
    const nothing = {
      question: new Uint8Array(0),
      name: '',
      answers: [],
      authority: [],
      ednsBytes: undefined,
    }
    const options = { maxBytes: 512, compress: true, markTruncated: false }
    reply(writeMessage({ id, bits, rcode, ...nothing }, options))
  }

  #finish(exchange: Exchange, outcome: Outcome): void {
    const { packets, tally } = this.#options
    const { bytes, query, name, client } = exchange
    const { rcode, reason, answers, keepMs, subject } = outcome
    const cell = tally.cellOf(query.type, rcode)
    if (reason !== undefined) tally.refused(reason, { client: client.address, name })
    tally.count(cell)
    // A kept packet must not keep the client's socket with it.
    const make = (): Uint8Array => this.#write({ query, name, client }, outcome)
    let packet: Uint8Array
    try {
      packet = make()
    } catch (error) {
      this.#broken(exchange, error)
      return
    }
    packets.keep(bytes, client.transport, { make, hasOrders: answers.length > 1, keepMs, subject, cell })
    exchange.reply(packet)
  }

  /** A mistake of ours costs one answer, not the agent: everything on this host needs it. */
  #broken(exchange: Exchange, error: unknown): void {
    const { tally, log } = this.#options
    const { query, name, client } = exchange
    log.error('A DNS query could not be answered', { error: String(error), name, type: query.type })
    tally.refused('dns-internal', { client: client.address, name })
    exchange.reply(this.#write({ query, name: '', client }, servFail('dns-internal')))
  }

  #write({ query, name, client }: Written, outcome: Outcome): Uint8Array {
    const { recursion, settings } = this.#options
    const { disableCompression, enableTruncate } = settings()
    const isOurs = outcome.reason !== 'dns-outside-domain'
    const bits =
      (isOurs ? flags.authoritative : 0) |
      (recursion.isOn() ? flags.recursionAvailable : 0) |
      (query.recursionDesired ? flags.recursionDesired : 0) |
      (query.checkingDisabled ? flags.checkingDisabled : 0)
    const { id, question, edns } = query
    const { rcode, authority } = outcome
    const limited = this.#limited(shuffled(outcome.answers, this.#options.random), query, client)
    const ednsBytes = edns === undefined ? undefined : limits.dnsUdpBytes
    const message = { id, rcode, question, name, authority, ednsBytes, answers: limited }
    const isCut = enableTruncate && limited.length < outcome.answers.length && client.transport === 'udp'
    const packet = writeMessage(
      { ...message, bits: bits | (isCut ? flags.truncated : 0) },
      {
        maxBytes: answerBytes(client.transport, edns?.udpBytes),
        compress: !disableCompression,
        markTruncated: enableTruncate && client.transport === 'udp',
      },
    )
    // In the OPT record, which is the last one; RFC 3225, section 3.
    if (edns?.dnssecOk === true) packet[packet.length - 4] = 0x80
    return packet
  }

  #limited(answers: readonly DnsAnswer[], query: DnsQuery, { transport }: Client): readonly DnsAnswer[] {
    const { udpAnswerLimit, addressLimit } = this.#options.settings()
    const isPlainUdp = transport === 'udp' && query.edns === undefined
    const plain = isPlainUdp && udpAnswerLimit > 0 ? udpAnswerLimit : limits.dnsAnswers
    const isAddresses = query.type !== recordTypes.SRV && addressLimit > 0
    return answers.slice(0, Math.min(plain, isAddresses ? addressLimit : limits.dnsAnswers))
  }
}

const isAddressType = (type: number): boolean => type === recordTypes.A || type === recordTypes.AAAA

function refusedQuery({ type, class: asked, edns }: DnsQuery): Outcome | undefined {
  if (edns !== undefined && edns.version > 0) return refusal(rcodes.badVers, 'dns-edns-version')
  if (type === recordTypes.AXFR || type === recordTypes.IXFR)
    return refusal(rcodes.notImp, 'dns-zone-transfer')
  if (asked !== classIn && asked !== classAny) return refusal(rcodes.refused, 'dns-class')
  return undefined
}
