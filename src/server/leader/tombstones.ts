/**
 * Forgets old deletions of keys: while this server leads and there are tombstones, it looks every now and then and
 * proposes to forget those past their time. They are in order of age, so a look costs what it forgets.
 */
import type { Command } from '../../model/command.ts'
import { limits } from '../../model/limits.ts'
import type { Clock, Log, Timer } from '../../platform/ports.ts'
import type { Reply } from '../../rpc/contract.ts'
import type { Consensus } from '../consensus/contract.ts'
import type { Store } from '../store/store.ts'

export interface TombstonesPorts {
  readonly store: Store
  readonly consensus: Pick<Consensus, 'onLeadership'>
  /** Proposes as this server. */
  readonly write: (command: Command, reply: Reply<unknown>) => void
  readonly clock: Pick<Clock, 'after' | 'wallMs'>
  readonly log: Log
}

export class Tombstones {
  readonly #ports: TombstonesPorts
  #leading: boolean = false
  #writing: boolean = false
  #timer: Timer | undefined

  constructor(ports: TombstonesPorts) {
    this.#ports = ports
    ports.consensus.onLeadership((leading) => {
      this.#leading = leading
      this.#timer?.cancel()
      this.#timer = undefined
      this.#plan()
    })
    ports.store.onCommit(() => this.#plan())
    ports.store.onReplaced(() => this.#plan())
  }

  #plan(): void {
    if (!this.#leading || this.#writing || this.#timer !== undefined) return
    if (this.#ports.store.view().tables.tombstonesByIndex.size === 0) return
    this.#timer = this.#ports.clock.after(limits.tombstoneGranularityMs, () => {
      this.#timer = undefined
      this.#reap()
    })
  }

  #reap(): void {
    const upToIndex = this.#expired()
    if (!this.#leading || upToIndex === 0) {
      this.#plan()
      return
    }
    this.#writing = true
    this.#ports.write({ type: 'kv.reap', upToIndex }, (result) => {
      this.#writing = false
      if (result.ok) this.#reap()
      else {
        const { code, message } = result.failure
        this.#ports.log.warn('old deletions could not be forgotten, will be repeated', {
          code,
          reason: message,
        })
        this.#plan()
      }
    })
  }

  /** Log index up to which deletions are past their time, for one command; 0 where none is. */
  #expired(): number {
    const { store, clock } = this.#ports
    const oldestMs = clock.wallMs() - limits.tombstoneTtlMs
    let upToIndex = 0
    let seen = 0
    for (const { index, deletedAtMs } of store.view().tables.tombstonesByIndex.scan()) {
      if (deletedAtMs > oldestMs || seen >= limits.tombstonesPerReap) break
      upToIndex = index
      seen++
    }
    return upToIndex
  }
}
