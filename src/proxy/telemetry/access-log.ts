/**
 * The access log: one line per connection that ended and per refusal, in a file of its own or in the program's log. The
 * fields are a contract with people and with tests; both directions use the same names, so that two proxies' lines can be
 * laid side by side.
 */
import { limits } from '../../model/limits.ts'
import { type RefusalCode, refusalCatalogue } from '../../model/refusal.ts'
import { TokenBucket } from '../../model/token-bucket.ts'
import type { Clock, LineFile, Log } from '../../platform/ports.ts'
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
  /** Absent: TCP. */
  readonly protocol?: 'udp'
}

export interface ConnectionEnd {
  readonly code: EndCode
  readonly bytesToDestination: number
  readonly bytesToSource: number
  readonly durationMs: number
}

export interface AccessLog {
  ended(facts: ConnectionFacts, end: ConnectionEnd): void
  /** Counts and logs; in the program's log only so many per second. `text` may be ''. */
  refused(facts: ConnectionFacts, code: RefusalCode, text: string): void
}

export interface AccessLogOptions {
  readonly log: Log
  readonly counters: PairCounters
  readonly clock: Clock
  /** Takes a line for every connection and every refusal; without it connections stand in the log as well. */
  readonly file: LineFile | undefined
}

/** `destination` is the local service on inbound listeners, and unknown peers have `source` ''. */
export function createAccessLog({ log, counters, clock, file }: AccessLogOptions): AccessLog {
  const strangers = new Sampled(clock, limits.strangersLoggedPerSecond)
  const others = new Sampled(clock, limits.refusalsLoggedPerSecond)
  return {
    ended(facts, end) {
      counters.ended(counters.slot(facts.direction, facts.source, facts.destination), end.durationMs)
      const fields = { ...facts, ...end, durationMs: Math.round(end.durationMs * 1_000) / 1_000 }
      if (file === undefined) log.info('connection ended', fields)
      else file.append(lineOf('ended', fields, clock))
    },
    refused(facts, code, text) {
      counters.refused(counters.slot(facts.direction, facts.source, facts.destination), code)
      const isStranger = facts.direction === 'inbound' && facts.source === ''
      const unlogged = (isStranger ? strangers : others).take()
      // A flood of strangers must fill neither log.
      if (unlogged === undefined && (isStranger || file === undefined)) return
      const fields = { ...facts, code, text: text === '' ? refusalCatalogue[code].what : text }
      if (unlogged !== undefined)
        log.warn('connection refused', unlogged === 0 ? fields : { ...fields, unlogged })
      file?.append(lineOf('refused', fields, clock))
    },
  }
}

/** `tls` and `protocol` say in words what tools for HTTP logs look for. */
function lineOf(event: 'ended' | 'refused', fields: ConnectionFacts & object, clock: Clock): string {
  const time = new Date(clock.wallMs()).toISOString()
  return JSON.stringify({ time, event, protocol: 'tcp', tls: fields.tlsVersion !== '', ...fields })
}

/** So many a second. */
class Sampled {
  private readonly clock: Clock
  private readonly bucket: TokenBucket
  private passedOver = 0

  constructor(clock: Clock, perSecond: number) {
    this.clock = clock
    this.bucket = new TokenBucket(perSecond, perSecond)
  }

  /** How many were passed over since the last one that was taken; undefined: this one is passed over too. */
  take(): number | undefined {
    if (this.bucket.take(this.clock.monotonicMs()) > 0) {
      this.passedOver += 1
      return undefined
    }
    const { passedOver } = this
    this.passedOver = 0
    return passedOver
  }
}
