/**
 * Feeds the state machine: one batch per turn of the event loop where batches are large, so that heartbeats and reads
 * are never stuck behind a long replay.
 */
import type { Applied } from '../../model/command.ts'
import { assert, type Failure, MeshError } from '../../model/errors.ts'
import type { LogIndex } from '../../model/ids.ts'
import { type Entry, entryBytes } from '../../model/log-entry.ts'
import type { Clock, Timer } from '../../platform/ports.ts'
import type { StateMachine } from './contract.ts'

/** A batch this large ends the turn. */
const turnEntries = 64
const turnBytes = 64 * 1024

export interface ApplierListener {
  readonly onApplied: (entry: Entry, result: Applied | undefined) => void
  /** The whole batch is applied. */
  readonly onBatch: (index: LogIndex) => void
  /** An entry that this program cannot understand: it must not be passed over, so nothing can follow it. */
  readonly onUnreadable: (failure: Failure) => void
}

export class Applier {
  readonly #stateMachine: StateMachine
  readonly #clock: Clock
  readonly #listener: ApplierListener
  #applied: LogIndex
  #batch: readonly Entry[] | undefined
  #rest: Timer | undefined
  #isPaused: boolean = false
  /** Since the snapshot that the log is counted from. */
  #entriesSince = 0
  #bytesSince = 0

  constructor(stateMachine: StateMachine, clock: Clock, applied: LogIndex, listener: ApplierListener) {
    this.#stateMachine = stateMachine
    this.#clock = clock
    this.#applied = applied
    this.#listener = listener
  }

  get applied(): LogIndex {
    return this.#applied
  }

  get entriesSinceSnapshot(): number {
    return this.#entriesSince
  }

  get bytesSinceSnapshot(): number {
    return this.#bytesSince
  }

  /** The next batch; the core gives one at a time. */
  take(entries: readonly Entry[]): void {
    if (this.#isPaused) return
    assert(this.#batch === undefined, 'batches come one by one')
    this.#batch = entries
    if (this.#rest === undefined) this.#run()
  }

  /** Nothing is applied until `resume`; a batch that waits is dropped. */
  pause(): void {
    this.#isPaused = true
    this.#batch = undefined
  }

  /** The state machine stands at a snapshot. */
  resume(index: LogIndex): void {
    this.#isPaused = false
    this.#applied = index
    this.snapshotTaken()
  }

  /** Counts anew from here. */
  snapshotTaken(): void {
    this.#entriesSince = 0
    this.#bytesSince = 0
  }

  stop(): void {
    this.pause()
    this.#rest?.cancel()
  }

  #run(): void {
    const batch = this.#batch
    this.#batch = undefined
    if (batch === undefined) return
    let bytes = 0
    for (const entry of batch) {
      assert(entry.index === this.#applied + 1, `entry ${entry.index} is applied after ${this.#applied}`)
      this.#applied = entry.index
      bytes += entryBytes(entry)
      if (!this.#apply(entry)) return
    }
    this.#entriesSince += batch.length
    this.#bytesSince += bytes
    if (batch.length >= turnEntries || bytes >= turnBytes)
      this.#rest = this.#clock.after(0, () => {
        this.#rest = undefined
        this.#run()
      })
    this.#listener.onBatch(this.#applied)
  }

  /** False where nothing more may be applied. */
  #apply(entry: Entry): boolean {
    let result: Applied | undefined
    try {
      if (entry.kind === 'command') result = this.#stateMachine.apply(entry.index, entry.data)
    } catch (error) {
      if (!(error instanceof MeshError)) throw error
      this.#listener.onUnreadable(error.failure)
      return false
    }
    this.#listener.onApplied(entry, result)
    return true
  }
}
