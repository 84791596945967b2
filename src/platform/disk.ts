/**
 * The machine's disk behind the `Disk` port, for files whose durability is promised to others: callbacks, fdatasync,
 * directory syncs. Knows nothing of logs or snapshots. test/simulation/disk.ts is the other implementation.
 */
import {
  close,
  closeSync,
  fdatasync,
  fstatSync,
  fsync,
  ftruncate,
  mkdirSync,
  open,
  constants as openFlags,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rename,
  unlink,
  write,
} from 'node:fs'
import { join } from 'node:path'
import { assert, MeshError } from '../model/errors.ts'
import type { Disk, DiskDone, DiskError, DiskFile, FileUse } from './ports.ts'

/** Files below `root`, which must exist. One process owns it. */
export function createDisk(root: string): Disk {
  const below = (path: string): string => {
    assert(!path.startsWith('/') && !path.split('/').includes('..'), `${path} lies below the data directory`)
    return join(root, path)
  }
  return {
    list(directory) {
      return readOrMissing(() => readdirSync(below(directory)).sort()) ?? []
    },
    read(path) {
      return readOrMissing(() => new Uint8Array(readFileSync(below(path))))
    },
    makeDirectory(path) {
      mkdirSync(below(path), { recursive: true, mode: 0o700 })
    },
    open(path, use) {
      return new NodeFile(path, openOrThrow(below(path), use), use)
    },
    rename(from, to, done) {
      rename(below(from), below(to), (error) => done(diskError(error)))
    },
    remove(path, done) {
      unlink(below(path), (error) => done(diskError(error)))
    },
    syncDirectory(directory, done) {
      syncDirectory(below(directory), done)
    },
  }
}

class NodeFile implements DiskFile {
  readonly path: string
  readonly #descriptor: number
  readonly #use: FileUse | undefined
  #size: number
  /** Changes that only a sync makes durable, and how many of them one has. The first: what an earlier process left. */
  #changes = 1
  #syncedChanges = 0
  /** Operations under way. A descriptor closed under them could be another file's by the time they run. */
  #running = 0
  #isClosing: boolean = false

  constructor(path: string, descriptor: number, use: FileUse | undefined) {
    this.path = path
    this.#descriptor = descriptor
    this.#use = use
    this.#size = fstatSync(descriptor).size
  }

  size(): number {
    return this.#size
  }

  read(position: number, length: number): Uint8Array {
    this.#mustBeOpen()
    const bytes = new Uint8Array(length)
    let filled = 0
    while (filled < length) {
      const count = readSync(this.#descriptor, bytes, filled, length - filled, position + filled)
      if (count === 0) break
      filled += count
    }
    return bytes.subarray(0, filled)
  }

  write(position: number, data: Uint8Array, done: DiskDone): void {
    this.#mustBeOpen()
    this.#size = Math.max(this.#size, position + data.length)
    if (this.#use === undefined) this.#changes += 1
    this.#writeAll(position, data, this.#begin(done))
  }

  sync(done: DiskDone): void {
    this.#mustBeOpen()
    const end = this.#begin(done)
    const changes = this.#changes
    if (this.#syncedChanges === changes) {
      queueMicrotask(() => end(undefined))
      return
    }
    fdatasync(this.#descriptor, (error) => {
      if (error === null) this.#syncedChanges = Math.max(this.#syncedChanges, changes)
      end(diskError(error))
    })
  }

  truncate(length: number, done: DiskDone): void {
    this.#mustBeOpen()
    this.#size = length
    this.#changes += 1
    const end = this.#begin(done)
    ftruncate(this.#descriptor, length, (error) => end(diskError(error)))
  }

  close(): void {
    if (this.#isClosing) return
    this.#isClosing = true
    if (this.#running === 0) closeSync(this.#descriptor)
  }

  /** The kernel may take less than it was given, on a nearly full disk for example. */
  #writeAll(position: number, data: Uint8Array, done: DiskDone): void {
    write(this.#descriptor, data, 0, data.length, position, (error, written) => {
      if (error !== null || written === data.length) done(diskError(error))
      else this.#writeAll(position + written, data.subarray(written), done)
    })
  }

  #begin(done: DiskDone): DiskDone {
    this.#running += 1
    return (error) => {
      this.#running -= 1
      if (this.#isClosing && this.#running === 0) closeSync(this.#descriptor)
      done(error)
    }
  }

  #mustBeOpen(): void {
    assert(!this.#isClosing, `${this.path} is used after it was closed`)
  }
}

/** Not O_TRUNC: what is there is the reason to open it. */
function openOrThrow(path: string, use: FileUse | undefined): number {
  const durably = use === 'sync-each-write' ? openFlags.O_DSYNC : 0
  const flags = openFlags.O_RDWR | openFlags.O_CREAT | durably
  try {
    return openSync(path, flags, 0o600)
  } catch (error) {
    const failure = diskError(error)
    throw new MeshError(failure?.code === 'no-space' ? 'disk-full' : 'disk-failed', failure?.message ?? path)
  }
}

function syncDirectory(path: string, done: DiskDone): void {
  open(path, 'r', (openError, descriptor) => {
    if (openError !== null) {
      done(diskError(openError))
      return
    }
    fsync(descriptor, (syncError) =>
      close(descriptor, (closeError) => done(diskError(syncError ?? closeError))),
    )
  })
}

/** undefined where the file or directory does not exist; anything else that cannot be read is a failing disk. */
function readOrMissing<Value>(read: () => Value): Value | undefined {
  try {
    return read()
  } catch (error) {
    const failure = diskError(error)
    if (failure?.code === 'not-found') return undefined
    throw new MeshError('disk-failed', failure?.message ?? 'the disk cannot be read')
  }
}

function diskError(error: unknown): DiskError | undefined {
  if (error === null || error === undefined) return undefined
  const message = error instanceof Error ? error.message : String(error)
  const code = (error as NodeJS.ErrnoException).code
  if (code === 'ENOENT') return { code: 'not-found', message }
  if (code === 'ENOSPC' || code === 'EDQUOT') return { code: 'no-space', message }
  if (code === 'EEXIST') return { code: 'exists', message }
  return { code: 'io', message }
}
