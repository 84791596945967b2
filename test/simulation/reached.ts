/**
 * Rare states that runs have visited. A simulator that never installs a snapshot says nothing about snapshots, so the
 * report names every state that can be reached and how often it was.
 */
export const reachableStates = [
  'leader elected',
  'leader deposed',
  'election lost',
  'commit with two leaders about',
  'log suffix removed',
  'entries read from disk for a follower',
  'snapshot taken',
  'snapshot sent',
  'snapshot installed',
  'snapshot restored at start',
  'log compacted',
  'transfer done',
  'transfer failed',
  'server added',
  'server promoted',
  'server demoted',
  'server removed',
  'configuration rolled back',
  'crash of the leader',
  'crash lost unsynced writes',
  'all servers down',
  'server refused to start',
  'disk failed',
  'disk full',
  'server paused',
  'server stopped in order',
  'write refused',
  'write of unknown outcome',
  'write conflicted',
  'read on a follower',
  'read refused',
  'stale read',
  'watch woken',
  'watch timed out',
  'watch woken by a new state',
  'view snapshot',
  'view resumed',
  'view started over',
  'agent sent away',
  'stream broken',
  'stream found silent',
  'agent restarted',
  'deny enforced everywhere',
  'recovered by an operator',
  'no healthy core',
] as const

export type ReachableState = (typeof reachableStates)[number]

export class Reached {
  readonly counts = new Map<ReachableState, number>()

  hit(state: ReachableState, times = 1): void {
    this.counts.set(state, (this.counts.get(state) ?? 0) + times)
  }

  add(other: ReadonlyMap<ReachableState, number>): void {
    for (const [state, times] of other) this.hit(state, times)
  }

  missing(): readonly ReachableState[] {
    return reachableStates.filter((state) => !this.counts.has(state))
  }
}
