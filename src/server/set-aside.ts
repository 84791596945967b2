/**
 * Takes a server's part of the cluster away from it without deleting anything: log, snapshots and the proof of admission go
 * into a folder of their own; key and id stay. A mark is left, so that the server waits for a token and never founds
 * another cluster by accident. Must run while no server uses the directory.
 */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { admissionFile } from './ca/server-files.ts'
import { formatPath } from './consensus/format.ts'
import { hardStatePath } from './consensus/hard-state.ts'
import { walDirectory } from './consensus/segment.ts'
import { snapshotDirectory } from './consensus/snapshots.ts'

/** Present: this server had a place in a cluster and gave it up. */
export const leftFile = 'left.json'

/**
 * The admission goes first: beside it an empty directory counts as that of a server which was just let in, and one that is
 * still in the configuration would forget votes and entries. Then FORMAT: without it nothing half moved is taken for a log.
 */
const parts = [admissionFile, formatPath, hardStatePath, walDirectory, snapshotDirectory] as const

/** The folder into which it went, below `directory`. Throws the system's error; `move` is `rename` of the system. */
export function setAside(directory: string, why: string, nowMs: number, move = renameSync): string {
  const time = new Date(nowMs).toISOString()
  const folder = `set-aside-${time.replace(/[:.]/g, '-')}`
  // The mark first: a crash in between must not leave a server that looks as if it had never been in a cluster.
  writeFileSync(join(directory, leftFile), `${JSON.stringify({ at: time, why, folder })}\n`, { mode: 0o600 })
  mkdirSync(join(directory, folder), { mode: 0o700 })
  syncDirectory(directory)
  for (const part of parts)
    if (existsSync(join(directory, part))) {
      move(join(directory, part), join(directory, folder, part))
      // Each before the next: the order must outlive a power cut.
      syncDirectory(join(directory, folder))
      syncDirectory(directory)
    }
  return folder
}

function syncDirectory(directory: string): void {
  const handle = openSync(directory, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}
