/**
 * Everything durable of one server, in the order in which the core gave it out: hard state before the log entries that
 * were accepted under it. While one sync runs, what comes meanwhile gathers and goes out with the next: group commit.
 */
import { assert } from '../../model/errors.ts'
import { limits } from '../../model/limits.ts'
import { entryBytes, type HardState, type LogPosition } from '../../model/log-entry.ts'
import type { Clock, Timer } from '../../platform/ports.ts'
import type { Persist } from '../../raft/effects.ts'
import type { HardStateFile } from './hard-state.ts'
import type { LogChange, WriteAheadLog } from './wal.ts'

/**
 * An idle log is sealed after this long: an empty batch proves that the one before was durable. Longer than the pause of
 * one client that writes one thing after the other, so that it does not stand in that client's way.
 */
const sealDelayMs = 10

/** One round of the disk: a hard state if there is a new one, then either a reset or one batch. */
interface Round {
  readonly hardState: HardState | undefined
  readonly reset: LogPosition | undefined
  readonly changes: readonly LogChange[]
  readonly ticket: number
}

export class Storage {
  readonly #wal: WriteAheadLog
  readonly #hardState: HardStateFile
  readonly #clock: Clock
  readonly #onSynced: (ticket: number) => void
  readonly #queue: Persist[] = []
  #syncedTicket = 0
  #newestTicket = 0
  #isBusy: boolean = false
  #isHalted: boolean = false
  #sealTimer: Timer | undefined
  #onIdle: (() => void) | undefined

  constructor(
    wal: WriteAheadLog,
    hardState: HardStateFile,
    clock: Clock,
    onSynced: (ticket: number) => void,
  ) {
    this.#wal = wal
    this.#hardState = hardState
    this.#clock = clock
    this.#onSynced = onSynced
  }

  /** Everything handed over with this ticket or an earlier one is durable. */
  get syncedTicket(): number {
    return this.#syncedTicket
  }

  get newestTicket(): number {
    return this.#newestTicket
  }

  persist(persist: Persist): void {
    assert(persist.ticket > this.#newestTicket, 'tickets rise')
    this.#newestTicket = persist.ticket
    this.#queue.push(persist)
    this.#next()
  }

  /** Begins nothing new; what is under way may still reach the disk. */
  halt(): void {
    this.#queue.length = 0
    this.#sealTimer?.cancel()
    this.#isHalted = true
    this.#onIdle = undefined
  }

  /** Finishes what is queued, seals the log and lets go of the files. */
  close(done: () => void): void {
    this.#onIdle = () => {
      this.#onIdle = undefined
      this.#sealTimer?.cancel()
      this.#wal.close()
      this.#hardState.close()
      done()
    }
    if (!this.#isBusy) this.#next()
  }

  #next(): void {
    if (this.#isBusy || this.#isHalted) return
    this.#sealTimer?.cancel()
    const round = this.#takeRound()
    if (round !== undefined) {
      this.#isBusy = true
      this.#writeHardState(round)
    } else if (this.#wal.isSealed) this.#onIdle?.()
    else if (this.#onIdle !== undefined) this.#seal()
    else this.#sealTimer = this.#clock.after(sealDelayMs, () => this.#seal())
  }

  #seal(): void {
    this.#isBusy = true
    this.#wal.append([], () => {
      this.#isBusy = false
      this.#next()
    })
  }

  /**
   * Joins what is queued. The newest hard state goes first even if entries of an older term are in the same round: it is
   * durable earlier than it must be, never later.
   */
  #takeRound(): Round | undefined {
    const changes: LogChange[] = []
    let hardState: HardState | undefined
    let reset: LogPosition | undefined
    let ticket: number | undefined
    let bytes = 0
    while (this.#queue[0] !== undefined && bytes < limits.walBatchBytes) {
      const persist = this.#queue[0]
      // A reset is a round of its own: it begins a segment.
      if (reset !== undefined || (persist.reset !== undefined && changes.length > 0)) break
      this.#queue.shift()
      hardState = persist.hardState ?? hardState
      reset = persist.reset
      if (persist.truncateAfter !== undefined)
        changes.push({ kind: 'truncate', after: persist.truncateAfter })
      for (const entry of persist.entries) {
        changes.push({ kind: 'entry', entry })
        bytes += entryBytes(entry)
      }
      ticket = persist.ticket
    }
    assert(reset === undefined || changes.length === 0, 'a reset comes without entries')
    return ticket === undefined ? undefined : { hardState, reset, changes, ticket }
  }

  #writeHardState(round: Round): void {
    const { hardState } = round
    if (hardState === undefined) this.#writeLog(round)
    else this.#hardState.write(hardState, () => this.#writeLog(round))
  }

  #writeLog(round: Round): void {
    const done = (): void => {
      this.#isBusy = false
      this.#syncedTicket = round.ticket
      this.#onSynced(round.ticket)
      this.#next()
    }
    if (round.reset !== undefined) this.#wal.reset(round.reset, done)
    else if (round.changes.length > 0) this.#wal.append(round.changes, done)
    else done()
  }
}
