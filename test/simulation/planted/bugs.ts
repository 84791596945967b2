/**
 * Bugs that are planted one at a time to see whether the simulator finds them: the list of verification.md A8.3 as far as
 * it concerns raft, disk, store and events. Each is a small change of the real text; run.ts puts it in.
 */
import type { Patch } from '../run/patch.ts'

export interface PlantedBug {
  readonly name: string
  readonly patches: readonly Patch[]
}

const bug = (name: string, file: string, find: string, put: string): PlantedBug => ({
  name,
  patches: [{ file, find, put }],
})

export const listedBugs: readonly PlantedBug[] = [
  bug(
    'duplicate vote replies counted',
    'raft/election.ts',
    'if (!standing.votes.has(from)) standing.votes.set(from, message.granted)',
    `const other = replica.voters.find((voter) => !standing.votes.has(voter))
  standing.votes.set(standing.votes.has(from) ? (other ?? from) : from, message.granted)`,
  ),
  bug(
    'no log up-to-date check',
    'raft/log.ts',
    'return position.term > own.term || (position.term === own.term && position.index >= own.index)',
    'return true',
  ),
  bug('truncate on every append', 'raft/following.ts', '    known += 1\n', '    break\n'),
  bug(
    'unsynced log tail lost',
    'server/consensus/durable-writer.ts',
    'file.sync((error) => this.#settle(error, done))',
    'this.#settle(undefined, done)',
  ),
  bug(
    'vote not persisted',
    'raft/replica.ts',
    'this.effects.hardState = { term, vote }',
    'this.effects.hardState = { term, vote: undefined }',
  ),
  {
    // Appends alone would not show it: a leader of ours never sends one that ends before the logs part. Heartbeats do.
    name: 'commit to own last index',
    patches: [
      {
        file: 'raft/following.ts',
        find: 'log.commitTo(logIndex(Math.min(message.commit, match)))',
        put: 'log.commitTo(message.commit)',
      },
      {
        file: 'raft/following.ts',
        find: `assert(message.commit <= replica.log.last.index, 'the leader counts on entries that are not here')`,
        put: '',
      },
      {
        file: 'raft/leading.ts',
        find: 'const commit = logIndex(Math.min(progress.match, replica.log.committed))',
        put: 'const commit = replica.log.committed',
      },
    ],
  },
  bug(
    'commit old-term entries by counting',
    'raft/commit.ts',
    'if (reached <= log.committed || log.termAt(reached) !== replica.term) return false',
    'if (reached <= log.committed) return false',
  ),
  bug(
    'learner counted in quorum',
    'raft/replica.ts',
    'return votersOf(this.configuration)',
    'return this.configuration.servers.map((server) => server.id)',
  ),
  {
    name: 'configuration applied late',
    patches: [
      {
        file: 'raft/replica.ts',
        find: `if (entry.kind === 'configuration') this.#adopt(entry)`,
        put: `if (entry.kind === 'configuration' && entry.index > 1) (this.late ??= []).push(entry)
    else if (entry.kind === 'configuration') this.#adopt(entry)`,
      },
      {
        file: 'raft/replica.ts',
        find: '  #adopt(entry: Entry): void {',
        put: `  adoptCommitted(): void {
    const late = (this.late ?? []).filter((entry) => this.log.termAt(entry.index) === entry.term)
    for (const entry of late) if (entry.index <= this.log.committed) this.#adopt(entry)
    this.late = late.filter((entry) => entry.index > this.log.committed)
  }

  #adopt(entry: Entry): void {`,
      },
      {
        file: 'raft/raft.ts',
        find: '    if (replica.leadership !== undefined) settleReads(replica, replica.leadership)\n',
        put: `    replica.adoptCommitted()
    if (replica.leadership !== undefined) settleReads(replica, replica.leadership)\n`,
      },
    ],
  },
  {
    name: 'second configuration change before the first commits',
    patches: [
      {
        file: 'raft/reconfiguration.ts',
        find: 'if (!hasCommittedOwnTerm(replica, leadership) || !hasCommittedConfiguration(replica)) {',
        put: 'if (!hasCommittedOwnTerm(replica, leadership)) {',
      },
      {
        file: 'server/consensus/driver.ts',
        find: `if (this.#state !== 'running' || this.#change !== undefined) {`,
        put: `if (this.#state !== 'running') {`,
      },
    ],
  },
  bug(
    'configuration change before own-term commit',
    'raft/reconfiguration.ts',
    'if (!hasCommittedOwnTerm(replica, leadership) || !hasCommittedConfiguration(replica)) {',
    'if (!hasCommittedConfiguration(replica)) {',
  ),
  {
    // Three places refuse a snapshot that comes late, and an assertion stands behind them.
    name: 'snapshot overwrites newer log',
    patches: [
      {
        file: 'raft/following.ts',
        find: 'if (message.last.index <= log.committed) {',
        put: 'if (log.committed < 0) {',
      },
      {
        file: 'server/consensus/snapshotting.ts',
        find: 'if (applier.applied >= meta.last.index) return',
        put: '',
      },
      {
        file: 'raft/raft.ts',
        find: 'if (last.index <= log.committed || log.matches(last)) log.skipTo(last.index)',
        put: 'if (last.index < 0) log.skipTo(last.index)',
      },
      {
        file: 'raft/log.ts',
        find: `assert(base.index > this.#committed, 'a snapshot never takes committed entries back')`,
        put: '',
      },
    ],
  },
  bug(
    'stale ReadIndex',
    'raft/leading.ts',
    'const taken = hasCommittedOwnTerm(replica, leadership)\n',
    'const taken = true\n',
  ),
  bug(
    'read served by a deposed leader',
    'raft/read-index.ts',
    'this.#waiting.findIndex((waiting) => waiting.round > round)',
    '-1',
  ),
  bug(
    'acknowledged before sync',
    'raft/following.ts',
    `  replica.sendAfterSync(from, { type: 'append-accepted', term: replica.term, match })
}`,
    `  replica.send(from, { type: 'append-accepted', term: replica.term, match })
}`,
  ),
  {
    name: 'hard-state slot order swapped',
    patches: [
      {
        file: 'server/consensus/hard-state.ts',
        find: '(a?.sequence ?? -1) >= (b?.sequence ?? -1) ? a : b',
        put: '(a?.sequence ?? -1) <= (b?.sequence ?? -1) ? (a ?? b) : (b ?? a)',
      },
      {
        file: 'server/consensus/hard-state.ts',
        find: 'this.#writer.write(this.#file, isEven ? second : first, slot, done)',
        put: 'done()',
      },
    ],
  },
  {
    name: 'event published before commit',
    patches: [
      {
        file: 'raft/log.ts',
        find: 'Math.min(this.#committed, this.#durable, this.#applied + entriesMax)',
        put: 'Math.min(this.#durable, this.#applied + entriesMax)',
      },
      {
        file: 'raft/log.ts',
        find: 'assert(index >= this.#applied && index <= this.#committed,',
        put: 'assert(index >= this.#applied,',
      },
      {
        file: 'raft/raft.ts',
        find: `assert(replica.log.applied <= replica.log.committed, 'only committed entries are applied')`,
        put: '',
      },
    ],
  },
  bug(
    'event lost on snapshot switch',
    'server/events/publisher.ts',
    '      this.#snapshots.delete(snapshotKey(change.topic, change.key))\n',
    '',
  ),
  bug(
    'view not reset on a new snapshot',
    'server/events/publisher.ts',
    '    store.onReplaced((view) => this.#reset(view))\n',
    '',
  ),
  bug(
    'index goes backwards after restore',
    'server/store/store.ts',
    'this.#view = new View(index, tables, staged)',
    'this.#view = new View(Math.min(index, this.#view.index + 1), tables, staged)',
  ),
]
