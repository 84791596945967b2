/**
 * A disk in memory that can lose what was not synced. It knows three states of a file: what a power cut leaves for sure,
 * what a running process sees, and the operations between the two, any subset of which a crash may keep, torn at sectors.
 *
 * Model: bytes outside a write survive it; a sync covers every write that was done before it was called; names need a
 * sync of their directory. Callbacks come through the clock and never after a crash.
 */
import { MeshError } from '../../src/model/errors.ts'
import type { Clock, Disk, DiskDone, DiskError, DiskFile } from '../../src/platform/ports.ts'
import type { SeededRandom } from './random.ts'

const sectorBytes = 512

type Change =
  | { readonly kind: 'write'; readonly position: number; readonly data: Uint8Array; isDone: boolean }
  | { readonly kind: 'truncate'; readonly length: number; isDone: boolean }

class Bytes {
  data = new Uint8Array(0)
  length = 0

  write(position: number, data: Uint8Array): void {
    this.#grow(position + data.length)
    this.data.set(data, position)
    this.length = Math.max(this.length, position + data.length)
  }

  truncate(length: number): void {
    this.#grow(length)
    if (length < this.length) this.data.fill(0, length, this.length)
    this.length = length
  }

  slice(from: number, to: number): Uint8Array {
    return this.data.slice(Math.min(from, this.length), Math.min(to, this.length))
  }

  copy(): Bytes {
    const copied = new Bytes()
    copied.data = this.data.slice(0, this.length)
    copied.length = this.length
    return copied
  }

  #grow(needed: number): void {
    if (needed <= this.data.length) return
    const grown = new Uint8Array(Math.max(needed, this.data.length * 2, 1_024))
    grown.set(this.data.subarray(0, this.length))
    this.data = grown
  }
}

/** A file apart from its names. */
class Inode {
  durable = new Bytes()
  seen = new Bytes()
  changes: Change[] = []
}

type Renaming =
  | { readonly kind: 'link'; readonly name: string; readonly inode: Inode }
  | { readonly kind: 'unlink'; readonly name: string }
  | { readonly kind: 'rename'; readonly from: string; readonly to: string; readonly inode: Inode }

export interface SimulatedDiskOptions {
  readonly clock: Clock
  readonly random: SeededRandom
  /** Longest time that a write or a sync takes; each draws its own. */
  readonly writeMaxMs?: number
  readonly syncMaxMs?: number
}

/** Everything that can be done to a disk, in order; see `onOperation`. */
export type DiskOperation = 'write' | 'sync' | 'truncate' | 'rename' | 'remove' | 'sync-directory'

export class SimulatedDisk implements Disk {
  readonly #options: SimulatedDiskOptions
  /** Names as a running process sees them, and as a power cut leaves them for sure. */
  #seen = new Map<string, Inode>()
  #durable = new Map<string, Inode>()
  #renamings: Renaming[] = []
  readonly #directories = new Set<string>([''])
  /** Callbacks of an earlier life are dropped. */
  #life = 0
  #faults: { operation: DiskOperation; error: DiskError; times: number }[] = []
  /** Every operation takes this many times as long. */
  slowness = 1
  /** Room for new bytes; a write beyond it fails. */
  freeBytes = Number.POSITIVE_INFINITY
  /** Called when an operation has succeeded, before its callback: the place to cut a run. */
  onOperation: (operation: DiskOperation, path: string) => void = () => undefined
  /** Called for each read of a part of an open file. */
  onRead: (path: string) => void = () => undefined
  /** Planted bug: syncs of these files call back without doing anything. */
  ignoresSync: (path: string) => boolean = () => false
  /** Planted bug: syncs of directories call back without doing anything. */
  ignoresDirectorySync = false
  /** Planted bug: syncs of these files call back at once and do their work so many milliseconds later. */
  syncsLateMs: (path: string) => number = () => 0

  constructor(options: SimulatedDiskOptions) {
    this.#options = options
  }

  list(directory: string): readonly string[] {
    const prefix = directory === '' ? '' : `${directory}/`
    return [...this.#seen.keys()]
      .filter((path) => path.startsWith(prefix) && !path.slice(prefix.length).includes('/'))
      .map((path) => path.slice(prefix.length))
      .sort()
  }

  read(path: string): Uint8Array | undefined {
    const inode = this.#seen.get(path)
    return inode?.seen.slice(0, inode.seen.length)
  }

  makeDirectory(path: string): void {
    this.#directories.add(path)
  }

  open(path: string): DiskFile {
    const known = this.#seen.get(path)
    if (known !== undefined) return new SimulatedFile(this, path, known)
    if (this.freeBytes <= 0) throw new MeshError('disk-full', `cannot create ${path}`)
    const inode = new Inode()
    this.#seen.set(path, inode)
    this.#renamings.push({ kind: 'link', name: path, inode })
    return new SimulatedFile(this, path, inode)
  }

  rename(from: string, to: string, done: DiskDone): void {
    this.run('rename', to, done, () => {
      const inode = this.#seen.get(from)
      if (inode === undefined) return { code: 'not-found', message: from }
      this.#seen.delete(from)
      this.#seen.set(to, inode)
      this.#renamings.push({ kind: 'rename', from, to, inode })
      return undefined
    })
  }

  remove(path: string, done: DiskDone): void {
    this.run('remove', path, done, () => {
      if (!this.#seen.delete(path)) return { code: 'not-found', message: path }
      this.#renamings.push({ kind: 'unlink', name: path })
      return undefined
    })
  }

  syncDirectory(directory: string, done: DiskDone): void {
    const covered = new Set(this.#renamings.filter((renaming) => directoryOf(renaming) === directory))
    this.run('sync-directory', directory, done, () => {
      if (this.ignoresDirectorySync) return undefined
      for (const renaming of this.#renamings) if (covered.has(renaming)) apply(this.#durable, renaming)
      this.#renamings = this.#renamings.filter((renaming) => !covered.has(renaming))
      return undefined
    })
  }

  /** The next `times` operations of this kind fail. */
  fail(operation: DiskOperation, error: DiskError, times = 1): void {
    this.#faults.push({ operation, error, times })
  }

  /** Operations succeed again, and there is room. */
  heal(): void {
    this.#faults = []
    this.freeBytes = Number.POSITIVE_INFINITY
    this.slowness = 1
  }

  /** Changes one byte of what is durable, as a failing medium does. */
  flip(path: string, offset: number, mask = 0x01): void {
    const inode = this.#seen.get(path)
    for (const bytes of [inode?.durable, inode?.seen]) {
      const before = bytes?.data[offset]
      if (bytes !== undefined && before !== undefined) bytes.data[offset] = before ^ mask
    }
  }

  /** The process dies; what it wrote stays in the page cache, synced or not, and later syncs cover it. */
  kill(): void {
    this.#life += 1
    for (const inode of this.#seen.values()) for (const change of inode.changes) change.isDone = true
  }

  /**
   * The power goes: what was synced stays; of everything else each operation is kept whole, torn, or lost. `keep` is the
   * chance of each to be kept. True if there was anything that could be lost.
   */
  crash(random: SeededRandom, keep = random.fraction()): boolean {
    this.kill()
    const isRisky =
      this.#renamings.length > 0 || [...this.#seen.values()].some(({ changes }) => changes.length > 0)
    for (const renaming of this.#renamings) if (random.chance(keep)) apply(this.#durable, renaming)
    this.#renamings = []
    this.#seen = new Map(this.#durable)
    for (const inode of new Set(this.#durable.values())) crashInode(inode, random, keep)
    return isRisky
  }

  /** The same disk with its own future; nothing done to one is seen by the other. */
  fork(clock: Clock, random: SeededRandom): SimulatedDisk {
    const forked = new SimulatedDisk({ ...this.#options, clock, random })
    const copies = new Map<Inode, Inode>()
    const copyOf = (inode: Inode): Inode => {
      const known = copies.get(inode)
      if (known !== undefined) return known
      const copied = new Inode()
      copied.durable = inode.durable.copy()
      copied.seen = inode.seen.copy()
      copied.changes = inode.changes.map((change) => ({ ...change }))
      copies.set(inode, copied)
      return copied
    }
    forked.#seen = new Map([...this.#seen].map(([path, inode]) => [path, copyOf(inode)]))
    forked.#durable = new Map([...this.#durable].map(([path, inode]) => [path, copyOf(inode)]))
    forked.#renamings = this.#renamings.map((renaming) =>
      renaming.kind === 'unlink' ? renaming : { ...renaming, inode: copyOf(renaming.inode) },
    )
    return forked
  }

  /** Runs one operation after its delay; the result goes to `done`. For this file only. */
  run(operation: DiskOperation, path: string, done: DiskDone, work: () => DiskError | undefined): void {
    const { clock, random, writeMaxMs = 0, syncMaxMs = 0 } = this.#options
    const life = this.#life
    const maxMs = operation === 'sync' || operation === 'sync-directory' ? syncMaxMs : writeMaxMs
    const delayMs = maxMs === 0 ? 0 : random.fraction() * maxMs * this.slowness
    const lateMs = operation === 'sync' ? this.syncsLateMs(path) : 0
    if (lateMs > 0) {
      clock.after(delayMs, () => life === this.#life && done(undefined))
      clock.after(
        delayMs + lateMs,
        () => life === this.#life && work() === undefined && this.onOperation(operation, path),
      )
      return
    }
    clock.after(delayMs, () => {
      if (life !== this.#life) return
      const error = this.#fault(operation) ?? work()
      if (error === undefined) this.onOperation(operation, path)
      if (life === this.#life) done(error)
    })
  }

  #fault(operation: DiskOperation): DiskError | undefined {
    const fault = this.#faults.find((known) => known.operation === operation && known.times > 0)
    if (fault !== undefined) fault.times -= 1
    return fault?.error
  }
}

class SimulatedFile implements DiskFile {
  readonly path: string
  readonly #disk: SimulatedDisk
  readonly #inode: Inode
  #isClosed = false

  constructor(disk: SimulatedDisk, path: string, inode: Inode) {
    this.#disk = disk
    this.path = path
    this.#inode = inode
  }

  size(): number {
    return this.#inode.seen.length
  }

  read(position: number, length: number): Uint8Array {
    this.#disk.onRead(this.path)
    return this.#inode.seen.slice(position, position + length)
  }

  write(position: number, data: Uint8Array, done: DiskDone): void {
    this.#mustBeOpen()
    const inode = this.#inode
    const growth = Math.max(0, position + data.length - inode.seen.length)
    const isFull = growth > this.#disk.freeBytes
    // A full disk takes what still fits.
    const taken = isFull
      ? data.slice(0, Math.max(0, data.length - growth + this.#disk.freeBytes))
      : data.slice()
    const change: Change = { kind: 'write', position, data: taken, isDone: false }
    this.#disk.freeBytes -= Math.min(growth, this.#disk.freeBytes)
    if (taken.length > 0) {
      inode.seen.write(position, taken)
      inode.changes.push(change)
    }
    this.#disk.run('write', this.path, done, () => {
      change.isDone = true
      return isFull ? { code: 'no-space', message: `no space left for ${this.path}` } : undefined
    })
  }

  sync(done: DiskDone): void {
    this.#mustBeOpen()
    const inode = this.#inode
    const covered = new Set(inode.changes.filter((change) => change.isDone))
    const end: DiskDone = (error) => {
      // As Linux does: after a failed sync the pages count as clean, are still read, and never reach the medium.
      if (error !== undefined) inode.changes = inode.changes.filter((change) => !covered.has(change))
      done(error)
    }
    this.#disk.run('sync', this.path, end, () => {
      if (this.#disk.ignoresSync(this.path)) return undefined
      for (const change of inode.changes) if (covered.has(change)) applyChange(inode.durable, change)
      inode.changes = inode.changes.filter((change) => !covered.has(change))
      return undefined
    })
  }

  truncate(length: number, done: DiskDone): void {
    this.#mustBeOpen()
    const change: Change = { kind: 'truncate', length, isDone: false }
    this.#inode.seen.truncate(length)
    this.#inode.changes.push(change)
    this.#disk.run('truncate', this.path, done, () => {
      change.isDone = true
      return undefined
    })
  }

  close(): void {
    this.#isClosed = true
  }

  #mustBeOpen(): void {
    if (this.#isClosed) throw new Error(`${this.path} is used after it was closed`)
  }
}

function applyChange(bytes: Bytes, change: Change): void {
  if (change.kind === 'write') bytes.write(change.position, change.data)
  else bytes.truncate(change.length)
}

/** Each change that was not synced is kept, lost, or kept in some of its sectors. */
function crashInode(inode: Inode, random: SeededRandom, keep: number): void {
  for (const change of inode.changes) {
    if (!random.chance(keep)) continue
    if (change.kind === 'truncate' || random.chance(0.5)) applyChange(inode.durable, change)
    else writeTorn(inode.durable, change.position, change.data, random)
  }
  inode.changes = []
  inode.seen = inode.durable.copy()
}

function writeTorn(bytes: Bytes, position: number, data: Uint8Array, random: SeededRandom): void {
  for (let at = 0; at < data.length; ) {
    const end = Math.min(data.length, at + sectorBytes - ((position + at) % sectorBytes))
    if (random.chance(0.5)) bytes.write(position + at, data.subarray(at, end))
    at = end
  }
}

const parentOf = (path: string): string => path.split('/').slice(0, -1).join('/')

const directoryOf = (renaming: Renaming): string =>
  parentOf(renaming.kind === 'rename' ? renaming.to : renaming.name)

function apply(names: Map<string, Inode>, renaming: Renaming): void {
  if (renaming.kind === 'link') names.set(renaming.name, renaming.inode)
  else if (renaming.kind === 'unlink') names.delete(renaming.name)
  else {
    names.delete(renaming.from)
    names.set(renaming.to, renaming.inode)
  }
}
