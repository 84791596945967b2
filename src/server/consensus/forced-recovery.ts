/**
 * Makes a list of servers that an operator gave the one of this server's log: applies everything that the log holds,
 * committed or not, and writes it down as a snapshot that carries the new list. The one that is furthest leads. Servers that
 * do the same each by itself can hold different entries where their uncommitted ends are of different terms: raft/following.ts
 * ends the one that hears of entries that contradict its own, and it has to rejoin.
 */
import type { ClusterConfiguration } from '../../model/cluster.ts'
import { type Failure, failed } from '../../model/errors.ts'
import { type LogIndex, logIndex } from '../../model/ids.ts'
import { limits } from '../../model/limits.ts'
import type { LogPosition } from '../../model/log-entry.ts'
import type { Clock, Disk } from '../../platform/ports.ts'
import type { StateMachine } from './contract.ts'
import { openUnlessFull } from './durable-writer.ts'
import type { SnapshotMeta } from './snapshot-file.ts'
import { SnapshotTaking } from './snapshot-taking.ts'
import type { Snapshots } from './snapshots.ts'
import type { WriteAheadLog } from './wal.ts'

export interface ForcedRecovery {
  readonly disk: Disk
  readonly clock: Clock
  readonly stateMachine: StateMachine
  readonly snapshots: Snapshots
  readonly wal: WriteAheadLog
  /** What the state machine stands at, and the last entry of the log. */
  readonly applied: LogIndex
  readonly last: LogPosition
  readonly servers: ClusterConfiguration
  /** Runs something that may throw what refuses the start. */
  readonly attempt: (work: () => void) => void
}

export function forceServers(recovery: ForcedRecovery, done: (result: SnapshotMeta | Failure) => void): void {
  const { wal, last, stateMachine, clock, attempt } = recovery
  let next = recovery.applied + 1
  const slice = (): void =>
    attempt(() => {
      if (next > last.index) {
        write(recovery, done)
        return
      }
      const to = logIndex(Math.min(last.index, next + limits.applyBatchEntries - 1))
      for (const entry of wal.entries(logIndex(next), to, limits.applyBatchBytes)) {
        if (entry.kind === 'command') stateMachine.apply(entry.index, entry.data)
        next = entry.index + 1
      }
      clock.after(0, slice)
    })
  slice()
}

function write(
  { disk, snapshots, stateMachine, last, servers }: ForcedRecovery,
  done: (result: SnapshotMeta | Failure) => void,
): void {
  const file = openUnlessFull(disk, snapshots.partialPath())
  if (file === undefined) {
    done(failed('disk-full', 'there is no room for the snapshot that the recovery writes').failure)
    return
  }
  const reader = stateMachine.snapshot()
  const meta = { last, configuration: servers }
  new SnapshotTaking({ file, snapshots, reader }, meta, (taken) => done(taken.ok ? meta : taken.failure))
}
