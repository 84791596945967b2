/**
 * Reads the write-ahead log at start: every byte of every segment is checked before one entry is believed. What a crash
 * tore off the end is cut away, because it was never acknowledged; anything else that is wrong refuses the start.
 * Changes nothing itself; `repairs` says what has to be done to the files first.
 */
import { failed, ok, type Result } from '../../model/errors.ts'
import { type LogIndex, logIndex } from '../../model/ids.ts'
import type { LogPosition } from '../../model/log-entry.ts'
import type { Disk } from '../../platform/ports.ts'
import { decodeConfiguration, type IndexedConfiguration } from '../../raft/configurations.ts'
import { emptyLog, TermRuns } from '../../raft/terms.ts'
import { type Fault, judgeTail, wasCommitFrame } from './damage.ts'
import { type FrameHeader, readFrame } from './frame.ts'
import { Locations } from './locations.ts'
import { decodePreamble, type Preamble, parseSegmentName, preambleBytes, walDirectory } from './segment.ts'

export interface Segment {
  readonly sequence: number
  readonly path: string
  bytes: number
}

export type Repair =
  | { readonly kind: 'remove'; readonly path: string }
  | { readonly kind: 'truncate'; readonly path: string; readonly bytes: number }

export interface RecoveredLog {
  readonly salt: number
  readonly segments: Segment[]
  readonly nextBatch: number
  readonly chain: number
  /** The last batch holds nothing: what stands before it is proven durable. */
  readonly isSealed: boolean
  /** Where the last batch begins in the last segment; the preamble's place where there is none. */
  readonly lastBatchAt: number
  readonly terms: TermRuns
  readonly locations: Locations
  readonly configurations: readonly IndexedConfiguration[]
  readonly repairs: readonly Repair[]
}

/** `log-damaged` names the index, the file and the byte. */
export function recoverLog(disk: Disk): Result<RecoveredLog> {
  const reader = new LogReader()
  const names = disk.list(walDirectory).filter((name) => parseSegmentName(name) !== undefined)
  for (const [at, name] of names.entries()) {
    const path = `${walDirectory}/${name}`
    const bytes = disk.read(path) ?? new Uint8Array(0)
    const problem = reader.segment(path, bytes, at === names.length - 1)
    if (problem !== undefined) return failed('log-damaged', problem)
  }
  if (names.length === 0) return failed('log-damaged', 'the log is missing: there is no segment at all')
  return ok(reader.result())
}

interface Change {
  readonly header: FrameHeader
  readonly payload: Uint8Array
  readonly offset: number
}

class LogReader {
  #salt = 0
  #chain = 0
  #nextBatch = 0
  #isSealed = false
  #lastBatchAt = 0
  #terms = new TermRuns(emptyLog)
  #locations = new Locations(emptyLog.index)
  #configurations: IndexedConfiguration[] = []
  readonly #segments: Segment[] = []
  readonly #repairs: Repair[] = []

  result(): RecoveredLog {
    return {
      salt: this.#salt,
      segments: this.#segments,
      nextBatch: this.#nextBatch,
      chain: this.#chain,
      isSealed: this.#isSealed,
      lastBatchAt: this.#lastBatchAt,
      terms: this.#terms,
      locations: this.#locations,
      configurations: this.#configurations,
      repairs: this.#repairs,
    }
  }

  /** What is wrong, or undefined. */
  segment(path: string, bytes: Uint8Array, isLast: boolean): string | undefined {
    const preamble = decodePreamble(bytes)
    if (preamble === undefined) {
      const isBegun = this.#segments.length === 0 || bytes.length > preambleBytes
      if (!isLast || isBegun) return damage(this.#indexOf(path), path, 0)
      // Its creation was interrupted: no frame was ever written to it.
      this.#repairs.push({ kind: 'remove', path })
      return undefined
    }
    const misplaced = this.#begin(path, preamble)
    if (misplaced !== undefined) return misplaced
    this.#segments.push({ sequence: preamble.sequence, path, bytes: preambleBytes })
    const end = this.#frames(path, bytes, isLast)
    if (typeof end === 'string') return end
    const segment = this.#segments[this.#segments.length - 1]
    if (segment !== undefined) segment.bytes = end
    if (end < bytes.length) this.#repairs.push({ kind: 'truncate', path, bytes: end })
    return undefined
  }

  /** Checks that the segment continues what was read; the first one may begin anywhere. */
  #begin(path: string, preamble: Preamble): string | undefined {
    const before = this.#segments[this.#segments.length - 1]
    if (before === undefined) {
      this.#salt = preamble.salt
      this.#replaceBy(preamble.base)
    } else {
      const { last } = this.#terms
      const { base } = preamble
      const continues =
        preamble.sequence === before.sequence + 1 &&
        preamble.salt === this.#salt &&
        preamble.chain === this.#chain &&
        preamble.firstBatch === this.#nextBatch
      const follows = preamble.replaces || (base.index === last.index && base.term === last.term)
      if (!continues || !follows) return damage(this.#nextIndex, path, 0)
      if (preamble.replaces) this.#replaceBy(base)
    }
    this.#chain = preamble.chain
    this.#nextBatch = preamble.firstBatch
    // A segment is begun only when everything before it is durable.
    this.#isSealed = true
    this.#lastBatchAt = 0
    return undefined
  }

  #replaceBy(base: LogPosition): void {
    this.#terms.reset(base)
    this.#locations.reset(base.index)
    this.#configurations = []
  }

  get #nextIndex(): LogIndex {
    return logIndex(this.#terms.last.index + 1)
  }

  /** The index to name when a segment says nothing about itself. */
  #indexOf(path: string): LogIndex {
    const named = parseSegmentName(path.slice(walDirectory.length + 1))?.firstIndex ?? 0
    return this.#segments.length === 0 ? logIndex(named) : this.#nextIndex
  }

  /** Where the last whole batch ends, or what is wrong. */
  #frames(path: string, bytes: Uint8Array, isLast: boolean): number | string {
    let batchStart = preambleBytes
    let open: Change[] = []
    let chain = this.#chain
    let at = preambleBytes
    while (at < bytes.length) {
      const read = readFrame(bytes, at, this.#salt)
      if (!read.ok) {
        const fault: Fault = { at, kind: read.fault, batch: this.#nextBatch }
        if (isLast && judgeTail(bytes, fault, this.#salt) === 'torn') return batchStart
        const next = logIndex(expectedIndex(open, this.#nextIndex))
        return damage(wasCommitFrame(bytes, fault, this.#salt) ? logIndex(next - 1) : next, path, at)
      }
      const { header } = read
      if (header.batch !== this.#nextBatch || header.chain !== chain) return damage(header.index, path, at)
      chain = header.checksum
      if (header.type === 'commit') {
        const segment = this.#segments[this.#segments.length - 1]?.sequence ?? 0
        if (!this.#commit(open, header, segment)) return damage(header.index, path, at)
        this.#chain = chain
        open = []
        this.#lastBatchAt = batchStart
        batchStart = read.end
      } else open.push({ header, payload: read.payload, offset: at })
      at = read.end
    }
    if (open.length > 0 && !isLast) return damage(expectedIndex(open, this.#nextIndex), path, at)
    return batchStart
  }

  /** Takes over one whole batch; false if it does not fit the log. */
  #commit(changes: readonly Change[], commit: FrameHeader, segment: number): boolean {
    for (const { header, payload, offset } of changes) {
      const fits =
        header.type === 'truncate'
          ? this.#truncate(header)
          : this.#append(header, payload, { segment, offset, payloadBytes: payload.length })
      if (!fits) return false
    }
    const { last } = this.#terms
    this.#nextBatch += 1
    this.#isSealed = changes.length === 0
    return commit.index === last.index && commit.term === last.term
  }

  #truncate(to: LogPosition): boolean {
    const { base, last } = this.#terms
    if (to.index > last.index) return false
    this.#configurations = this.#configurations.filter((known) => known.index <= to.index)
    if (to.index < base.index) {
      // The entries that this removes stood in segments that are compacted already.
      this.#replaceBy({ index: to.index, term: to.term })
      return true
    }
    if (this.#terms.at(to.index) !== to.term) return false
    this.#terms.truncateAfter(to.index)
    this.#locations.truncateAfter(to.index)
    return true
  }

  #append(header: FrameHeader, payload: Uint8Array, location: Parameters<Locations['push']>[1]): boolean {
    if (header.index !== this.#nextIndex || header.term < this.#terms.last.term) return false
    if (header.kind === 'configuration') {
      const decoded = decodeConfiguration(payload)
      if (!decoded.ok) return false
      this.#configurations.push({ index: header.index, configuration: decoded.value })
    }
    this.#terms.append(header.term)
    this.#locations.push(header.index, location)
    return true
  }
}

function expectedIndex(open: readonly Change[], next: LogIndex): LogIndex {
  const newest = open[open.length - 1]
  return newest === undefined ? next : logIndex(newest.header.index + 1)
}

const damage = (index: LogIndex, path: string, at: number): string =>
  `the log is damaged at index ${index} (${path}, byte ${at}); it is not safe to go on without that entry`
