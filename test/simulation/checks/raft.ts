/**
 * The invariants of Raft (paper, figure 3), checked at every step of every core: one leader per term, log matching, leader
 * completeness, a commit index that only rises and only over what a majority holds durably, one membership change at a
 * time. Sees cores only from outside; promises between servers are votes.ts, how logs are compared search.ts, applied
 * state truth.ts.
 */
import { type ClusterConfiguration, votersOf } from '../../../src/model/cluster.ts'
import { type LogIndex, logIndex } from '../../../src/model/ids.ts'
import type { Entry } from '../../../src/model/log-entry.ts'
import type { RaftMessage } from '../../../src/model/raft-message.ts'
import { decodeConfiguration } from '../../../src/raft/configurations.ts'
import type { Effects } from '../../../src/raft/effects.ts'
import type { Input } from '../../../src/raft/input.ts'
import type { Raft } from '../../../src/raft/raft.ts'
import { crc32c } from '../../../src/wire/crc32c.ts'
import type { Reached } from '../reached.ts'
import { kinds, type Trace } from '../trace.ts'
import { hold } from '../violation.ts'
import { Mirror } from './mirror.ts'
import { Searches } from './search.ts'
import { Ballots } from './votes.ts'

/** Elections start after two of them at the latest; whoever starts none gives up its leader then, too. */
const believedTimeouts = 2.5

interface KnownEntry {
  readonly term: number
  readonly checksum: number
  readonly previousTerm: number | undefined
}

interface Committed {
  readonly term: number
  /** Of the leader that committed it. */
  readonly inTerm: number
}

export class RaftChecker {
  /** An operator has named who goes on without a majority: what these have counts as committed, by the operator's word. */
  isRecovering = false
  readonly #reached: Reached
  readonly #believedMs: number
  readonly #trace: Trace
  readonly #mirrors = new Map<string, Mirror>()
  readonly #ballots = new Ballots()
  readonly #searches = new Searches()
  /** By index: every entry that anybody ever had there. */
  readonly #entries: (KnownEntry[] | undefined)[] = []
  readonly #checksums = new WeakMap<Uint8Array, number>()
  /** By index and term. */
  readonly #configurations = new Map<string, Uint8Array>()
  /** By index. */
  readonly #committed: Committed[] = []

  constructor(reached: Reached, trace: Trace, electionTimeoutMs: number) {
    this.#reached = reached
    this.#believedMs = believedTimeouts * electionTimeoutMs
    this.#trace = trace
    this.#committed[0] = { term: 0, inTerm: 0 }
  }

  /** The list of servers that was committed at `index`; undefined where something else was. */
  configurationAt(index: number): ClusterConfiguration | undefined {
    const data = this.#configurations.get(`${index} ${this.#committed[index]?.term}`)
    const decoded = data === undefined ? undefined : decodeConfiguration(data)
    return decoded?.ok === true ? decoded.value : undefined
  }

  get committedIndex(): number {
    return this.#committed.length - 1
  }

  /** `vote`: as it stands on the server's disk. */
  opened(server: string, raft: Raft, vote: string | undefined): void {
    const mirror = this.#mirrorOf(server)
    mirror.recovered(raft)
    const { base, last } = mirror
    const { term } = raft
    this.#ballots.recovered(server, { term, vote, base, last }, (index) => raft.termAt(logIndex(index)))
    for (let index = base + 2; index <= last; index += 1) {
      const at = mirror.termAt(index)
      const known = this.#entries[index]?.find((entry) => entry.term === at)
      hold(
        known !== undefined &&
          (known.previousTerm === undefined || known.previousTerm === mirror.termAt(index - 1)),
        'log-matching',
        () => `${server} starts with an entry ${index} of term ${at} that nobody wrote there`,
      )
    }
    if (raft.committed > 0) this.#reached.hit('snapshot restored at start')
    this.#checkCommit(mirror, raft)
  }

  down(server: string): void {
    this.#mirrors.get(server)?.down()
  }

  sent(from: string, to: string, message: RaftMessage): void {
    const raft = this.#mirrors.get(from)?.raft
    if (message.type === 'snapshot-chunk' && message.offset === 0) this.#reached.hit('snapshot sent')
    this.#ballots.sent(from, to, message, (index) => raft?.termAt(logIndex(index)))
  }

  stepped(server: string, raft: Raft, input: Input, effects: Effects): void {
    const mirror = this.#mirrorOf(server)
    const { persist } = effects
    if (input.type === 'synced') mirror.synced(input.ticket)
    if (input.type === 'compacted') this.#reached.hit('log compacted')
    if (persist !== undefined) this.#persisted(mirror, persist)
    // A leader that is no voter any more commits that and steps down in one step.
    mirror.ledTerm = mirror.role === 'leader' ? mirror.term : undefined
    if (raft.term !== mirror.term || raft.role !== mirror.role) this.#standing(mirror, raft)
    if (raft.committed !== mirror.committed) this.#checkCommit(mirror, raft)
    hold(
      raft.committed <= raft.last.index && raft.last.index === mirror.last,
      'commit-within-log',
      () => `${server}: committed ${raft.committed}, log ends at ${raft.last.index}`,
    )
    if (effects.configurationChanged) this.#configurationChanged(mirror, raft, input)
    this.#searches.stepped(server, raft, input, effects)
    hold(
      input.type !== 'tick' || raft.leader === undefined || raft.quietMs <= this.#believedMs,
      'lost-leader',
      () =>
        `${server} still believes in ${raft.leader}, which it has not heard for ${Math.round(raft.quietMs)} ms`,
    )
  }

  /** What a server's disk says that a range of its log is; undefined: it says that this is compacted. */
  compareLog(
    server: string,
    { from, to }: { readonly from: LogIndex; readonly to: LogIndex },
    entries: readonly Entry[] | undefined,
  ): void {
    const isThere = this.#mirrors.get(server)?.raft?.termAt(logIndex(from - 1)) !== undefined
    hold(
      isThere ? entries?.length === to - from + 1 : entries === undefined,
      'log-on-disk',
      () =>
        `${server} has ${entries?.length} entries from ${from} to ${to} on disk, and should have ${isThere ? 'all' : 'none'}`,
    )
    for (const [at, { index, term, data }] of (entries ?? []).entries())
      hold(
        index === from + at &&
          term === this.#committed[index]?.term &&
          this.#entries[index]?.some((known) => known.term === term && known.checksum === crc32c(data)) ===
            true,
        'log-on-disk',
        () => `${server} has another entry ${index} of term ${term} on disk than was committed there`,
      )
  }

  #persisted(mirror: Mirror, persist: NonNullable<Effects['persist']>): void {
    const { truncateAfter, reset, entries } = persist
    if (truncateAfter !== undefined) {
      this.#reached.hit('log suffix removed')
      for (let { index } = truncateAfter; index < mirror.last; ) {
        index = logIndex(index + 1)
        const committed = this.#committed[index]
        hold(
          committed === undefined || committed.term !== mirror.termAt(index),
          'committed-entry-removed',
          () => `${mirror.server} removes entry ${index} of term ${committed?.term}, which is committed`,
        )
      }
      this.#ballots.truncated(mirror.server, truncateAfter.index, truncateAfter.term)
    }
    if (reset !== undefined) {
      this.#reached.hit('snapshot installed')
      const committed = this.#committed[reset.index]?.term
      hold(
        committed === reset.term || (committed === undefined && this.isRecovering),
        'snapshot-of-committed',
        () =>
          `${mirror.server} takes a snapshot at ${reset.index} of term ${reset.term}, which is not committed`,
      )
      this.#ballots.truncated(mirror.server, reset.index, reset.term)
    }
    const [first] = entries
    let previousTerm: number | undefined = reset?.term ?? truncateAfter?.term
    if (first !== undefined && previousTerm === undefined)
      previousTerm = first.index === 1 ? 0 : mirror.termAt(first.index - 1)
    for (const entry of entries) {
      this.#checkEntry(mirror.server, entry, previousTerm)
      previousTerm = entry.term
    }
    mirror.persist(persist)
    this.#trace.event(
      kinds.persist,
      mirror.last,
      persist.ticket,
      () => `${mirror.server} persists ${describePersist(persist)}`,
    )
  }

  /** Log matching: index and term name one entry, and with it everything before. */
  #checkEntry(server: string, entry: Entry, previousTerm: number | undefined): void {
    const checksum = this.#checksumOf(entry.data)
    const known = this.#entries[entry.index]
    const same = known?.find((other) => other.term === entry.term)
    if (same === undefined) {
      if (entry.kind === 'configuration') this.#configurations.set(`${entry.index} ${entry.term}`, entry.data)
      const fresh = { term: entry.term, checksum, previousTerm }
      if (known === undefined) this.#entries[entry.index] = [fresh]
      else known.push(fresh)
      return
    }
    const follows =
      same.previousTerm === undefined || previousTerm === undefined || same.previousTerm === previousTerm
    hold(
      same.checksum === checksum && follows,
      'log-matching',
      () => `${server} has another entry ${entry.index} of term ${entry.term} than others`,
    )
  }

  #checksumOf(data: Uint8Array): number {
    const known = this.#checksums.get(data)
    if (known !== undefined) return known
    const checksum = crc32c(data)
    this.#checksums.set(data, checksum)
    return checksum
  }

  #standing(mirror: Mirror, raft: Raft): void {
    const { server } = mirror
    const { role, term } = raft
    hold(term >= mirror.term, 'term-rises', () => `${server} goes from term ${mirror.term} to ${term}`)
    const wasLeader = mirror.role === 'leader'
    const isNewLeader = role === 'leader' && (!wasLeader || mirror.term !== term)
    if (wasLeader && role !== 'leader') this.#reached.hit('leader deposed')
    if (mirror.role === 'candidate' && role !== 'leader') this.#reached.hit('election lost')
    mirror.role = role
    mirror.term = term
    this.#trace.event(kinds.standing, term, role.length, () => `${server} is ${role} in term ${term}`)
    if (!isNewLeader) return
    this.#reached.hit('leader elected')
    this.#searches.leads(server, raft)
    this.#ballots.leads(server, term, votersOf(raft.configuration.configuration))
    this.#checkCompleteness(mirror, term)
  }

  /** Leader completeness: whatever leaders of earlier terms committed is in a new leader's log. */
  #checkCompleteness(mirror: Mirror, term: number): void {
    let index = this.committedIndex
    while (index > 0 && (this.#committed[index]?.inTerm ?? 0) >= term) index -= 1
    const newest = this.#committed[index]
    const isThere = index <= mirror.base || mirror.termAt(index) === newest?.term
    hold(
      isThere,
      'leader-completeness',
      () =>
        `${mirror.server} leads in term ${term} without entry ${index} of term ${newest?.term}, committed in term ${newest?.inTerm}`,
    )
  }

  #checkCommit(mirror: Mirror, raft: Raft): void {
    const { server } = mirror
    const { committed } = raft
    hold(
      committed >= mirror.committed,
      'commit-rises',
      () => `${server} takes its commit index back from ${mirror.committed} to ${committed}`,
    )
    for (let index = Math.max(mirror.committed, mirror.base) + 1; index <= committed; index += 1) {
      const term = mirror.termAt(index) ?? 0
      const known = this.#committed[index]
      if (known === undefined) this.#commitFirst(mirror, raft, index)
      else
        hold(
          known.term === term,
          'committed-entry-differs',
          () =>
            `${server} commits entry ${index} of term ${term}, others committed that of term ${known.term}`,
        )
    }
    mirror.committed = committed
  }

  #commitFirst(mirror: Mirror, raft: Raft, index: number): void {
    const { server } = mirror
    const { term, committed } = raft
    const leads = raft.role === 'leader' || mirror.ledTerm === term
    hold(
      leads && mirror.termAt(committed) === term,
      'commit-by-leader',
      () =>
        `${server} (${raft.role} of term ${term}) is the first to commit ${index}, up to an entry of term ${mirror.termAt(committed)}`,
    )
    const entryTerm = mirror.termAt(index) ?? 0
    const voters = votersOf(raft.configuration.configuration)
    const holders = voters.filter((voter) => this.#mirrors.get(voter)?.holds(index, entryTerm) === true)
    hold(
      holders.length * 2 > voters.length,
      'commit-by-majority',
      () => `${server} commits ${index}, which only [${holders.join()}] of [${voters.join()}] hold durably`,
    )
    if ([...this.#mirrors.values()].filter(({ role }) => role === 'leader').length > 1)
      this.#reached.hit('commit with two leaders about')
    this.#committed[index] = { term: entryTerm, inTerm: term }
    this.#trace.event(kinds.commit, index, term, () => `${server} commits ${index} in term ${term}`)
  }

  #configurationChanged(mirror: Mirror, raft: Raft, input: Input): void {
    const { index } = raft.configuration
    if (index < mirror.configurationIndex) this.#reached.hit('configuration rolled back')
    if (input.type === 'change') {
      const before = mirror.configurationIndex
      const barrier = raft.barrier ?? Number.POSITIVE_INFINITY
      hold(
        before <= raft.committed && barrier <= raft.committed,
        'one-change-at-a-time',
        () =>
          `${mirror.server} changes the cluster at ${index} while only ${raft.committed} is committed (change before: ${before}, own term from ${barrier})`,
      )
    }
    mirror.configurationIndex = index
  }

  #mirrorOf(server: string): Mirror {
    const known = this.#mirrors.get(server)
    if (known !== undefined) return known
    const mirror = new Mirror(server)
    this.#mirrors.set(server, mirror)
    return mirror
  }
}

function describePersist({
  hardState,
  reset,
  truncateAfter,
  entries,
}: NonNullable<Effects['persist']>): string {
  const parts: string[] = []
  if (hardState !== undefined) parts.push(`term ${hardState.term} vote ${hardState.vote ?? '-'}`)
  if (reset !== undefined) parts.push(`snapshot at ${reset.index}`)
  if (truncateAfter !== undefined) parts.push(`log cut after ${truncateAfter.index}`)
  const [first] = entries
  if (first !== undefined)
    parts.push(`entries ${first.index}-${first.index + entries.length - 1} of term ${first.term}`)
  return parts.join(', ')
}
