/**
 * Holds the newest state and makes changes visible, all at once: first the new view, then those who wait for it.
 * Knows no commands (apply/) and no subscribers (events/). Reads are view.ts, writes transaction.ts.
 */
import { assert } from '../../model/errors.ts'
import type { Staged } from './staged.ts'
import { commitTables, emptyTables, type Tables } from './tables.ts'
import { type Changes, nothingChanged, Transaction } from './transaction.ts'
import { View } from './view.ts'
import type { Watch } from './watch.ts'

export type CommitListener = (view: View, changes: Changes) => void
export type ReplacedListener = (view: View) => void

export class Store {
  #view = new View(0, emptyTables())
  readonly #commitListeners: CommitListener[] = []
  readonly #replacedListeners = new Set<ReplacedListener>()

  view(): View {
    return this.#view
  }

  /** `atMs` is when the command was proposed. */
  begin(index: number, atMs: number = 0): Transaction {
    assert(index > this.#view.index, `log index ${index} applied after ${this.#view.index}`)
    return new Transaction(index, this.#view.tables, atMs)
  }

  commit(tx: Transaction): void {
    const fire: Watch[] = []
    this.#view = new View(tx.index, commitTables(tx.edits, fire), this.#view.staged)
    for (const watch of fire) watch.fire()
    const changes = tx.changes()
    for (const listener of this.#commitListeners) listener(this.#view, changes)
  }

  /** A log entry that changed nothing: readers still see how far the log was applied. */
  advance(index: number): void {
    this.stage(index, this.#view.staged)
  }

  /** Changes only what is being put together beside the state; undefined drops it. */
  stage(index: number, staged: Staged | undefined): void {
    assert(index > this.#view.index, `log index ${index} applied after ${this.#view.index}`)
    this.#view = new View(index, this.#view.tables, staged)
    const changes = nothingChanged(index)
    for (const listener of this.#commitListeners) listener(this.#view, changes)
  }

  /** Takes over a whole other state, for example a leader's snapshot. */
  replace(index: number, tables: Tables, staged?: Staged): void {
    this.#view = new View(index, tables, staged)
    for (const listener of [...this.#replacedListeners]) listener(this.#view)
  }

  /** Called after each applied log entry. Listeners stay for good: they are rooms of the server, not requests. */
  onCommit(listener: CommitListener): void {
    this.#commitListeners.push(listener)
  }

  /** Called after the state was replaced: nothing that was watched before will ever fire. */
  onReplaced(listener: ReplacedListener): () => void {
    this.#replacedListeners.add(listener)
    return () => this.#replacedListeners.delete(listener)
  }
}
