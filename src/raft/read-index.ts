/**
 * Linearizable reads without log entries (Raft dissertation 6.4): a leader notes its commit index, then proves with one
 * heartbeat round that it was still leader at that time. Requests that come while a round is under way share the next.
 */
import type { LogIndex, NodeId } from '../model/ids.ts'
import { limits } from '../model/limits.ts'

interface Waiting {
  readonly from: NodeId
  readonly request: number
  readonly index: LogIndex
  /** Proof is an answer of a majority to this round or a later one. */
  readonly round: number
}

export interface ProvenRead {
  readonly from: NodeId
  readonly request: number
  readonly index: LogIndex
}

export class ReadIndex {
  /** Before the first commit of the own term the commit index may be too low to read at. */
  #parked: { readonly from: NodeId; readonly request: number }[] = []
  #waiting: Waiting[] = []

  /** False if there are too many already. */
  park(from: NodeId, request: number): boolean {
    if (this.#size >= limits.readsWaiting) return false
    this.#parked.push({ from, request })
    return true
  }

  /** `committed` is the leader's commit index now; `lastRound` the newest heartbeat round that was sent. */
  add(
    from: NodeId,
    request: number,
    at: { readonly committed: LogIndex; readonly lastRound: number },
  ): boolean {
    if (this.#size >= limits.readsWaiting) return false
    this.#waiting.push({ from, request, index: at.committed, round: at.lastRound + 1 })
    return true
  }

  /** The first entry of the own term is committed: the parked requests can be given an index. */
  unpark(committed: LogIndex, lastRound: number): void {
    for (const { from, request } of this.#parked.splice(0))
      this.#waiting.push({ from, request, index: committed, round: lastRound + 1 })
  }

  /** True if a request waits for a round that is not sent, and no earlier round is being waited for. */
  wantsRound(lastRound: number): boolean {
    const oldest = this.#waiting[0]
    return oldest !== undefined && oldest.round > lastRound
  }

  get hasWaiting(): boolean {
    return this.#waiting.length > 0
  }

  /** Takes the requests that a majority's answer to `round` proves. */
  proven(round: number): readonly ProvenRead[] {
    const open = this.#waiting.findIndex((waiting) => waiting.round > round)
    return this.#waiting.splice(0, open === -1 ? this.#waiting.length : open)
  }

  /** Every request that is open, when leadership ends. */
  abandon(): readonly { readonly from: NodeId; readonly request: number }[] {
    return [...this.#waiting.splice(0), ...this.#parked.splice(0)]
  }

  get #size(): number {
    return this.#parked.length + this.#waiting.length
  }
}
