/**
 * What a worker tells its agent about itself once per period: counters that changed, and how much is open. Knows no link.
 */
import { sameValue } from '../../model/equality.ts'
import { limits } from '../../model/limits.ts'
import type { Clock, Timer } from '../../platform/ports.ts'
import type { DrainingInbound, PairStats } from '../../wire/link/message.ts'
import type { PairCounters } from './counters.ts'

export interface Gauges {
  readonly open: number
  readonly expired: number
  readonly draining: readonly DrainingInbound[]
}

type SendStats = (gauges: Gauges, pairs: readonly PairStats[]) => void

/** Sends counters that changed, once per period; after a redial all of them, because the agent may be a new one. */
export class StatsSender {
  private readonly clock: Clock
  private readonly counters: PairCounters
  private readonly gauges: () => Gauges
  private readonly send: SendStats
  private sent: Gauges = { open: 0, expired: 0, draining: [] }
  private timer: Timer | undefined

  constructor(clock: Clock, counters: PairCounters, gauges: () => Gauges, send: SendStats) {
    this.clock = clock
    this.counters = counters
    this.gauges = gauges
    this.send = send
  }

  start(): void {
    this.timer = this.clock.after(limits.statsEveryMs, () => {
      const pairs = this.counters.takeChanged()
      if (pairs.length > 0 || !sameValue(this.gauges(), this.sent)) this.sendNow(pairs)
      this.start()
    })
  }

  sendAll(): void {
    this.sendNow(this.counters.all())
  }

  /**
   * Another configuration is in force: an instance that is taken out of use is told of again, also where the numbers are those
   * of before, because the agent counts only what it hears from here on.
   */
  configured(): void {
    this.sent = { ...this.sent, draining: [] }
  }

  stop(): void {
    this.timer?.cancel()
  }

  private sendNow(pairs: readonly PairStats[]): void {
    this.sent = this.gauges()
    this.send(this.sent, pairs)
  }
}
