/** What the file system says of paths: owners, modes, what lies below a folder, room on the disk. Changes nothing. */
import { accessSync, constants, existsSync, lstatSync, readdirSync, statfsSync, statSync } from 'node:fs'
import { dirname, join, parse } from 'node:path'
import { limits } from '../../../model/limits.ts'
import type { PathFacts } from '../judge/account.ts'
import type { DiskFacts } from '../judge/state.ts'

/** Undefined where it is not there or may not be seen. Follows links, as programs do. */
export function factsOf(path: string): PathFacts | undefined {
  try {
    const { uid, gid, mode } = statSync(path)
    return { path, isFolder: (mode & constants.S_IFMT) === constants.S_IFDIR, uid, gid, mode: mode & 0o7777 }
  } catch {
    return undefined
  }
}

/** The folders from the root down to the path, and the path; ends where nothing more can be seen. */
export function wayTo(path: string): readonly PathFacts[] {
  const { root } = parse(path)
  const steps: PathFacts[] = []
  for (let at = path; ; at = dirname(at)) {
    const facts = factsOf(at)
    if (facts !== undefined) steps.unshift(facts)
    if (at === root || at === '.') return steps
  }
}

/** Files and folders below, at most `limits.doctorPaths` of them; undefined where the folder itself is closed to this user. */
export function below(folder: string): readonly PathFacts[] | undefined {
  const found: PathFacts[] = []
  const waiting = [folder]
  try {
    accessSync(folder, constants.R_OK | constants.X_OK)
  } catch {
    return undefined
  }
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop())
    for (const path of pathsIn(next)) {
      if (found.length >= limits.doctorPaths) return found
      const facts = ownFacts(path)
      if (facts === undefined) continue
      found.push(facts)
      if (facts.isFolder) waiting.push(path)
    }
  return found
}

function pathsIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
      .sort()
      .map((name) => join(folder, name))
  } catch {
    return []
  }
}

/** Of a link itself: what it leads to may be anybody's. Links and what vanished meanwhile are left out. */
function ownFacts(path: string): PathFacts | undefined {
  try {
    const status = lstatSync(path)
    if (status.isSymbolicLink()) return undefined
    return {
      path,
      isFolder: status.isDirectory(),
      uid: status.uid,
      gid: status.gid,
      mode: status.mode & 0o7777,
    }
  } catch {
    return undefined
  }
}

/** The disk that holds the path, or will hold it. */
export function diskOf(path: string): DiskFacts {
  const there = nearest(path)
  return { path: there, isReadOnly: isReadOnly(there), room: roomOf(there) }
}

function nearest(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearest(dirname(path))
}

/** The kernel says so before it looks at anybody's rights, also to root. */
function isReadOnly(path: string): boolean {
  try {
    accessSync(path, constants.W_OK)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EROFS'
  }
}

function roomOf(path: string): DiskFacts['room'] {
  try {
    const { bsize, blocks, bavail, files, ffree } = statfsSync(path)
    return { totalBytes: blocks * bsize, freeBytes: bavail * bsize, totalFiles: files, freeFiles: ffree }
  } catch {
    return undefined
  }
}
