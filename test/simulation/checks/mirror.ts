/**
 * One server's log as terms by index, kept from what its core asked the disk to do. It goes on when the server is down:
 * then it says what is surely on its disk.
 */
import type { Persist } from '../../../src/raft/effects.ts'
import type { Raft } from '../../../src/raft/raft.ts'
import { hold } from '../violation.ts'

export class Mirror {
  readonly server: string
  /** Undefined while the server is down. */
  raft: Raft | undefined
  /** As of the last step. */
  committed = 0
  role: Raft['role'] = 'follower'
  term = 0
  /** The term in which it led when the present step began. */
  ledTerm: number | undefined
  /** Index of the newest configuration that a step told. */
  configurationIndex = 0
  base = 0
  #terms: number[] = []
  #durable = 0
  #unsynced: { readonly ticket: number; last: number }[] = []

  constructor(server: string) {
    this.server = server
  }

  get last(): number {
    return this.base + this.#terms.length
  }

  /** Undefined for what lies at or before the base, or after the end. */
  termAt(index: number): number | undefined {
    return this.#terms[index - this.base - 1]
  }

  /** Whether the entry is durable here, as far as anybody can know. */
  holds(index: number, term: number): boolean {
    if (index <= this.base) return true
    return index <= this.#durable && this.termAt(index) === term
  }

  recovered(raft: Raft): void {
    this.raft = raft
    this.committed = raft.committed
    this.role = raft.role
    this.term = raft.term
    this.configurationIndex = raft.configuration.index
    const { last } = raft
    let base: number = last.index
    while (base > 0 && termOf(raft, base - 1) !== undefined) base -= 1
    this.base = base
    this.#terms = []
    for (let index = base + 1; index <= last.index; index += 1) this.#terms.push(termOf(raft, index) ?? 0)
    this.#durable = last.index
    this.#unsynced = []
  }

  down(): void {
    this.raft = undefined
    this.role = 'follower'
    this.#unsynced = []
    this.#terms.length = Math.max(0, Math.min(this.#terms.length, this.#durable - this.base))
  }

  persist(persist: Persist): void {
    if (persist.reset !== undefined) {
      this.base = persist.reset.index
      this.#terms = []
      this.#durable = Math.max(this.#durable, this.base)
    }
    if (persist.truncateAfter !== undefined) {
      const { index } = persist.truncateAfter
      this.#terms.length = index - this.base
      this.#durable = Math.min(this.#durable, index)
      for (const unsynced of this.#unsynced) unsynced.last = Math.min(unsynced.last, index)
    }
    for (const entry of persist.entries) {
      const { last } = this
      hold(entry.index === last + 1, 'log-order', () => `${this.server} appends ${entry.index} after ${last}`)
      this.#terms.push(entry.term)
    }
    this.#unsynced.push({ ticket: persist.ticket, last: this.last })
  }

  synced(ticket: number): void {
    while (this.#unsynced[0] !== undefined && this.#unsynced[0].ticket <= ticket) {
      this.#durable = Math.max(this.#durable, this.#unsynced[0].last)
      this.#unsynced.shift()
    }
  }
}

const termOf = (raft: Raft, index: number): number | undefined =>
  raft.termAt(index as Parameters<Raft['termAt']>[0])
