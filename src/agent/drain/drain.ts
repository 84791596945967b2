/**
 * One drain: an instance (or a whole host) that is in maintenance already. First the other proxies learn of it, then new
 * streams are refused, which their senders take elsewhere, and at the deadline the rest is cut. Acts by what it says of
 * itself (`stage`); the plan and the proxy do it.
 */
import { limits } from '../../model/limits.ts'
import type { InboundDrain } from '../../model/proxy-config.ts'
import type { Clock, Timer } from '../../platform/ports.ts'
import type { ProxyLink } from '../contract.ts'
import type { DrainPhase, DrainProgress } from './contract.ts'
import type { KnownBy } from './known-by.ts'

export interface DrainOptions {
  readonly serviceId: string
  /** Service ids of the proxies that stand before it. */
  readonly proxies: readonly string[]
  readonly timeoutMs: number
  readonly clock: Clock
  readonly link: Pick<ProxyLink, 'draining'>
  /** Watches what the others know; one per service that is called. `onChange` asks for another look. */
  readonly follow: (onChange: () => void) => readonly KnownBy[]
  /** The stage is another one: plan again. */
  readonly onStage: () => void
  readonly onDrained: (progress: DrainProgress) => void
}

export class Drain {
  /** What the proxies here shall do with it. */
  stage: InboundDrain | undefined
  readonly #options: DrainOptions
  readonly #startedMs: number
  readonly #known: readonly KnownBy[]
  #phase: DrainPhase = 'leaving'
  #timer: Timer | undefined
  #cut = 0

  constructor(options: DrainOptions) {
    this.#options = options
    this.#startedMs = options.clock.monotonicMs()
    this.#known = options.follow(() => this.#look())
    this.#plan()
  }

  get proxies(): readonly string[] {
    return this.#options.proxies
  }

  progress(): DrainProgress {
    const counts = this.#known.flatMap(({ count }) => count ?? [])
    return {
      serviceId: this.#options.serviceId,
      phase: this.#phase,
      known:
        counts.length < this.#known.length || counts.length === 0
          ? undefined
          : {
              proxies: counts.reduce((sum, { proxies }) => sum + proxies, 0),
              total: counts.reduce((sum, { total }) => sum + total, 0),
            },
      open: this.#open(),
      cut: this.#cut,
      leftMs: this.#phase === 'drained' ? 0 : Math.max(0, this.#options.timeoutMs - this.#ageMs()),
    }
  }

  stop(): void {
    this.#timer?.cancel()
    for (const known of this.#known) known.stop()
  }

  #ageMs(): number {
    return this.#options.clock.monotonicMs() - this.#startedMs
  }

  #plan(): void {
    this.#timer = this.#options.clock.after(limits.drainLookMs, () => {
      this.#look()
      if (this.#phase !== 'drained') this.#plan()
    })
  }

  #look(): void {
    if (this.#phase === 'leaving') this.#leave()
    if (this.#phase === 'closing') this.#close()
  }

  #leave(): void {
    const { timeoutMs, onStage } = this.#options
    const everybodyKnows = this.#known.length > 0 && this.#known.every((known) => known.isComplete)
    if (!everybodyKnows && this.#ageMs() < Math.min(limits.drainSettleMs, timeoutMs)) return
    this.#phase = 'closing'
    this.stage = 'refuse'
    onStage()
  }

  #close(): void {
    const open = this.#open()
    const isOver = this.#ageMs() >= this.#options.timeoutMs
    if (open !== 0 && !isOver) return
    this.#phase = 'drained'
    this.#cut = open ?? 0
    this.stage = 'cut'
    this.stop()
    this.#options.onStage()
    this.#options.onDrained(this.progress())
  }

  /** Undefined until every connected proxy refuses new streams: before, the number could still grow. */
  #open(): number | undefined {
    let open = 0
    for (const proxy of this.#options.proxies) {
      const state = this.#options.link.draining(proxy)
      if (state.refusing < state.proxies) return undefined
      open += state.open
    }
    return open
  }
}
