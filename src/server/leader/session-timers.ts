/**
 * Ends sessions whose time to live ran out, while this server leads. A session that is not renewed ends between one and two
 * times its time to live after the last renewal (Consul's promise), later only after a change of leader: the new one knows no
 * renewals and gives every session its whole time again. Sessions stand in slots of a second each, so time costs what expires.
 */
import type { Command } from '../../model/command.ts'
import { failed } from '../../model/errors.ts'
import { limits } from '../../model/limits.ts'
import { ttlMsOf } from '../../model/session.ts'
import type { Clock, Log, Timer } from '../../platform/ports.ts'
import type { Reply } from '../../rpc/contract.ts'
import type { Renewal, Written } from '../admission/admission.ts'
import type { Consensus } from '../consensus/contract.ts'
import { sessionIn, sessionsIn } from '../store/session-view.ts'
import type { Store } from '../store/store.ts'
import { Slots } from './slots.ts'

export interface SessionTimersPorts {
  readonly store: Store
  readonly consensus: Pick<Consensus, 'onLeadership' | 'readBarrier'>
  /** Proposes as this server. */
  readonly write: (command: Command, reply: Reply<unknown>) => void
  readonly clock: Pick<Clock, 'after' | 'monotonicMs'>
  readonly log: Log
}

/** Consul's: a client that renews every time to live is in time with a margin of one more. */
const grace = 2

export class SessionTimers {
  readonly #ports: SessionTimersPorts
  readonly #slots = new Slots<string>()
  /** Past their time and not written off yet. */
  readonly #due = new Set<string>()
  readonly #ending = new Set<string>()
  /** Whose end was refused: tried again with the next tick, because what refused it may still be there. */
  readonly #refused = new Set<string>()
  #leading: boolean = false
  /** Which leadership of this server it is: what an earlier one began is void. */
  #reign = 0
  #renewalsWaiting = 0
  #tick: Timer | undefined
  #tickDueMs = 0
  /** Time in which this process stood still: no session may end because nobody could renew it here. */
  #lostMs = 0

  constructor(ports: SessionTimersPorts) {
    this.#ports = ports
    ports.consensus.onLeadership((leading) => {
      this.#leading = leading
      this.#begin()
    })
    ports.store.onCommit((_view, changes) => {
      if (this.#leading) for (const id of changes.sessions) this.#arm(id)
    })
    ports.store.onReplaced(() => this.#begin())
  }

  /** Sessions that have a time to live and that this server watches. */
  get armed(): number {
    return this.#slots.size
  }

  /**
   * Gives a session its whole time again. Proves first that this server leads still, or a client could feel safe with one
   * that lost its place. `unchanged`: there is no such session (any more).
   */
  renew({ id }: Renewal, reply: Reply<Written>): void {
    if (this.#renewalsWaiting >= limits.sessionRenewalsWaiting) {
      reply(failed('overloaded', `${limits.sessionRenewalsWaiting} renewals of sessions wait already`))
      return
    }
    this.#renewalsWaiting += 1
    this.#ports.consensus.readBarrier((barrier) => {
      this.#renewalsWaiting -= 1
      if (!barrier.ok) reply(barrier)
      else if (!this.#leading) reply(failed('no-leader', 'this server leads no more'))
      else reply({ ok: true, value: this.#renewed(id) })
    })
  }

  #renewed(id: string): Written {
    const view = this.#ports.store.view()
    const session = this.#ending.has(id) ? undefined : sessionIn(view, id)
    if (session === undefined) return { ok: true, index: view.index, value: { kind: 'unchanged' } }
    this.#forget(id)
    this.#arm(id)
    return { ok: true, index: view.index, value: { kind: 'session', session } }
  }

  /** At the start of a leadership, at its end, and when the whole state was replaced. */
  #begin(): void {
    this.#reign += 1
    this.#tick?.cancel()
    this.#tick = undefined
    this.#slots.clear()
    this.#due.clear()
    this.#refused.clear()
    this.#ending.clear()
    if (this.#leading) this.#armFrom(sessionsIn(this.#ports.store.view())[Symbol.iterator](), this.#reign)
  }

  #armFrom(rest: Iterator<{ readonly id: string }>, reign: number): void {
    if (reign !== this.#reign) return
    for (let armed = 0; armed < limits.sessionsArmedPerTurn; armed++) {
      const next = rest.next()
      if (next.done === true) return
      if (!this.#slots.has(next.value.id)) this.#arm(next.value.id)
    }
    this.#ports.clock.after(0, () => this.#armFrom(rest, reign))
  }

  #arm(id: string): void {
    const session = sessionIn(this.#ports.store.view(), id)
    const ttlMs = session === undefined ? 0 : ttlMsOf(session)
    if (ttlMs === 0) {
      this.#slots.remove(id)
      this.#forget(id)
      return
    }
    // Rounded up: never before its time.
    this.#slots.put(id, Math.ceil((this.#nowMs() + grace * ttlMs) / limits.sessionTickMs))
    this.#planTick()
  }

  #forget(id: string): void {
    this.#due.delete(id)
    this.#refused.delete(id)
  }

  #nowMs(): number {
    return this.#ports.clock.monotonicMs() - this.#lostMs
  }

  #planTick(): void {
    if (this.#tick !== undefined || this.#slots.size + this.#due.size + this.#refused.size === 0) return
    const { clock } = this.#ports
    this.#tickDueMs = clock.monotonicMs() + limits.sessionTickMs
    this.#tick = clock.after(limits.sessionTickMs, () => {
      this.#tick = undefined
      const lateMs = clock.monotonicMs() - this.#tickDueMs
      if (lateMs > limits.sessionTickMs) this.#lostMs += lateMs
      for (const id of this.#slots.takeUpTo(Math.floor(this.#nowMs() / limits.sessionTickMs)))
        this.#due.add(id)
      for (const id of this.#refused) this.#due.add(id)
      this.#refused.clear()
      this.#end()
      this.#planTick()
    })
  }

  #end(): void {
    for (const id of this.#due) {
      if (this.#ending.size >= limits.sessionExpiriesInFlight) return
      this.#due.delete(id)
      if (sessionIn(this.#ports.store.view(), id) !== undefined) this.#endOne(id)
    }
  }

  #endOne(id: string): void {
    const { write, log } = this.#ports
    const reign = this.#reign
    this.#ending.add(id)
    write({ type: 'session.destroy', id }, (result) => {
      if (reign !== this.#reign) return
      this.#ending.delete(id)
      if (result.ok) {
        log.info('a session expired', { session: id })
        this.#end()
        return
      }
      const { code, message } = result.failure
      log.warn('a session could not be ended, will be repeated', { session: id, code, reason: message })
      this.#refused.add(id)
      this.#planTick()
    })
  }
}
