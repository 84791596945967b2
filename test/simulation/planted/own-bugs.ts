/**
 * Ten further bugs to plant, of the kinds that were made or nearly made while this was written: what bugs.ts is, with our
 * own mistakes in place of well-known ones.
 */
import type { PlantedBug } from './bugs.ts'

const bug = (name: string, file: string, find: string, put: string): PlantedBug => ({
  name,
  patches: [{ file, find, put }],
})

export const ownBugs: readonly PlantedBug[] = [
  bug(
    "leader's own entries counted before they are durable",
    'raft/commit.ts',
    'voter === replica.id ? log.durable :',
    'voter === replica.id ? log.last.index :',
  ),
  bug(
    'removal of a log suffix not written down',
    'server/consensus/storage.ts',
    `      if (persist.truncateAfter !== undefined)
        changes.push({ kind: 'truncate', after: persist.truncateAfter })
`,
    '',
  ),
  bug(
    'write acknowledged although another entry took its place',
    'server/consensus/proposals.ts',
    'if (pending.term === term) pending.done(ok(result))',
    'if (pending.term <= term) pending.done(ok(result))',
  ),
  bug(
    'read answered before its index is applied',
    'server/consensus/barriers.ts',
    'if (index <= applied) this.#answer(open.callers, ok(applied))',
    'if (index <= applied + 1) this.#answer(open.callers, ok(applied))',
  ),
  bug(
    'name of a snapshot not synced',
    'server/consensus/snapshots.ts',
    'this.#disk.syncDirectory(snapshotDirectory, (syncError) => {',
    'const at = (work) => work(undefined)\n      at((syncError) => {',
  ),
  bug(
    'log compacted past the snapshot',
    'server/consensus/snapshotting.ts',
    'const upTo = logIndex(Math.min(limit, Math.max(0, taken - thresholds.trailEntries)))\n    onCompacted(wal.compact(upTo, limit))',
    'onCompacted(wal.compact(this.#parts.applier.applied, this.#parts.applier.applied))',
  ),
  bug(
    'failed sync taken for a good one',
    'server/consensus/durable-writer.ts',
    'file.sync((error) => this.#settle(error, done))',
    'file.sync(() => this.#settle(undefined, done))',
  ),
  bug(
    'events dropped from the journal without a word',
    'server/events/journal.ts',
    '    this.#complete = oldest.index\n    if (this.#forgotten.has(key)) this.#forgotten.set(key, oldest.index)\n',
    '',
  ),
  bug(
    'condition of a conditional write ignored',
    'server/apply/config-entry.ts',
    'return casIndex === undefined || casIndex === (intentionsEntry(tx, name)?.modifyIndex ?? 0)',
    'return true',
  ),
  bug(
    'denial counted as enforced before the proxy says so',
    'server/sessions/enforcement.ts',
    'tally.add(node, enforced >= wanted)',
    'tally.add(node, enforced > 0)',
  ),
]
