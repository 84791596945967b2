/**
 * Callers who wait for their write: first for the end of the turn, so that one batch carries all, then for their entry
 * to be applied. Knows the three ways an answer can be wrong and names each (contract.ts).
 */
import type { Applied } from '../../model/command.ts'
import { type Failure, failed, ok, type Result } from '../../model/errors.ts'
import type { LogIndex, Term } from '../../model/ids.ts'
import { limits } from '../../model/limits.ts'
import type { ProposalRefusal, Proposed } from '../../raft/effects.ts'

type Done = (result: Result<Applied>) => void

interface Waiting {
  readonly data: Uint8Array
  readonly done: Done
}

interface Pending {
  readonly term: Term
  readonly done: Done
}

export class Proposals {
  #waiting: Waiting[] = []
  /** By index, rising. */
  readonly #pending = new Map<LogIndex, Pending>()
  #lostSinceMs: number | undefined

  get size(): number {
    return this.#waiting.length + this.#pending.size
  }

  /** False if there are too many already. */
  add(data: Uint8Array, done: Done): boolean {
    if (this.size >= limits.proposalsInFlight) return false
    this.#waiting.push({ data, done })
    return true
  }

  takeWaiting(): readonly Waiting[] {
    return this.#waiting.splice(0)
  }

  /** What the core said about a batch. */
  settle(batch: readonly Waiting[], proposed: Proposed, term: Term): void {
    batch.forEach(({ done }, at) => {
      if (at < proposed.accepted) this.#pending.set((proposed.first + at) as LogIndex, { term, done })
      else done({ ok: false, failure: refusalFailure(proposed.refusal) })
    })
  }

  /** An entry was applied. One of another term in the place of a proposal means that the proposal is gone for good. */
  applied(index: LogIndex, term: Term, result: Applied): void {
    const pending = this.#pending.get(index)
    if (pending === undefined) return
    this.#pending.delete(index)
    if (pending.term === term) pending.done(ok(result))
    else
      pending.done(failed('no-leader', 'leadership changed before the write was replicated; it was not made'))
  }

  /** An entry that is no command took this place. */
  displaced(index: LogIndex): void {
    const pending = this.#pending.get(index)
    this.#pending.delete(index)
    pending?.done(failed('no-leader', 'leadership changed before the write was replicated; it was not made'))
  }

  /** A snapshot took the place of entries up to `index`: whether a write is in it cannot be told. */
  skippedTo(index: LogIndex): void {
    for (const [at, pending] of [...this.#pending])
      if (at <= index) {
        this.#pending.delete(at)
        pending.done(unknown())
      }
  }

  /** The next leader may still commit what this one logged, so callers are not told at once. */
  leadershipLost(nowMs: number): void {
    this.#lostSinceMs ??= nowMs
  }

  /**
   * This server leads again. What its log still holds of an earlier time it commits now. What another leader removed from
   * it may still stand in the log of a third server, so nobody can tell what becomes of it.
   */
  leadershipGained(termAt: (index: LogIndex) => Term | undefined): void {
    this.#lostSinceMs = undefined
    for (const [index, pending] of [...this.#pending])
      if (termAt(index) !== pending.term) {
        this.#pending.delete(index)
        pending.done(unknown())
      }
  }

  tick(nowMs: number, giveUpAfterMs: number): void {
    if (this.#lostSinceMs === undefined || nowMs - this.#lostSinceMs < giveUpAfterMs) return
    this.#lostSinceMs = undefined
    this.failAll()
  }

  failAll(): void {
    const waiting = this.#waiting.splice(0)
    const pending = [...this.#pending.values()]
    this.#pending.clear()
    for (const { done } of waiting) done(failed('no-leader', 'this server does not lead'))
    for (const { done } of pending) done(unknown())
  }
}

const unknown = (): Result<Applied> =>
  failed('write-outcome-unknown', 'leadership was lost before the write was known to be replicated')

function refusalFailure(refusal: ProposalRefusal | undefined): Failure {
  switch (refusal) {
    case 'too-much-uncommitted':
      return failed('overloaded', 'too many bytes wait for a majority of the servers').failure
    case 'transferring':
      return failed('no-leader', 'leadership is being handed over').failure
    case 'not-leader':
    case undefined:
      return failed('no-leader', 'this server does not lead').failure
  }
}
