/** A question, and what becomes of it before it is written down. */
import type { DnsRefusalCode } from '../../model/dns-refusal.ts'
import type { Subject } from '../../model/topic.ts'
import { type Rcode, rcodes } from '../../wire/dns/codes.ts'
import type { DnsAnswer, DnsRecord } from '../../wire/dns/record.ts'

export interface Question {
  /** In lower case. */
  readonly name: string
  readonly type: number
}

export interface Outcome {
  readonly rcode: Rcode
  readonly answers: readonly DnsAnswer[]
  readonly authority: readonly DnsRecord[]
  /** How long the same answer may be given again; 0: not at all. */
  readonly keepMs: number
  /** What it was made from, where the agent hears of changes. */
  readonly subject?: Subject
  /** Of an error. */
  readonly reason?: DnsRefusalCode
}

export const refusal = (rcode: Rcode, reason: DnsRefusalCode): Outcome => ({
  rcode,
  reason,
  answers: [],
  authority: [],
  keepMs: 0,
})

export const servFail = (reason: DnsRefusalCode): Outcome => refusal(rcodes.servFail, reason)
