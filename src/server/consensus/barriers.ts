/**
 * Callers who wait for a linearizable read: those of one turn share one request to the core, then wait until the state
 * machine has applied the index that it proves.
 */
import { failed, ok, type Result } from '../../model/errors.ts'
import type { LogIndex } from '../../model/ids.ts'
import { limits } from '../../model/limits.ts'

type Done = (result: Result<LogIndex>) => void

interface Open {
  readonly callers: readonly Done[]
  readonly startedMs: number
  askedMs: number
}

/** The leader has answered; the state machine has yet to get there. */
interface Proven {
  readonly index: LogIndex
  readonly callers: readonly Done[]
  readonly startedMs: number
}

export class Barriers {
  #waiting: Done[] = []
  readonly #open = new Map<number, Open>()
  #proven: Proven[] = []
  #callers = 0
  #lastRequest: number

  /** `start` differs from process to process: an answer to the one before must not pass for an answer to this one. */
  constructor(start: number) {
    this.#lastRequest = start
  }

  /** False if there are too many already. */
  add(done: Done): boolean {
    if (this.#callers >= limits.readsWaiting) return false
    this.#callers += 1
    this.#waiting.push(done)
    return true
  }

  /** The number of the next request, which stands for everybody who waits now; undefined if nobody does. */
  startRequest(nowMs: number): number | undefined {
    if (this.#waiting.length === 0) return undefined
    this.#lastRequest += 1
    this.#open.set(this.#lastRequest, { callers: this.#waiting.splice(0), startedMs: nowMs, askedMs: nowMs })
    return this.#lastRequest
  }

  proven(request: number, index: LogIndex, applied: LogIndex): void {
    const open = this.#open.get(request)
    if (open === undefined) return
    this.#open.delete(request)
    if (index <= applied) this.#answer(open.callers, ok(applied))
    else this.#proven.push({ index, callers: open.callers, startedMs: open.startedMs })
  }

  applied(index: LogIndex): void {
    if (this.#proven.length === 0) return
    const ready = this.#proven.filter((proven) => proven.index <= index)
    this.#proven = this.#proven.filter((proven) => proven.index > index)
    for (const { callers } of ready) this.#answer(callers, ok(index))
  }

  failed(request: number): void {
    const open = this.#open.get(request)
    this.#open.delete(request)
    if (open !== undefined) this.#answer(open.callers, noLeader())
  }

  /** Requests whose answer may have been lost; those that waited too long, for it or for the log, are given up. */
  toRepeat(nowMs: number, repeatAfterMs: number, giveUpAfterMs: number): readonly number[] {
    const repeat: number[] = []
    const isLate = ({ startedMs }: Pick<Open, 'startedMs'>): boolean => nowMs - startedMs >= giveUpAfterMs
    const late = this.#proven.filter(isLate)
    if (late.length > 0) this.#proven = this.#proven.filter((proven) => !isLate(proven))
    for (const { callers } of late) this.#answer(callers, isBehind())
    for (const [request, open] of [...this.#open])
      if (isLate(open)) this.failed(request)
      else if (nowMs - open.askedMs >= repeatAfterMs) {
        open.askedMs = nowMs
        repeat.push(request)
      }
    return repeat
  }

  failAll(): void {
    for (const request of [...this.#open.keys()]) this.failed(request)
    this.#answer(this.#waiting.splice(0), noLeader())
    for (const { callers } of this.#proven.splice(0)) this.#answer(callers, noLeader())
  }

  #answer(callers: readonly Done[], result: Result<LogIndex>): void {
    this.#callers -= callers.length
    for (const done of callers) done(result)
  }
}

const isBehind = (): Result<LogIndex> =>
  failed('no-leader', 'this server is behind its leader; reads may be stale')
const noLeader = (): Result<LogIndex> =>
  failed('no-leader', 'no leader could prove that it still leads; reads may be stale')
