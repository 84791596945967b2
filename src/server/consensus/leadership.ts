/**
 * Who is told when this server begins and ends to lead. It leads, for the rest of the server, only when everything that
 * earlier leaders committed is applied here: before, its state may be behind what was acknowledged.
 */
import { failed, ok, type Result } from '../../model/errors.ts'
import type { LogIndex, NodeId, Term } from '../../model/ids.ts'
import type { Raft } from '../../raft/raft.ts'

type Listener = (leading: boolean, term: Term) => void

interface Handover {
  readonly deadlineMs: number
  readonly done: (result: Result<NodeId>) => void
}

export class Leadership {
  readonly #raft: Raft
  readonly #listeners: Listener[] = []
  #isLeading: boolean = false
  #handovers: Handover[] = []

  constructor(raft: Raft) {
    this.#raft = raft
  }

  listen(listener: Listener): void {
    this.#listeners.push(listener)
    listener(this.#isLeading, this.#raft.term)
  }

  /** Looks again after a step of the core or of the state machine. */
  update(applied: LogIndex): void {
    const { barrier, role, leader, term } = this.#raft
    const isLeading = barrier !== undefined && applied >= barrier
    if (isLeading !== this.#isLeading) {
      this.#isLeading = isLeading
      for (const listener of this.#listeners) listener(isLeading, term)
    }
    if (this.#handovers.length === 0 || role === 'leader' || leader === undefined) return
    for (const { done } of this.#handovers.splice(0)) done(ok(leader))
  }

  /** Calls back when another server leads, or with a failure at the deadline. */
  awaitSuccessor(deadlineMs: number, done: (result: Result<NodeId>) => void): void {
    this.#handovers.push({ deadlineMs, done })
  }

  tick(nowMs: number): void {
    const late = this.#handovers.filter(({ deadlineMs }) => deadlineMs <= nowMs)
    if (late.length === 0) return
    this.#handovers = this.#handovers.filter(({ deadlineMs }) => deadlineMs > nowMs)
    for (const { done } of late) done(failed('conflict', 'no other server took over in time'))
  }

  /** This server leads nothing any more; those who wait for a successor are told. */
  end(): void {
    const wasLeading = this.#isLeading
    this.#isLeading = false
    if (wasLeading) for (const listener of this.#listeners) listener(false, this.#raft.term)
    for (const { done } of this.#handovers.splice(0)) done(failed('conflict', 'this server stopped'))
  }
}
