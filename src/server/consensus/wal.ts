/**
 * The write-ahead log: append-only segments of batches, one write and one sync per batch, and reads by index.
 * A conflicting suffix is removed by a truncate frame inside the batch that replaces it: nothing is ever overwritten, so
 * a crash leaves either the old suffix or the new one. One operation at a time; storage.ts keeps the order.
 */
import { assert, MeshError } from '../../model/errors.ts'
import { type LogIndex, logIndex } from '../../model/ids.ts'
import { limits } from '../../model/limits.ts'
import type { Entry, LogPosition } from '../../model/log-entry.ts'
import type { Disk, DiskFile } from '../../platform/ports.ts'
import type { LogStore } from '../../raft/log.ts'
import type { DurableWriter } from './durable-writer.ts'
import { BatchWriter, entryOf, frameBytes, readFrame } from './frame.ts'
import type { Location, Locations } from './locations.ts'
import type { RecoveredLog, Segment } from './recovery.ts'
import { encodePreamble, segmentPath, walDirectory } from './segment.ts'

/** Commit frames between two entries are read along instead of seeking over them. */
const readGapBytes = 4_096

export interface WalOptions {
  readonly disk: Disk
  readonly writer: DurableWriter
  /** A segment that has reached this size is followed by a new one. */
  readonly segmentBytes: number
}

/** What one batch changes, in order. */
export type LogChange =
  | { readonly kind: 'truncate'; readonly after: LogPosition }
  | { readonly kind: 'entry'; readonly entry: Entry }

export class WriteAheadLog implements LogStore {
  readonly #options: WalOptions
  readonly #salt: number
  readonly #segments: Segment[]
  readonly #files = new Map<number, DiskFile>()
  readonly #locations: Locations
  #last: LogPosition
  #nextBatch: number
  #chain: number
  #isSealed: boolean
  #isBusy: boolean = false
  #isRemoving: boolean = false

  constructor(options: WalOptions, recovered: RecoveredLog) {
    this.#options = options
    this.#salt = recovered.salt
    this.#segments = recovered.segments
    this.#locations = recovered.locations
    this.#last = recovered.terms.last
    this.#nextBatch = recovered.nextBatch
    this.#chain = recovered.chain
    this.#isSealed = recovered.isSealed
  }

  /** Whether the newest batch is proven durable by what stands behind it; see damage.ts. */
  get isSealed(): boolean {
    return this.#isSealed
  }

  /**
   * Makes what was found durable: an earlier process may have left the end of the last segment, or its removal, in the
   * page cache only. Both are done again, because after a failed sync the kernel takes such pages for clean and a new sync
   * alone would skip them. Everything before the last batch was durable when that was begun.
   */
  adopt(lastBatchAt: number, done: () => void): void {
    this.#begin()
    const { writer } = this.#options
    const current = this.#current
    const file = this.#fileOf(current.sequence)
    const bytes = file.read(lastBatchAt, current.bytes - lastBatchAt)
    writer.truncate(file, current.bytes, () => writer.write(file, lastBatchAt, bytes, () => this.#end(done)))
  }

  /** Of the oldest entry that can be read. */
  get firstIndex(): LogIndex {
    return this.#locations.first
  }

  /** Makes one batch durable, then calls back. Without changes it only seals the batch before. */
  append(changes: readonly LogChange[], done: () => void): void {
    this.#begin()
    const current = this.#segments[this.#segments.length - 1]
    if (current !== undefined && current.bytes < this.#options.segmentBytes) this.#writeBatch(changes, done)
    else this.#addSegment(this.#last, false, () => this.#writeBatch(changes, done))
  }

  /** Replaces the log by a snapshot at `base`. */
  reset(base: LogPosition, done: () => void): void {
    this.#begin()
    this.#addSegment(base, true, () => {
      this.#last = base
      this.#locations.reset(base.index)
      this.#isSealed = true
      this.#removeBefore(this.#current.sequence)
      this.#end(done)
    })
  }

  entries(from: LogIndex, to: LogIndex, bytesMax: number): readonly Entry[] {
    const entries: Entry[] = []
    let budget = bytesMax
    let next = from
    while (next <= to && (entries.length === 0 || budget > 0)) {
      const run = this.#runFrom(next, to, budget)
      const first = this.#locations.at(next)
      const bytes = this.#fileOf(first.segment).read(first.offset, run.bytes)
      for (; next <= run.last; next = logIndex(next + 1)) {
        const read = readFrame(bytes, this.#locations.at(next).offset - first.offset, this.#salt)
        if (!read.ok || read.header.index !== next)
          throw new MeshError('log-damaged', `entry ${next} of the log can no longer be read`)
        entries.push(entryOf(read.header, read.payload))
      }
      budget -= run.bytes
    }
    return entries
  }

  /**
   * Removes whole segments whose entries are all at or before `upTo`; behind enough bytes of newer segments also those
   * up to `limit`. Gives the index before the first entry that is still there.
   */
  compact(upTo: LogIndex, limit: LogIndex): LogIndex {
    let newerBytes = 0
    for (let at = this.#segments.length - 1; at > 0; at -= 1) {
      const segment = this.#segments[at]
      assert(segment !== undefined, 'segments are counted')
      newerBytes += segment.bytes
      const first = this.#locations.firstFrom(segment.sequence)
      if (first - 1 > (newerBytes >= limits.snapshotAfterBytes ? limit : upTo)) continue
      this.#locations.dropBefore(first)
      this.#removeBefore(segment.sequence)
      break
    }
    return logIndex(this.#locations.first - 1)
  }

  /** The files are let go of; what is written stays. */
  close(): void {
    for (const file of this.#files.values()) file.close()
    this.#files.clear()
  }

  get #current(): Segment {
    const current = this.#segments[this.#segments.length - 1]
    assert(current !== undefined, 'the log has a segment')
    return current
  }

  #begin(): void {
    assert(!this.#isBusy, 'the log does one thing at a time')
    this.#isBusy = true
  }

  #end(done: () => void): void {
    this.#isBusy = false
    done()
  }

  #writeBatch(changes: readonly LogChange[], done: () => void): void {
    const segment = this.#current
    const frames = new BatchWriter(batchBytes(changes), this.#nextBatch, this.#chain, this.#salt)
    const places: (Location | undefined)[] = []
    let last = this.#last
    for (const change of changes) {
      const offset = segment.bytes + frames.position
      if (change.kind === 'truncate') {
        frames.truncate(change.after)
        places.push(undefined)
        last = change.after
      } else {
        frames.entry(change.entry)
        places.push({ segment: segment.sequence, offset, payloadBytes: change.entry.data.length })
        last = { index: change.entry.index, term: change.entry.term }
      }
    }
    const bytes = frames.commit(last)
    this.#options.writer.write(this.#fileOf(segment.sequence), segment.bytes, bytes, () => {
      segment.bytes += bytes.length
      this.#chain = frames.chain
      this.#nextBatch += 1
      this.#isSealed = changes.length === 0
      this.#last = last
      this.#place(changes, places)
      this.#end(done)
    })
  }

  #place(changes: readonly LogChange[], places: readonly (Location | undefined)[]): void {
    changes.forEach((change, at) => {
      const place = places[at]
      if (change.kind === 'truncate') this.#locations.truncateAfter(change.after.index)
      else if (place !== undefined) this.#locations.push(change.entry.index, place)
    })
  }

  /** Begins a segment: its preamble and its name are durable before anything is written behind it. */
  #addSegment(base: LogPosition, replaces: boolean, done: () => void): void {
    const { writer } = this.#options
    const sequence = (this.#segments[this.#segments.length - 1]?.sequence ?? 0) + 1
    const path = segmentPath(sequence, base)
    const firstBatch = this.#nextBatch
    const chain = this.#chain
    const preamble = encodePreamble({ salt: this.#salt, sequence, base, firstBatch, chain, replaces })
    writer.open(path, (file) => {
      this.#files.set(sequence, file)
      writer.write(file, 0, preamble, () =>
        writer.syncDirectory(walDirectory, () => {
          this.#segments.push({ sequence, path, bytes: preamble.length })
          done()
        }),
      )
    })
  }

  /** Oldest first and one by one, so that a crash on the way leaves no gap between segments. */
  #removeBefore(sequence: number): void {
    const oldest = this.#segments[0]
    if (this.#isRemoving || oldest === undefined || oldest.sequence >= sequence) return
    this.#isRemoving = true
    const { disk, writer } = this.#options
    disk.remove(oldest.path, (error) => {
      // What cannot be removed now is tried again at the next compaction.
      this.#isRemoving = false
      if (error !== undefined && error.code !== 'not-found') return
      this.#segments.shift()
      this.#files.get(oldest.sequence)?.close()
      this.#files.delete(oldest.sequence)
      this.#isRemoving = true
      writer.syncDirectory(walDirectory, () => {
        this.#isRemoving = false
        this.#removeBefore(sequence)
      })
    })
  }

  #fileOf(sequence: number): DiskFile {
    const known = this.#files.get(sequence)
    if (known !== undefined) return known
    const segment = this.#segments.find((one) => one.sequence === sequence)
    assert(segment !== undefined, `the log has no segment ${sequence}`)
    const file = this.#options.disk.open(segment.path, 'sync-each-write')
    this.#files.set(sequence, file)
    return file
  }

  /** Entries from `from` on that one read of at most about `bytesMax` can fetch, at least one. */
  #runFrom(
    from: LogIndex,
    to: LogIndex,
    bytesMax: number,
  ): { readonly last: LogIndex; readonly bytes: number } {
    const first = this.#locations.at(from)
    let bytes = frameBytes(first.payloadBytes)
    let last = from
    while (last < to) {
      const next = this.#locations.at(logIndex(last + 1))
      const end = next.offset + frameBytes(next.payloadBytes) - first.offset
      const isNear = next.segment === first.segment && next.offset - first.offset - bytes <= readGapBytes
      if (!isNear || end > bytesMax) break
      bytes = end
      last = logIndex(last + 1)
    }
    return { last, bytes }
  }
}

function batchBytes(changes: readonly LogChange[]): number {
  let bytes = frameBytes(0)
  for (const change of changes) bytes += frameBytes(change.kind === 'entry' ? change.entry.data.length : 0)
  return bytes
}
