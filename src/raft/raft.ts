/**
 * The door of the consensus core: one input in, effects out. No clock, no disk, no network, no promise.
 * Each rule stands in the file of its noun; docs/divergence.md lists where they leave the Raft paper.
 */
import { type ClusterConfiguration, serverOf } from '../model/cluster.ts'
import { assert, unreachable } from '../model/errors.ts'
import type { LogIndex, NodeId, Term } from '../model/ids.ts'
import { limits } from '../model/limits.ts'
import type { LogPosition } from '../model/log-entry.ts'
import type { IndexedConfiguration } from './configurations.ts'
import type { Effects } from './effects.ts'
import { countOwnVote, mayCampaign, startPreVote } from './election.ts'
import type { Input } from './input.ts'
import { propose, settleCommit, settleReads, takeRead, tickLeader } from './leading.ts'
import type { ProgressState } from './progress.ts'
import { onMessage } from './receiving.ts'
import { bootstrap, isNew, startChange } from './reconfiguration.ts'
import { type RaftOptions, type Recovered, Replica, type Standing } from './replica.ts'
import { becomeFollower } from './standing.ts'
import { startTransfer } from './transfer.ts'

/** How far a leader has brought one follower; for status and for promoting learners. */
export interface FollowerStatus {
  readonly id: NodeId
  readonly state: ProgressState
  readonly match: LogIndex
  readonly silentMs: number
}

export class Raft {
  readonly #replica: Replica

  constructor(options: RaftOptions, recovered: Recovered) {
    this.#replica = new Replica(options, recovered)
  }

  get term(): Term {
    return this.#replica.term
  }

  /** A cluster can be bootstrapped here; else this server belongs to one. */
  get isNew(): boolean {
    return isNew(this.#replica)
  }

  get role(): Standing['role'] | 'learner' {
    const { standing, configuration, id } = this.#replica
    const isLearner = serverOf(configuration, id)?.suffrage === 'learner'
    return standing.role === 'follower' && isLearner ? 'learner' : standing.role
  }

  get leader(): NodeId | undefined {
    return this.#replica.leader
  }

  /** Since the leader was heard, in ticks' time; 0 on the leader. */
  get quietMs(): number {
    return this.#replica.leadership === undefined ? this.#replica.quietMs : 0
  }

  get committed(): LogIndex {
    return this.#replica.log.committed
  }

  get last(): LogPosition {
    return this.#replica.log.last
  }

  /** First entry of the leader's own term; undefined on others. */
  get barrier(): LogIndex | undefined {
    return this.#replica.leadership?.barrier
  }

  get configuration(): IndexedConfiguration {
    return this.#replica.configurations.current
  }

  termAt(index: LogIndex): Term | undefined {
    return this.#replica.log.termAt(index)
  }

  /** The servers as of `index`; for a snapshot at that index. */
  configurationAt(index: LogIndex): ClusterConfiguration {
    return this.#replica.configurations.at(index)
  }

  /** Of a leader: its followers, in no particular order. */
  followers(): readonly FollowerStatus[] {
    const { leadership } = this.#replica
    if (leadership === undefined) return []
    return [...leadership.progress].map(([id, { state, match, silentMs }]) => ({
      id,
      state,
      match,
      silentMs,
    }))
  }

  step(input: Input): Effects {
    const replica = this.#replica
    this.#take(replica, input)
    if (replica.leadership !== undefined) settleReads(replica, replica.leadership)
    replica.effects.apply = replica.log.takeCommitted(limits.applyBatchBytes, limits.applyBatchEntries)
    assert(replica.log.applied <= replica.log.committed, 'only committed entries are applied')
    return replica.finish()
  }

  #take(replica: Replica, input: Input): void {
    switch (input.type) {
      case 'tick':
        tick(replica, input.elapsedMs)
        return
      case 'message':
        onMessage(replica, input.from, input.message)
        return
      case 'propose':
        propose(replica, input.commands)
        return
      case 'bootstrap':
        bootstrap(replica, input.configuration)
        return
      case 'change':
        startChange(replica, input.change)
        return
      case 'read':
        startRead(replica, input.request)
        return
      case 'transfer':
        startTransfer(replica, input.to)
        return
      case 'synced':
        onSynced(replica, input.ticket)
        return
      case 'applied':
        replica.log.appliedTo(input.index)
        return
      case 'compacted':
        replica.log.compact(input.index)
        replica.configurations.compact(replica.log.base.index)
        return
      case 'snapshot-installed':
        onInstalled(replica, input.last, input.configuration)
        return
      case 'abstain':
        replica.abstaining = input.on
        return
      default:
        unreachable(input)
        return
    }
  }
}

function tick(replica: Replica, elapsedMs: number): void {
  const { leadership } = replica
  if (leadership !== undefined) {
    tickLeader(replica, leadership, elapsedMs)
    return
  }
  replica.quietMs += elapsedMs
  // Alone there is nobody to wait for.
  const isAlone = replica.isVoter && replica.voters.length === 1
  if (mayCampaign(replica) && (isAlone || replica.quietMs >= replica.electionDueMs)) {
    if (!(isAlone && replica.standing.role === 'candidate')) startPreVote(replica)
  } else if (replica.quietMs >= replica.electionDueMs && replica.leader !== undefined)
    becomeFollower(replica, replica.term, undefined)
}

function onSynced(replica: Replica, ticket: number): void {
  replica.synced(ticket)
  countOwnVote(replica, ticket)
  const { leadership } = replica
  if (leadership !== undefined) settleCommit(replica, leadership)
}

function startRead(replica: Replica, request: number): void {
  const { leadership, leader } = replica
  if (leadership !== undefined) {
    takeRead(replica, leadership, replica.id, request)
    return
  }
  if (leader === undefined) replica.effects.readsFailed.push(request)
  else replica.send(leader, { type: 'read', term: replica.term, request })
}

function onInstalled(replica: Replica, last: LogPosition, configuration: ClusterConfiguration): void {
  const { log, leader } = replica
  if (last.index <= log.committed || log.matches(last)) log.skipTo(last.index)
  else replica.reset(last, configuration)
  if (leader !== undefined && leader !== replica.id)
    replica.sendAfterSync(leader, { type: 'append-accepted', term: replica.term, match: last.index })
}
