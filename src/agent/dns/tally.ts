/**
 * Counts queries by type and result. A counter of the metrics costs more than an answer from memory, so they are counted in
 * an array here and handed over once a second. Refusals are logged too, a few per second: a flood must not fill the disk.
 */
import type { DnsRefusalCode } from '../../model/dns-refusal.ts'
import { limits } from '../../model/limits.ts'
import { TokenBucket } from '../../model/token-bucket.ts'
import type { Clock, Log, Metrics, Timer } from '../../platform/ports.ts'
import { type Rcode, rcodeName, rcodes, typeName } from '../../wire/dns/codes.ts'

export interface TallyOptions {
  readonly clock: Clock
  readonly metrics: Metrics
  readonly log: Log
}

const handOverMs = 1_000
const types = 256
const codes = 17

export class Tally {
  readonly #options: TallyOptions
  readonly #counts = new Uint32Array((types + 1) * codes)
  readonly #touched = new Set<number>()
  readonly #pace = new TokenBucket(limits.dnsRefusalsLoggedPerSecond, limits.dnsRefusalsLoggedPerSecond)
  #timer: Timer | undefined

  constructor(options: TallyOptions) {
    this.#options = options
  }

  /** Where queries of this type with this result are counted. */
  cellOf(type: number, rcode: Rcode): number {
    return Math.min(type, types) * codes + rcode
  }

  count(cell: number): void {
    const before = this.#counts[cell] ?? 0
    this.#counts[cell] = before + 1
    if (before > 0) return
    this.#touched.add(cell)
    this.#timer ??= this.#options.clock.after(handOverMs, () => this.flush())
  }

  refused(code: DnsRefusalCode, fields: { readonly client: string; readonly name?: string }): void {
    const { clock, metrics, log } = this.#options
    metrics.count('mesh_dns_refusals_total', { code })
    if (this.#pace.take(clock.monotonicMs()) === 0) log.warn('A DNS query was refused', { code, ...fields })
  }

  /** Hands over what was counted. */
  flush(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    for (const cell of this.#touched) {
      const result = Object.values(rcodes).find((rcode) => rcode === cell % codes) ?? rcodes.servFail
      const labels = { type: typeName(Math.floor(cell / codes)), rcode: rcodeName(result) }
      this.#options.metrics.count('mesh_dns_queries_total', labels, this.#counts[cell] ?? 0)
      this.#counts[cell] = 0
    }
    this.#touched.clear()
  }
}
