/**
 * The directory of snapshots: which there are, which is the newest whole one, and which may go.
 * A file gets its final name only when all of it is durable (docs/decisions/0002-write-ahead-log.md).
 */
import { type LogIndex, logIndex, term } from '../../model/ids.ts'
import { limits } from '../../model/limits.ts'
import type { LogPosition } from '../../model/log-entry.ts'
import type { Disk } from '../../platform/ports.ts'

export const snapshotDirectory = 'snapshots'

export interface StoredSnapshot {
  readonly path: string
  readonly last: LogPosition
}

const digits = (value: number): string => String(value).padStart(16, '0')

export const snapshotPath = (last: LogPosition): string =>
  `${snapshotDirectory}/${digits(last.index)}-${digits(last.term)}.snapshot`

export class Snapshots {
  readonly #disk: Disk
  /** Oldest first. */
  #stored: StoredSnapshot[]
  #partials = 0

  constructor(disk: Disk) {
    this.#disk = disk
    this.#stored = disk.list(snapshotDirectory).flatMap((name) => {
      const match = /^(\d{16})-(\d{16})\.snapshot$/.exec(name)
      if (match === null) return []
      const last = { index: logIndex(Number(match[1])), term: term(Number(match[2])) }
      return [{ path: `${snapshotDirectory}/${name}`, last }]
    })
    // Leftovers may still be on their way out while the first file of this process is written.
    this.#partials = Math.max(
      0,
      ...this.leftovers().map((path) => Number(/(\d+)\.partial$/.exec(path)?.[1] ?? 0)),
    )
  }

  /** Newest first. */
  get stored(): readonly StoredSnapshot[] {
    return this.#stored.toReversed()
  }

  get newest(): StoredSnapshot | undefined {
    return this.#stored[this.#stored.length - 1]
  }

  /** A name for a file that is being written; never used twice by one process, nor one that an earlier left behind. */
  partialPath(): string {
    this.#partials += 1
    return `${snapshotDirectory}/${this.#partials}.partial`
  }

  /** What an earlier process left half done. */
  leftovers(): readonly string[] {
    return this.#disk
      .list(snapshotDirectory)
      .filter((name) => name.endsWith('.partial'))
      .map((name) => `${snapshotDirectory}/${name}`)
  }

  /** Gives a file that is durable under `partial` its final name, durably. */
  publish(partial: string, last: LogPosition, done: (error: string | undefined) => void): void {
    const path = snapshotPath(last)
    this.#disk.rename(partial, path, (renameError) => {
      if (renameError !== undefined) {
        done(renameError.message)
        return
      }
      this.#disk.syncDirectory(snapshotDirectory, (syncError) => {
        if (syncError === undefined) this.#add({ path, last })
        done(syncError?.message)
      })
    })
  }

  /** Lets go of the oldest beyond the number kept, except what is being sent. */
  prune(inUse: ReadonlySet<string>): void {
    const surplus = this.#stored.slice(0, Math.max(0, this.#stored.length - limits.snapshotsKept))
    for (const { path } of surplus) if (!inUse.has(path)) this.remove(path)
  }

  remove(path: string): void {
    this.#stored = this.#stored.filter((stored) => stored.path !== path)
    // What cannot be removed now is found again at the next start and goes with the next pruning.
    this.#disk.remove(path, () => undefined)
  }

  /** What lies at or before `index` may be forgotten by the log. */
  get oldestIndex(): LogIndex | undefined {
    return this.#stored[0]?.last.index
  }

  #add(snapshot: StoredSnapshot): void {
    this.#stored = [...this.#stored.filter((stored) => stored.path !== snapshot.path), snapshot].sort(
      (a, b) => a.last.index - b.last.index,
    )
  }
}
