/**
 * Keeps a host in its pool: tries the configured addresses and the peers of the last run, again and again while nobody
 * answers, at growing intervals. Says each time whom it tried and what was wrong, and nothing while all is well.
 */
import type { Clock, Log, Random, Timer } from '../platform/ports.ts'
import type { JoinReport } from './contract.ts'

export interface RetryJoinOptions {
  readonly pool: string
  /** What to try this time: what operators wrote first. */
  readonly addresses: () => readonly string[]
  readonly join: (addresses: readonly string[], done: (report: JoinReport) => void) => void
  /** Somebody else met us meanwhile. */
  readonly isJoined: () => boolean
  /** Between attempts at most (Consul: 30 s). */
  readonly intervalMs: number
  /** Attempts until it gives up; 0: never. */
  readonly attempts: number
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** `isJoined` false: it gave up. */
  readonly done: (isJoined: boolean) => void
}

const firstPauseMs = 1_000
/** Reasons in one line of the log. */
const reasonsShown = 8

export class RetryJoin {
  readonly #options: RetryJoinOptions
  #timer: Timer | undefined
  #tried = 0
  #pauseMs = firstPauseMs
  #isStopped = false
  #hasJoined = false

  constructor(options: RetryJoinOptions) {
    this.#options = options
  }

  get hasJoined(): boolean {
    return this.#hasJoined
  }

  start(): void {
    const { addresses, join, isJoined } = this.#options
    if (this.#isStopped) return
    if (isJoined()) {
      this.#succeed('another member met this one')
      return
    }
    const tried = addresses()
    if (tried.length === 0) {
      this.#again({ joined: 0, failures: [] })
      return
    }
    join(tried, (report) => {
      if (this.#isStopped) return
      if (report.joined > 0) this.#succeed(`${report.joined} of ${tried.length} addresses answered`)
      else this.#again(report)
    })
  }

  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
  }

  #succeed(how: string): void {
    this.stop()
    this.#hasJoined = true
    const { log, pool, done } = this.#options
    log.info('joined the pool', { pool, how })
    done(true)
  }

  #again({ failures }: JoinReport): void {
    const { attempts, clock, random, intervalMs, log, pool, done } = this.#options
    this.#tried += 1
    const reasons = failures.slice(0, reasonsShown)
    const more = failures.length - reasons.length
    if (more > 0) reasons.push(`and ${more} more`)
    if (attempts > 0 && this.#tried >= attempts) {
      this.stop()
      log.error('no member of the pool answered; giving up', { pool, attempts, reasons })
      done(false)
      return
    }
    const pauseMs = Math.round(this.#pauseMs * (0.75 + random.fraction() / 2))
    this.#pauseMs = Math.min(intervalMs, this.#pauseMs * 2)
    if (failures.length > 0)
      log.warn('no member of the pool answered; trying again', { pool, reasons, againInMs: pauseMs })
    this.#timer = clock.after(pauseMs, () => this.start())
  }
}
