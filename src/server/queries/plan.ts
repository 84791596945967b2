/**
 * A query, prepared on one view: what it depends on, cheaply, and how to make the answer, row by row. Being pure
 * functions of a view, queries can be read in slices, waited on (blocking.ts) and tested without a server.
 */
import type { Touched } from '../store/indexes.ts'

/** Makes the answer; yields after each row read, so that a long one can be read in slices. */
export type Reading<Answer> = Generator<undefined, Answer>

export interface Plan<Answer> {
  /** Log index of the last change of what the answer depends on; 0 where nothing ever was. */
  readonly index: number
  /** What to wait for. */
  readonly touched: readonly Touched[]
  /** Whether what was asked for is there at all: a watcher of something missing is not woken by another absence. */
  readonly exists: boolean
  readonly read: () => Reading<Answer>
  /** For an answer that is not made of state alone: its own versions and its own way to wait. */
  readonly apart?: Apart
}

export interface Apart {
  /** The newest version there is; a reader that names a later one has it from another life of this server. */
  readonly newest: number
  readonly watch: (listener: () => void) => () => void
  /** Shortest time between two looks of one waiting reader. */
  readonly pauseMs: number
}

/** Items that pass, read one by one. */
export function* collect<Item>(
  items: Iterable<Item>,
  keep: (item: Item) => boolean,
): Reading<readonly Item[]> {
  const kept: Item[] = []
  for (const item of items) {
    if (keep(item)) kept.push(item)
    yield
  }
  return kept
}

/** An answer of one row. */
export function* single<Answer>(answer: Answer): Reading<Answer> {
  yield
  return answer
}
