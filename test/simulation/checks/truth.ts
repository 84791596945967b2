/**
 * What the cluster's state is, as far as anybody has applied it: the first server that applies an entry writes it down,
 * all others are compared with that. Keeps every state of the run, which is cheap because they share their trees, so that
 * any answer and any view can be compared with the store at its index.
 */
import type { Applied } from '../../../src/model/command.ts'
import { sameValue } from '../../../src/model/equality.ts'
import type { LogIndex } from '../../../src/model/ids.ts'
import type { SnapshotReader, SnapshotWriter, StateMachine } from '../../../src/server/consensus/contract.ts'
import { hashOf } from '../../../src/server/store/snapshot.ts'
import type { Store } from '../../../src/server/store/store.ts'
import type { View } from '../../../src/server/store/view.ts'
import type { Reached } from '../reached.ts'
import { kinds, type Trace } from '../trace.ts'
import { hold } from '../violation.ts'

/** Walking all rows costs more than applying: whole states are compared at every so many entries, and when restored. */
const hashEvery = 256

interface Fact {
  readonly entry: Uint8Array
  readonly previous: number
  readonly result: Applied
}

/** One command of the log; `at` is when it was first applied, by the history's count. */
export interface LoggedCommand {
  readonly index: number
  readonly entry: Uint8Array
  readonly at: number
}

export class Truth {
  readonly reached: Reached
  readonly trace: Trace
  /** By index; entries that are no commands have none. */
  readonly #facts: (Fact | undefined)[] = []
  /** By index; the state there, also where the entry was no command. */
  readonly #views: View[] = []
  readonly #hashes = new Map<number, string>()
  /** By index. */
  readonly #appliedAt: number[] = []
  #newest = 0
  /** The history's count of calls and returns. */
  now: () => number = () => 0

  constructor(reached: Reached, trace: Trace, empty: View) {
    this.reached = reached
    this.trace = trace
    this.#views[0] = empty
  }

  /** Index of the newest command that anybody applied. */
  get newestIndex(): number {
    return this.#newest
  }

  get newest(): View {
    return this.viewAt(this.#newest)
  }

  /** The state after every entry up to `index`. */
  viewAt(index: number): View {
    const view = this.#views[Math.min(index, this.#newest)]
    hold(view !== undefined, 'truth', () => `no state is known at index ${index}`)
    return view
  }

  *entries(): Iterable<LoggedCommand> {
    for (const [index, fact] of this.#facts.entries())
      if (fact !== undefined) yield { index, entry: fact.entry, at: this.#appliedAt[index] ?? 0 }
  }

  entryAt(index: number): Uint8Array | undefined {
    return this.#facts[index]?.entry
  }

  hashAt(index: number): string {
    const { index: at } = this.viewAt(index)
    const known = this.#hashes.get(at)
    if (known !== undefined) return known
    const hash = hashOf(this.viewAt(index))
    this.#hashes.set(at, hash)
    return hash
  }

  /** A server applied `entry` right after the command at `previous`; `view` is its state now. */
  applied(server: string, index: number, fact: Fact, view: View): void {
    if (index > this.#newest) {
      for (let at = this.#newest + 1; at < index; at += 1) this.#views[at] = this.newest
      this.#views[index] = view
      this.#facts[index] = fact
      this.#appliedAt[index] = this.now()
      this.#newest = index
      this.trace.event(
        kinds.applied,
        index,
        fact.entry.length,
        () => `${index} is first applied by ${server}`,
      )
    } else this.#compare(server, index, fact)
    if (index % hashEvery === 0) this.compareState(server, index, hashOf(view))
  }

  compareState(server: string, index: number, hash: string): void {
    hold(
      hash === this.hashAt(index),
      'state-hash',
      () => `the state of ${server} at index ${index} differs from that of the server that was there first`,
    )
  }

  #compare(server: string, index: number, { entry, previous, result }: Fact): void {
    const fact = this.#facts[index]
    hold(fact !== undefined, 'applied-sequence', () => `${server} applied a command at ${index}, others none`)
    hold(
      fact.previous === previous,
      'applied-sequence',
      () => `${server} applied ${index} after ${previous}, others after ${fact.previous}`,
    )
    hold(
      Buffer.compare(fact.entry, entry) === 0,
      'applied-sequence',
      () => `${server} applied another command at ${index} than the first`,
    )
    hold(
      sameValue(fact.result, result),
      'applied-result',
      () => `${server} came to another result at ${index}: ${JSON.stringify([fact.result, result])}`,
    )
  }
}

/** A server's state machine with the truth looking over its shoulder. */
export class ObservedMachine implements StateMachine {
  readonly #server: string
  readonly #inner: StateMachine
  readonly #store: Store
  readonly #truth: Truth
  #last = 0

  constructor(server: string, inner: StateMachine, store: Store, truth: Truth) {
    this.#server = server
    this.#inner = inner
    this.#store = store
    this.#truth = truth
  }

  apply(index: LogIndex, entry: Uint8Array): Applied {
    const previous = this.#last
    hold(index > previous, 'applied-sequence', () => `${this.#server} applied ${index} after ${previous}`)
    const result = this.#inner.apply(index, entry)
    this.#last = index
    this.#truth.applied(this.#server, index, { entry, previous, result }, this.#store.view())
    return result
  }

  snapshot(): SnapshotReader {
    this.#truth.reached.hit('snapshot taken')
    return this.#inner.snapshot()
  }

  restore(index: LogIndex): SnapshotWriter {
    const writer = this.#inner.restore(index)
    return {
      write: (piece) => writer.write(piece),
      finish: () => {
        const finished = writer.finish()
        if (!finished.ok) return finished
        hold(index >= this.#last, 'applied-sequence', () => `${this.#server} went back to ${index}`)
        const at = this.#truth.viewAt(index).index
        this.#truth.compareState(this.#server, at, this.#inner.hash())
        this.#last = at
        return finished
      },
    }
  }

  hash(): string {
    return this.#inner.hash()
  }
}
