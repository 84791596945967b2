/** What the agent knows about something that DNS asks for, in memory or after a question to a server. */
import type { DnsRefusalCode } from '../../model/dns-refusal.ts'
import type { Subject } from '../../model/topic.ts'

export type Found<Value> =
  | {
      readonly kind: 'found'
      readonly value: Value
      /** How long an answer made from it may be repeated, unless `subject` changes before. */
      readonly keepMs: number
      readonly subject: Subject | undefined
    }
  | { readonly kind: 'failed'; readonly reason: DnsRefusalCode }

/** Called once, perhaps inside the call. */
export type Deliver<Value> = (found: Found<Value>) => void

export interface Staleness {
  readonly allowStale: boolean
  readonly maxStaleMs: number
}
