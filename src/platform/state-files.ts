/**
 * Small state files of one program behind the `StateFiles` port: atomic replacement by temporary file, fsync, rename,
 * and fsync of the folder. Knows nothing of what the files hold.
 */
import { randomUUID } from 'node:crypto'
import {
  closeSync,
  fchmodSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { assert } from '../model/errors.ts'
import type { DiskError, StateFiles, StateWriteOptions } from './ports.ts'

/** Marks a file that was being written; one that is left over was never part of the state. */
const unfinishedSuffix = '.unfinished'

/**
 * Files below `root`, which is made (0700) with the first write. One process owns the folder; only what is written with
 * `ifAbsent` may be begun by another one in the same moment.
 */
export function createStateFiles(root: string): StateFiles {
  return {
    list(directory) {
      const path = pathBelow(root, directory)
      try {
        return readdirSync(path)
          .filter((name) => !name.endsWith(unfinishedSuffix))
          .sort()
      } catch {
        // A folder that cannot be listed holds nothing that could be used.
        return []
      }
    },
    read(path) {
      const full = pathBelow(root, path)
      try {
        return new Uint8Array(readFileSync(full))
      } catch {
        // Missing and unreadable mean the same to a caller: there is no such state.
        return undefined
      }
    },
    write(path, data, options = {}) {
      const full = pathBelow(root, path)
      try {
        mkdirSync(dirname(full), { recursive: true, mode: 0o700 })
        if (options.ifAbsent === true) makeFile(full, data, options)
        else replaceFile(full, data, options)
        return undefined
      } catch (error) {
        return diskError(error)
      }
    },
    remove(path) {
      const full = pathBelow(root, path)
      try {
        rmSync(full, { force: true })
        syncDirectory(dirname(full))
        return undefined
      } catch (error) {
        const failure = diskError(error)
        return failure.code === 'not-found' ? undefined : failure
      }
    },
  }
}

function pathBelow(root: string, path: string): string {
  assert(!path.startsWith('/') && !path.split('/').includes('..'), `state file ${path} lies below its folder`)
  return join(root, path)
}

function replaceFile(path: string, data: Uint8Array, options: StateWriteOptions): void {
  const unfinished = `${path}${unfinishedSuffix}`
  writeWhole(unfinished, data, options)
  renameSync(unfinished, path)
  if (options.durable ?? true) syncDirectory(dirname(path))
}

/** A link, unlike a rename, does not replace what another process put there. */
function makeFile(path: string, data: Uint8Array, options: StateWriteOptions): void {
  const unfinished = `${path}.${randomUUID()}${unfinishedSuffix}`
  try {
    writeWhole(unfinished, data, options)
    linkSync(unfinished, path)
  } finally {
    rmSync(unfinished, { force: true })
  }
  if (options.durable ?? true) syncDirectory(dirname(path))
}

function writeWhole(
  path: string,
  data: Uint8Array,
  { mode = 0o600, durable = true }: StateWriteOptions,
): void {
  const file = openSync(path, 'w', mode)
  try {
    // Before the first byte: a left-over of a crash may have another mode, and the umask may have taken bits away.
    fchmodSync(file, mode)
    for (let at = 0; at < data.length; ) at += writeSync(file, data, at)
    if (durable) fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

function syncDirectory(path: string): void {
  const directory = openSync(path, 'r')
  try {
    fsyncSync(directory)
  } finally {
    closeSync(directory)
  }
}

function diskError(error: unknown): DiskError {
  const message = error instanceof Error ? error.message : String(error)
  const code = (error as NodeJS.ErrnoException).code
  if (code === 'ENOENT') return { code: 'not-found', message }
  if (code === 'ENOSPC' || code === 'EDQUOT') return { code: 'no-space', message }
  if (code === 'EEXIST') return { code: 'exists', message }
  return { code: 'io', message }
}
