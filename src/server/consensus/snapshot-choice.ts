/**
 * Restores the newest whole snapshot at start. An older one serves where the newest is damaged, but only if the log still
 * holds every entry after it; else the server must not start.
 */
import { failed, ok, type Result } from '../../model/errors.ts'
import type { LogIndex } from '../../model/ids.ts'
import type { Clock, Disk, Log } from '../../platform/ports.ts'
import type { StateMachine } from './contract.ts'
import type { SnapshotMeta } from './snapshot-file.ts'
import { SnapshotScan } from './snapshot-scan.ts'
import type { Snapshots, StoredSnapshot } from './snapshots.ts'

export interface SnapshotChoice {
  readonly disk: Disk
  readonly clock: Clock
  readonly log: Log
  readonly snapshots: Snapshots
  readonly stateMachine: StateMachine
  /** The log holds entries after this index only. */
  readonly logBase: LogIndex
}

/** Calls back with the snapshot that the state machine stands at; undefined where there is none and none is needed. */
export function restoreNewest(
  choice: SnapshotChoice,
  done: (result: Result<SnapshotMeta | undefined>) => void,
): void {
  restoreFirstOf(choice, choice.snapshots.stored, done)
}

function restoreFirstOf(
  choice: SnapshotChoice,
  candidates: readonly StoredSnapshot[],
  done: (result: Result<SnapshotMeta | undefined>) => void,
): void {
  const [candidate, ...older] = candidates
  if (candidate === undefined || candidate.last.index < choice.logBase) {
    const isNeeded = choice.logBase > 0
    const missing = `the log begins after index ${choice.logBase} and no whole snapshot reaches it`
    done(isNeeded ? failed('log-damaged', missing) : ok(undefined))
    return
  }
  const file = choice.disk.open(candidate.path)
  const writer = choice.stateMachine.restore(candidate.last.index)
  new SnapshotScan(
    file,
    choice.clock,
    (piece) => writer.write(piece),
    (scanned) => {
      file.close()
      if (!scanned.ok && scanned.failure.code === 'log-damaged') {
        choice.log.error('a snapshot is damaged; trying the one before', { path: candidate.path })
        choice.snapshots.remove(candidate.path)
        restoreFirstOf(choice, older, done)
        return
      }
      const finished = scanned.ok ? writer.finish() : scanned
      done(finished.ok ? scanned : finished)
    },
  )
}
