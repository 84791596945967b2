/**
 * The access log: one line per connection that ended and per refusal, through the `Log` port. The fields are a contract
 * with people and with tests; both directions use the same names, so that two proxies' lines can be laid side by side.
 */
import { limits } from '../../model/limits.ts'
import { type RefusalCode, refusalCatalogue } from '../../model/refusal.ts'
import { TokenBucket } from '../../model/token-bucket.ts'
import type { Clock, Log } from '../../platform/ports.ts'
import type { EndCode } from '../../wire/tunnel/codes.ts'
import type { Direction, PairCounters } from './counters.ts'

/** What is known of a connection; '' where it is not. */
export interface ConnectionFacts {
  readonly direction: Direction
  /** Name of the inbound or outbound resource. */
  readonly listener: string
  readonly source: string
  readonly destination: string
  /** Mesh instance `<node>/<service id>`. */
  readonly instance: string
  /** Address of the other proxy. */
  readonly address: string
  readonly peerUri: string
  readonly tlsVersion: string
}

export interface ConnectionEnd {
  readonly code: EndCode
  readonly bytesToDestination: number
  readonly bytesToSource: number
  readonly durationMs: number
}

export interface AccessLog {
  ended(facts: ConnectionFacts, end: ConnectionEnd): void
  /** Counts and logs; of peers that never proved who they are only so many per second. `text` may be ''. */
  refused(facts: ConnectionFacts, code: RefusalCode, text: string): void
}

/** `destination` is the local service on inbound listeners, and unknown peers have `source` ''. */
export function createAccessLog(log: Log, counters: PairCounters, clock: Clock): AccessLog {
  const strangers = new TokenBucket(limits.strangersLoggedPerSecond, limits.strangersLoggedPerSecond)
  let unlogged = 0
  return {
    ended(facts, end) {
      log.info('connection ended', {
        ...facts,
        ...end,
        durationMs: Math.round(end.durationMs * 1_000) / 1_000,
      })
    },
    refused(facts, code, text) {
      counters.refused(counters.slot(facts.direction, facts.source, facts.destination), code)
      const isStranger = facts.direction === 'inbound' && facts.source === ''
      if (isStranger && strangers.take(clock.monotonicMs()) > 0) {
        unlogged += 1
        return
      }
      log.warn('connection refused', {
        ...facts,
        code,
        text: text === '' ? refusalCatalogue[code].what : text,
        ...(isStranger && unlogged > 0 ? { unlogged } : {}),
      })
      if (isStranger) unlogged = 0
    },
  }
}
