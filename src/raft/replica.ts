/**
 * The state of one server's core and the few moves that every part shares: sending, persisting, changing standing.
 * The rules live in the files named after them (election, following, leading, replication); raft.ts is the door.
 */
import { type ClusterConfiguration, serverOf, votersOf } from '../model/cluster.ts'
import { assert } from '../model/errors.ts'
import { type LogIndex, logIndex, type NodeId, type Term } from '../model/ids.ts'
import type { Entry, HardState, LogPosition } from '../model/log-entry.ts'
import type { RaftMessage } from '../model/raft-message.ts'
import { Configurations, decodeConfiguration, type IndexedConfiguration } from './configurations.ts'
import { Gathering } from './effects.ts'
import { type LogStore, RaftLog } from './log.ts'
import type { Progress } from './progress.ts'
import type { ReadIndex } from './read-index.ts'
import type { TermRuns } from './terms.ts'
import type { Uncommitted } from './uncommitted.ts'

export interface RaftOptions {
  readonly id: NodeId
  /** Elections start after one to two of these without a leader; a leader without a majority resigns after one. */
  readonly electionTimeoutMs: number
  readonly heartbeatMs: number
  /** Uniform in [0, 1); spreads election timeouts. */
  readonly random: () => number
  readonly store: LogStore
  readonly recentLogBytes: number
  readonly uncommittedBytes: number
}

/** What was found on disk. */
export interface Recovered {
  readonly hardState: HardState
  /** The snapshot that the state machine stands at; index 0 where there is none. */
  readonly snapshot: LogPosition
  readonly terms: TermRuns
  /** Of the snapshot and of the entries after it, rising. */
  readonly configurations: readonly IndexedConfiguration[]
}

export interface Leadership {
  /** Every other server of the configuration. */
  readonly progress: Map<NodeId, Progress>
  readonly reads: ReadIndex
  /** First entry of this term; reads and membership changes wait until it is committed. */
  readonly barrier: LogIndex
  round: number
  /** The newest round that came because it was time; rounds for reads come as fast as the network answers. */
  beat: number
  sinceBeatMs: number
  readonly uncommitted: Uncommitted
  transfer: { readonly to: NodeId; elapsedMs: number } | undefined
}

export type Standing =
  | { readonly role: 'follower' }
  | { readonly role: 'pre-candidate'; readonly votes: Map<NodeId, boolean> }
  /** The own vote counts when it is durable, under `ticket`. */
  | { readonly role: 'candidate'; readonly votes: Map<NodeId, boolean>; readonly ticket: number }
  | { readonly role: 'leader'; readonly leadership: Leadership }

interface Unsynced {
  readonly ticket: number
  /** The log is durable up to here with this ticket; lowered when a later truncation removes some of it. */
  last: LogIndex
}

export class Replica {
  readonly options: RaftOptions
  readonly log: RaftLog
  readonly configurations: Configurations
  standing: Standing = { role: 'follower' }
  leader: NodeId | undefined
  /** Since the leader was heard, or since this server last took part in an election. */
  quietMs = 0
  electionDueMs = 0
  abstaining: boolean = false
  effects = new Gathering()
  #term: Term
  #vote: NodeId | undefined
  #ticket = 0
  #unsynced: Unsynced[] = []

  constructor(options: RaftOptions, recovered: Recovered) {
    this.options = options
    this.#term = recovered.hardState.term
    this.#vote = recovered.hardState.vote
    assert(recovered.terms.last.term <= this.#term, 'the log is of an older term than the hard state')
    const { terms, snapshot } = recovered
    this.log = new RaftLog(terms, snapshot.index, options.store, options.recentLogBytes)
    this.configurations = new Configurations(recovered.configurations)
    this.drawElectionTimeout()
  }

  get id(): NodeId {
    return this.options.id
  }

  get term(): Term {
    return this.#term
  }

  get vote(): NodeId | undefined {
    return this.#vote
  }

  get configuration(): ClusterConfiguration {
    return this.configurations.current.configuration
  }

  get voters(): readonly NodeId[] {
    return votersOf(this.configuration)
  }

  get isVoter(): boolean {
    return serverOf(this.configuration, this.id)?.suffrage === 'voter'
  }

  get leadership(): Leadership | undefined {
    return this.standing.role === 'leader' ? this.standing.leadership : undefined
  }

  /** A message that promises nothing about this server's disk. */
  send(to: NodeId, message: RaftMessage): void {
    assert(to !== this.id, 'a server sends nothing to itself')
    this.effects.free.push({ to, message })
  }

  /** A message that promises something which this step, or an earlier one, persists. */
  sendAfterSync(to: NodeId, message: RaftMessage): void {
    assert(to !== this.id, 'a server sends nothing to itself')
    this.effects.afterSync.push({ to, message })
  }

  /** Votes and terms are never taken back: the term rises, or the one vote of the term is given. */
  setHardState(term: Term, vote: NodeId | undefined): void {
    const keeps = term === this.#term && (this.#vote === undefined || vote === this.#vote)
    assert(term > this.#term || keeps, 'a vote is given once per term')
    if (term > this.#term) this.effects.standingChanged = true
    this.#term = term
    this.#vote = vote
    this.effects.hardState = { term, vote }
  }

  /** The ticket under which this step's changes will be durable. */
  get nextTicket(): number {
    return this.#ticket + 1
  }

  setStanding(standing: Standing, leader: NodeId | undefined): void {
    if (standing.role !== this.standing.role || leader !== this.leader) this.effects.standingChanged = true
    this.standing = standing
    this.leader = leader
  }

  drawElectionTimeout(): void {
    this.quietMs = 0
    this.electionDueMs = this.options.electionTimeoutMs * (1 + this.options.random())
  }

  append(entry: Entry): void {
    assert(entry.term <= this.#term, 'entries are never of a later term than the server')
    this.log.append(entry)
    this.effects.entries.push(entry)
    if (entry.kind === 'configuration') this.#adopt(entry)
  }

  /** Removes a suffix of the log; must come before the entries of the same step. */
  truncateAfter(position: LogPosition): void {
    assert(this.effects.entries.length === 0, 'a step removes entries before it adds any')
    this.log.truncateAfter(position.index)
    this.effects.truncateAfter = position
    for (const unsynced of this.#unsynced) unsynced.last = logIndex(Math.min(unsynced.last, position.index))
    if (this.configurations.truncateAfter(position.index)) this.effects.configurationChanged = true
  }

  reset(base: LogPosition, configuration: ClusterConfiguration): void {
    this.log.reset(base)
    for (const unsynced of this.#unsynced) unsynced.last = logIndex(0)
    this.configurations.reset(base.index, configuration)
    this.effects.reset = base
    this.effects.configurationChanged = true
  }

  /** Notes what became durable. */
  synced(ticket: number): void {
    assert(ticket <= this.#ticket, `ticket ${ticket} was never given out`)
    while (this.#unsynced[0] !== undefined && this.#unsynced[0].ticket <= ticket) {
      this.log.durableTo(this.#unsynced[0].last)
      this.#unsynced.shift()
    }
  }

  /** Ends the step: what it changed gets a ticket. */
  finish(): Gathering {
    const done = this.effects
    if (done.persists) {
      this.#ticket += 1
      const { hardState, reset, truncateAfter, entries } = done
      done.persist = { ticket: this.#ticket, hardState, reset, truncateAfter, entries }
      this.#unsynced.push({ ticket: this.#ticket, last: this.log.last.index })
    }
    this.effects = new Gathering()
    return done
  }

  #adopt(entry: Entry): void {
    const decoded = decodeConfiguration(entry.data)
    assert(decoded.ok, `configuration entry ${entry.index} cannot be read`)
    this.configurations.push(entry.index, decoded.value)
    this.effects.configurationChanged = true
  }
}
