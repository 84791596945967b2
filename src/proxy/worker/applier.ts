/**
 * Puts what the agent sends in force, one change at a time: check all of it, swap the tables, cut what is denied now,
 * open and close listeners, and only then acknowledge. A change that does not hold leaves everything as it was.
 */
import { limits } from '../../model/limits.ts'
import type { Clock, Log, Timer } from '../../platform/ports.ts'
import { type FromAgent, type FromProxy, readFromAgent, versionOf } from '../../wire/link/message.ts'
import type { ExpiryWatch } from '../identity/expiry.ts'
import type { Listeners } from '../listener/listeners.ts'
import { changeTo, compile, emptyState, type ProxyState, type StateChange } from './compile.ts'
import type { LastGood } from './last-good.ts'

export interface ApplierOptions {
  readonly clock: Clock
  readonly log: Log
  readonly lastGood: LastGood
  readonly expiry: ExpiryWatch
  readonly send: (message: FromProxy) => void
  /** The agent broke the protocol: end this connection. */
  readonly hangUp: (reason: string) => void
  /** The agent serves us. */
  readonly settled: () => void
  /** The agent knows that another configuration is in force. */
  readonly configured: () => void
}

/** States that wait behind one that is being put in force. The agent sends one at a time. */
const waitingMax = 16

export class Applier {
  state: ProxyState = emptyState
  private readonly options: ApplierOptions
  private readonly listeners: Listeners
  private readonly waiting: (() => void)[] = []
  private busy: boolean = false
  private stopped: boolean = false
  /** Number of the agent's state that is in force on this connection; 0: none yet. */
  private version = 0
  /** Counts connections: an answer belongs to the one its question came on. */
  private connection = 0
  /** The agent has spoken in this worker's life; until then nothing is closed for good. */
  private heardAgent: boolean = false
  private problems: readonly string[] = []
  private retryTimer: Timer | undefined

  constructor(options: ApplierOptions, listeners: Listeners) {
    this.options = options
    this.listeners = listeners
  }

  /** Begins with what was kept on disk. */
  start(): void {
    const { lastGood, log } = this.options
    const kept = lastGood.load()
    if (!kept.ok) {
      log.info('no last good state', { reason: kept.failure.message })
      return
    }
    this.run(() => {
      const reason = this.putInForce({ upserts: kept.value, removes: [] }, () => {
        log.info('serving from the last good state', { resources: kept.value.length })
        this.next()
      })
      if (reason === '') return
      log.error('the last good state is not usable', { reason })
      this.next()
    })
  }

  onUp(): void {
    this.connection += 1
    this.version = 0
    // What the last connection brought and is not in force yet will come again as a whole.
    this.waiting.length = 0
  }

  onMessage(raw: unknown): void {
    const message = readFromAgent(raw)
    if (!message.ok) {
      const version = versionOf(raw)
      if (version === 0) this.options.hangUp(message.failure.message)
      else this.refuse(version, message.failure.message)
      return
    }
    this.dispatch(message.value)
  }

  stop(): void {
    this.stopped = true
    this.retryTimer?.cancel()
    this.waiting.length = 0
  }

  private dispatch(message: FromAgent): void {
    switch (message.kind) {
      case 'welcome':
        this.options.settled()
        return
      case 'goaway':
        this.options.hangUp(message.reason)
        return
      case 'full': {
        const { version, resources } = message
        this.run(() => this.apply(version, changeTo(this.state, resources)))
        return
      }
      case 'delta':
        this.run(() => {
          if (message.base === this.version) return this.apply(message.version, message)
          this.options.send({ kind: 'resync' })
          this.next()
        })
        return
    }
  }

  private apply(version: number, change: StateChange): void {
    const { connection } = this
    const heardBefore = this.heardAgent
    this.heardAgent = true
    const isFirst = this.version === 0
    const reason = this.putInForce(change, () => {
      if (isFirst)
        this.options.log.info('serving what the agent says', { resources: this.state.resources.size })
      if (connection === this.connection) {
        this.version = version
        this.options.send({ kind: 'ack', version, problems: this.problems })
        this.options.configured()
      }
      this.options.lastGood.save(this.state.resources)
      this.next()
    })
    if (reason === '') return
    this.heardAgent = heardBefore
    this.refuse(version, reason)
    this.next()
  }

  /** Returns why the change does not hold, or '' and calls `done` when all of it is in force. */
  private putInForce(change: StateChange, done: () => void): string {
    const { expiry } = this.options
    const compiled = compile(this.state, change)
    if (!compiled.ok) return compiled.failure.message
    this.state = compiled.value.state
    expiry.update(this.state.tables.identities.values())
    if (compiled.value.rootsChanged) this.listeners.recheckTrust()
    this.listeners.recheck(compiled.value.policiesChanged)
    this.listeners.cutDrained(this.state.tables)
    this.openListeners(done)
    return ''
  }

  private openListeners(done: () => void): void {
    this.retryTimer?.cancel()
    this.listeners.update(this.state.tables, this.heardAgent, (problems) => {
      if (this.stopped) return
      for (const problem of problems)
        if (!this.problems.includes(problem)) this.options.log.error('a listener is not open', { problem })
      this.problems = problems
      if (problems.length > 0)
        this.retryTimer = this.options.clock.after(limits.bindRetryMs, () => this.run(() => this.retry()))
      done()
    })
  }

  /** Addresses that were taken may be free by now. */
  private retry(): void {
    const { connection, version } = this
    const before = this.problems.join('\n')
    this.openListeners(() => {
      if (version > 0 && connection === this.connection && before !== this.problems.join('\n'))
        this.options.send({ kind: 'ack', version, problems: this.problems })
      this.next()
    })
  }

  private refuse(version: number, reason: string): void {
    this.options.log.error('a configuration is refused and the last one kept', { version, reason })
    this.options.send({ kind: 'nack', version, reason })
  }

  private run(work: () => void): void {
    if (this.stopped) return
    if (this.busy) {
      if (this.waiting.length >= waitingMax) this.options.hangUp('the agent sends faster than it is answered')
      else this.waiting.push(work)
      return
    }
    this.busy = true
    work()
  }

  private next(): void {
    this.busy = false
    const work = this.waiting.shift()
    if (work !== undefined) this.run(work)
  }
}
