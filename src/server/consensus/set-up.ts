/**
 * Prepares the files of a data directory before the log is used: a new directory is set up, one that a crash left is
 * repaired, and what an earlier process may have left in the page cache is made durable. Judges nothing; recovery.ts does.
 */
import { logIndex, term } from '../../model/ids.ts'
import { limits } from '../../model/limits.ts'
import type { Disk } from '../../platform/ports.ts'
import { emptyLog, TermRuns } from '../../raft/terms.ts'
import type { DurableWriter } from './durable-writer.ts'
import { writeFormat } from './format.ts'
import { frameBytes } from './frame.ts'
import { HardStateFile, hardStatePath, recoverHardState } from './hard-state.ts'
import { Locations } from './locations.ts'
import type { RecoveredLog, Repair } from './recovery.ts'
import { preambleBytes, walDirectory } from './segment.ts'
import { snapshotDirectory } from './snapshots.ts'
import { WriteAheadLog } from './wal.ts'

const root = ''

/** Whether a directory without FORMAT holds more than an interrupted set-up leaves: then FORMAT was lost. */
export function isUsed(disk: Disk): boolean {
  const hardState = recoverHardState(disk)
  const wal = disk.list(walDirectory)
  const [first] = wal
  const walBytes = first === undefined ? 0 : (disk.read(`${walDirectory}/${first}`)?.length ?? 0)
  const hasVoted = hardState.ok && hardState.value.state.term > 0
  const hasLog = wal.length > 1 || walBytes > preambleBytes + frameBytes(0)
  return hasVoted || hasLog || disk.list(snapshotDirectory).length > 0
}

/** FORMAT comes last: where it stands, everything else was durable before. */
export function setUpDirectory(disk: Disk, writer: DurableWriter, salt: number, done: () => void): void {
  disk.makeDirectory(walDirectory)
  disk.makeDirectory(snapshotDirectory)
  writer.open(hardStatePath, (file) => {
    file.close()
    const hardState = new HardStateFile(disk, writer, 0)
    hardState.write({ term: term(0), vote: undefined }, () => {
      hardState.close()
      // An empty batch: a log that is in use always has a segment.
      const wal = new WriteAheadLog({ disk, writer, segmentBytes: limits.walSegmentBytes }, newLog(salt))
      wal.append([], () => {
        wal.close()
        writer.syncDirectory(root, () => writeFormat(writer, done))
      })
    })
  })
}

/** A log without entries; `salt` seeds its checksums and is never 0, so that zeroed blocks are never valid. */
const newLog = (salt: number): RecoveredLog => ({
  salt: salt === 0 ? 1 : salt,
  segments: [],
  nextBatch: 1,
  chain: 0,
  isSealed: true,
  lastBatchAt: 0,
  terms: new TermRuns(emptyLog),
  locations: new Locations(logIndex(0)),
  configurations: [],
  repairs: [],
})

/** Cuts torn tails and removes half-made files, durably, before anything is written behind them. */
export function repairFiles(
  disk: Disk,
  writer: DurableWriter,
  repairs: readonly Repair[],
  done: () => void,
): void {
  const [repair, ...rest] = repairs
  if (repair === undefined) {
    syncDirectories(writer, done)
    return
  }
  const next = (): void => repairFiles(disk, writer, rest, done)
  if (repair.kind === 'remove') writer.remove(repair.path, next)
  else {
    const file = disk.open(repair.path)
    writer.truncate(file, repair.bytes, () => {
      file.close()
      next()
    })
  }
}

/** Names that an earlier process saw may not be durable yet. */
function syncDirectories(writer: DurableWriter, done: () => void): void {
  writer.syncDirectory(root, () =>
    writer.syncDirectory(walDirectory, () => writer.syncDirectory(snapshotDirectory, done)),
  )
}
