/**
 * Follows the alias that a service or node with a host name for an address has: within our domains by ourselves, elsewhere
 * through the configured name servers. Where neither knows, the alias alone is the answer.
 */
import dnsPacket from 'dns-packet'
import { limits } from '../../model/limits.ts'
import { addressBytes } from '../../wire/dns/address.ts'
import { flags, headerBytes, largestMessageBytes, rcodes, typeName } from '../../wire/dns/codes.ts'
import { isWritableName } from '../../wire/dns/message.ts'
import { writeQuestion } from '../../wire/dns/query.ts'
import type { DnsAnswer, DnsRecord } from '../../wire/dns/record.ts'
import { type OwnNames, readName } from './lookup.ts'
import type { Outcome } from './outcome.ts'
import type { Recursion } from './recursion.ts'
import type { Resolver } from './resolver.ts'

export interface AliasesOptions {
  readonly names: OwnNames
  readonly resolver: Resolver
  readonly recursion: Recursion
}

type Done = (outcome: Outcome) => void

export class Aliases {
  readonly #options: AliasesOptions

  constructor(options: AliasesOptions) {
    this.#options = options
  }

  /** `outcome` ends with an alias; `type` is what was asked for. Adds what the alias stands for. */
  follow(outcome: Outcome, type: number, done: Done, depth = 0): void {
    const { names, resolver } = this.#options
    const record = outcome.answers.at(-1)?.record
    if (record?.type !== 'CNAME' || depth >= limits.dnsAliases) {
      done(outcome)
      return
    }
    const target = record.target.toLowerCase()
    const reading = readName(target.split('.'), names)
    if (reading.kind !== 'ours') {
      this.#outside(outcome, { target, type }, done)
      return
    }
    resolver.resolve({ name: target, type }, reading, (found) => {
      const more = found.rcode === rcodes.noError ? found.answers : []
      const whole = { ...outcome, answers: [...outcome.answers, ...more], keepMs: 0 }
      if (more.length === 0) done(whole)
      else this.follow(whole, type, done, depth + 1)
    })
  }

  #outside(
    outcome: Outcome,
    { target, type }: { readonly target: string; readonly type: number },
    done: Done,
  ): void {
    const { recursion } = this.#options
    const question = writeQuestion(target, type)
    if (question === undefined || !recursion.isOn()) {
      done(outcome)
      return
    }
    const query = Buffer.alloc(headerBytes + question.length)
    query.writeUInt16BE(flags.recursionDesired, 2)
    query.writeUInt16BE(1, 4)
    query.set(question, headerBytes)
    recursion.ask(query, { transport: 'tcp', maxBytes: largestMessageBytes }, (answer) => {
      const more = answer.kind === 'answered' ? recordsOf(answer.packet, type) : []
      done({ ...outcome, answers: [...outcome.answers, ...more], keepMs: 0 })
    })
  }
}

/** Aliases and addresses of an answer; none of one that cannot be read. */
function recordsOf(packet: Buffer, type: number): readonly DnsAnswer[] {
  let decoded: ReturnType<typeof dnsPacket.decode>
  try {
    decoded = dnsPacket.decode(packet)
  } catch {
    return []
  }
  const wanted = typeName(type)
  return (decoded.answers ?? []).slice(0, limits.dnsAnswers).flatMap((answer) => {
    const record = recordOf(answer, wanted)
    return record === undefined ? [] : [{ record, additional: [] }]
  })
}

function recordOf(answer: dnsPacket.Answer, wanted: string): DnsRecord | undefined {
  if (!('data' in answer) || !isWritableName(answer.name)) return undefined
  const { name, type, data } = answer
  const ttlSeconds = Math.min('ttl' in answer ? (answer.ttl ?? 0) : 0, 2 ** 31 - 1)
  if (typeof data !== 'string') return undefined
  if (type === 'CNAME') return isWritableName(data) ? { type, name, ttlSeconds, target: data } : undefined
  const address = addressBytes(data)
  if ((type !== 'A' && type !== 'AAAA') || type !== wanted || address === undefined) return undefined
  return { type, name, ttlSeconds, address }
}
