/**
 * What operators read of a pool: who came and went, conflicts, links that carry no datagrams, and this host's own
 * trouble. Counts everything, and logs what repeats itself at a bounded pace.
 */
import { limits } from '../model/limits.ts'
import { TokenBucket } from '../model/token-bucket.ts'
import type { Clock, Log, Metrics } from '../platform/ports.ts'
import type { SwimEvent } from '../swim/effects.ts'
import type { Swim } from '../swim/swim.ts'

export interface ChronicleOptions {
  readonly pool: string
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
}

/** Of one kind of line that may repeat itself. */
const linesPerSecond = 0.1
const linesAtOnce = 3

/** Shorter ones are counted only: on a busy host every start has some, and nobody is taken for failed by them. */
const toldStallMs = 1_000

export class Chronicle {
  readonly #options: ChronicleOptions
  readonly #joins = new TokenBucket(linesPerSecond, linesAtOnce)
  readonly #stalls = new TokenBucket(linesPerSecond, linesAtOnce)
  readonly #refutations = new TokenBucket(linesPerSecond, linesAtOnce)
  readonly #conflicts = new TokenBucket(linesPerSecond, linesAtOnce)
  /** Members that were reported as reached over streams only. */
  readonly #streamOnly = new Set<string>()

  constructor(options: ChronicleOptions) {
    this.#options = options
  }

  note(event: Exclude<SwimEvent, { readonly type: 'user' }>, swim: Swim): void {
    const { log, metrics, pool } = this.#options
    metrics.count('mesh_gossip_events_total', { pool, event: event.type })
    switch (event.type) {
      case 'joined':
      case 'failed':
      case 'left':
      case 'reaped':
        this.#noteMember(event.type, event.member.record)
        this.gauge(swim)
        return
      case 'probed':
        this.#streamOnly.delete(event.member.name)
        return
      case 'stream-only':
        this.#noteStreamOnly(event.member.name)
        return
      case 'stalled':
        if (event.lateMs >= toldStallMs && this.#isTime(this.#stalls))
          log.warn('this process stood still and does not trust its own clock for a moment', {
            pool,
            lateMs: Math.round(event.lateMs),
          })
        return
      case 'refuted':
        if (this.#isTime(this.#refutations))
          log.warn('another member took this host for failed and was told otherwise', {
            pool,
            by: event.from,
          })
        return
      case 'conflict':
        if (this.#isTime(this.#conflicts))
          log.warn('two hosts have one node name', {
            pool,
            node: event.claim.node,
            known: `${event.member.record.address}:${event.member.record.port}`,
            other: `${event.claim.address}:${event.claim.port}`,
          })
        return
      default:
    }
  }

  gauge(swim: Swim): void {
    const { metrics, pool } = this.#options
    for (const status of ['alive', 'suspect', 'dead', 'left'] as const)
      metrics.gauge('mesh_gossip_members', swim.count(status), { pool, status })
    metrics.gauge('mesh_gossip_health_score', swim.healthScore, { pool })
    metrics.gauge('mesh_gossip_queue', swim.queued, { pool })
  }

  #noteMember(
    what: 'joined' | 'failed' | 'left' | 'reaped',
    record: { node: string; address: string },
  ): void {
    const { log, pool } = this.#options
    const facts = { pool, node: record.node, address: record.address }
    if (what === 'failed') log.warn('a member failed', facts)
    else if (what === 'joined') this.#noteJoined(facts)
    else if (what === 'left') log.info('a member left', facts)
    else log.info('a member that was gone is forgotten', facts)
    if (what === 'reaped') this.#streamOnly.delete(record.node)
  }

  /** Whoever meets a pool of thousands hears of each within a moment; `mesh members` lists them. */
  #noteJoined(facts: { pool: string; node: string; address: string }): void {
    const { log } = this.#options
    if (this.#isTime(this.#joins)) log.info('a member joined', facts)
    else log.debug('a member joined', facts)
  }

  #noteStreamOnly(node: string): void {
    if (this.#streamOnly.has(node) || this.#streamOnly.size >= limits.gossipSourcesLogged) return
    this.#streamOnly.add(node)
    const { log, pool } = this.#options
    log.warn('a member answers over TCP only; check that UDP passes between both hosts', { pool, node })
  }

  #isTime(pace: TokenBucket): boolean {
    return pace.take(this.#options.clock.monotonicMs()) === 0
  }
}
