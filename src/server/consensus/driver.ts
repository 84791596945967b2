/**
 * Consensus as the rest of the server sees it: callers who propose, read, or change the cluster, and who is told what
 * when. The loop with disk, network and state machine is engine.ts; the rules of Raft are src/raft. Made by open.ts.
 */
import { type ClusterChange, type ClusterConfiguration, votersOf } from '../../model/cluster.ts'
import type { Applied, Envelope } from '../../model/command.ts'
import { type Failure, failed, type Result } from '../../model/errors.ts'
import type { LogIndex, NodeId, Term } from '../../model/ids.ts'
import type { Entry } from '../../model/log-entry.ts'
import type { Timer } from '../../platform/ports.ts'
import type { FollowerStatus, Raft } from '../../raft/raft.ts'
import { encodeEnvelope } from '../../wire/command.ts'
import { Barriers } from './barriers.ts'
import type { ClusterOperations, Consensus, ConsensusStatus } from './contract.ts'
import { Engine, type EngineParts } from './engine.ts'
import { LagWatch } from './lag-watch.ts'
import { Leadership } from './leadership.ts'
import { Proposals } from './proposals.ts'

interface PendingChange {
  readonly index: LogIndex
  readonly term: Term
  readonly done: (result: Result<LogIndex>) => void
  /** Since when this server leads no more: the entry may still be committed by another leader. */
  lostSinceMs: number | undefined
}

export class Driver implements Consensus, ClusterOperations {
  readonly #parts: EngineParts
  readonly #raft: Raft
  readonly #engine: Engine
  readonly #leadership: Leadership
  readonly #proposals = new Proposals()
  readonly #barriers: Barriers
  readonly #lag: LagWatch
  #flush: Timer | undefined
  #isDiskFull: boolean = false
  #explanation: (() => string) | undefined
  #state: 'running' | 'stopping' | 'stopped' = 'running'
  /** The one membership change whose entry is not committed yet. */
  #change: PendingChange | undefined
  #stopped: { readonly deadlineMs: number; readonly done: () => void } | undefined

  constructor(parts: EngineParts) {
    this.#parts = parts
    this.#raft = parts.raft
    this.#leadership = new Leadership(parts.raft)
    this.#lag = new LagWatch(parts.timing)
    this.#barriers = new Barriers(Math.floor(parts.random.fraction() * 2 ** 40))
    this.#engine = new Engine(parts, {
      onApplied: (entry, result) => this.#onApplied(entry, result),
      onProgress: (index) => this.#onProgress(index),
      onSkipped: (index) => this.#onSkipped(index),
      onReads: (ready, unproven) => {
        for (const { request, index } of ready) this.#barriers.proven(request, index, this.#engine.applied)
        for (const request of unproven) this.#barriers.failed(request)
      },
      onStanding: () => this.#onStanding(),
      onTick: (nowMs, lagMs) => this.#onTick(nowMs, lagMs),
      onFatal: (failure) => this.halt(failure),
    })
    this.#engine.start()
  }

  propose(envelope: Envelope, done: (result: Result<Applied>) => void): void {
    const encoded = this.#mayPropose() ?? encodeEnvelope(envelope)
    if (!encoded.ok) this.#refuse(encoded.failure, done)
    else if (this.#proposals.add(encoded.value, done)) this.#flushSoon()
    else this.#refuse(failed('overloaded', 'too many writes wait for their turn').failure, done)
  }

  readBarrier(done: (result: Result<LogIndex>) => void): void {
    if (this.#state === 'stopped' || this.#raft.leader === undefined)
      done(failed('no-leader', this.#leaderHint()))
    else if (this.#barriers.add(done)) this.#flushSoon()
    else done(failed('overloaded', 'too many reads wait for their proof'))
  }

  status(): ConsensusStatus {
    const { role, term, leader, committed, quietMs } = this.#raft
    return {
      id: this.#parts.id,
      role,
      term,
      leader,
      commitIndex: committed,
      appliedIndex: this.#engine.applied,
      lastContactMs: quietMs,
    }
  }

  onLeadership(listener: (leading: boolean, term: Term) => void): void {
    this.#leadership.listen(listener)
  }

  /** Writes are refused until there is room. */
  get isDiskFull(): boolean {
    return this.#isDiskFull
  }

  /** Whoever can tell why there is no leader, and who is missing, does so from now on. */
  explainBy(explanation: () => string): void {
    this.#explanation = explanation
  }

  /** Why nobody leads, for a refusal's text. */
  noLeaderWords(): string {
    return this.#explanation?.() ?? 'there is no leader now'
  }

  isNew(): boolean {
    return this.#raft.isNew
  }

  bootstrap(configuration: ClusterConfiguration, done: (result: Result<LogIndex>) => void): void {
    if (this.#state !== 'running') {
      done(noAnswer)
      return
    }
    this.#engine.step({ type: 'bootstrap', configuration }, ({ changed }) => {
      if (changed?.ok !== true) done(changed ?? noAnswer)
      else
        this.#engine.whenSynced(() => {
          done(changed)
          this.#engine.nudge()
        })
    })
  }

  change(change: ClusterChange, done: (result: Result<LogIndex>) => void): void {
    if (this.#state !== 'running' || this.#change !== undefined) {
      done(failed('conflict', 'another change of the cluster is under way'))
      return
    }
    this.#engine.step({ type: 'change', change }, ({ changed }) => {
      if (changed?.ok === true) {
        const { term } = this.#raft
        this.#change = { index: changed.value, term, done, lostSinceMs: undefined }
      } else done(changed ?? noAnswer)
    })
  }

  transferLeadership(to: NodeId | undefined, done: (result: Result<NodeId>) => void): void {
    if (this.#state === 'stopped') {
      done(noAnswer)
      return
    }
    this.#engine.step({ type: 'transfer', to }, ({ transfer }) => {
      if (transfer?.ok === true) this.#leadership.awaitSuccessor(this.#giveUpMs(), done)
      else done(transfer ?? noAnswer)
    })
  }

  configuration(): ClusterConfiguration {
    return this.#raft.configuration.configuration
  }

  /** Entries of the log as the disk has them; undefined where `from` is compacted. Throws `log-damaged`. */
  readLog(from: LogIndex, to: LogIndex, bytesMax: number): readonly Entry[] | undefined {
    const { wal } = this.#parts
    return from < wal.firstIndex ? undefined : wal.entries(from, to, bytesMax)
  }

  followers(): readonly FollowerStatus[] {
    return this.#raft.followers()
  }

  stop(done: () => void): void {
    if (this.#state !== 'running') {
      done()
      return
    }
    this.#state = 'stopping'
    this.#stopped = { deadlineMs: this.#giveUpMs(), done }
    this.#engine.step({ type: 'abstain', on: true })
    if (this.#leadsOthers()) this.transferLeadership(undefined, () => this.#closeIfIdle())
    else this.#closeIfIdle()
  }

  /** The disk is full, or takes writes again. A leader that cannot write steps aside and starts no election. */
  onDiskFull(isFull: boolean): void {
    if (this.#state !== 'running') return
    this.#isDiskFull = isFull
    this.#parts.log.warn(isFull ? 'disk full: refusing writes' : 'the disk takes writes again')
    this.#engine.step({ type: 'abstain', on: isFull })
    if (isFull && this.#leadsOthers()) this.#engine.step({ type: 'transfer', to: undefined })
  }

  /** Ends everything at once: nothing is promised, sent or applied any more. The process must end. */
  halt(failure: Failure): void {
    if (this.#state === 'stopped') return
    this.#engine.halt()
    this.#end()
    this.#parts.log.error('consensus stops', { code: failure.code, reason: failure.message })
    this.#parts.onFatal(failure)
  }

  /** undefined if a write may be tried now. */
  #mayPropose(): { readonly ok: false; readonly failure: Failure } | undefined {
    if (this.#state !== 'running' || this.#raft.role !== 'leader')
      return failed('no-leader', this.#leaderHint())
    return this.#isDiskFull ? failed('disk-full', 'the disk of the leading server is full') : undefined
  }

  #refuse(failure: Failure, done: (result: Result<Applied>) => void): void {
    this.#parts.metrics.count('raft_proposals_refused_total', { code: failure.code })
    done({ ok: false, failure })
  }

  #leaderHint(): string {
    const { leader } = this.#raft
    if (this.#state !== 'running') return 'this server is stopping'
    return leader === undefined ? this.noLeaderWords() : `this server does not lead, ${leader} does`
  }

  #leadsOthers(): boolean {
    const voters = votersOf(this.configuration())
    return this.#raft.role === 'leader' && voters.some((voter) => voter !== this.#parts.id)
  }

  #giveUpMs(): number {
    return this.#parts.clock.monotonicMs() + this.#parts.timing.giveUpAfterMs
  }

  /** What comes in one turn of the event loop goes to the core, and to the disk, together. */
  #flushSoon(): void {
    this.#flush ??= this.#parts.clock.after(0, () => {
      this.#flush = undefined
      const batch = this.#proposals.takeWaiting()
      if (batch.length > 0)
        this.#engine.step({ type: 'propose', commands: batch.map(({ data }) => data) }, ({ proposed }) => {
          if (proposed !== undefined) this.#proposals.settle(batch, proposed, this.#raft.term)
        })
      const request = this.#barriers.startRequest(this.#parts.clock.monotonicMs())
      if (request !== undefined) this.#engine.step({ type: 'read', request })
    })
  }

  #onApplied(entry: Entry, result: Applied | undefined): void {
    if (result === undefined) this.#proposals.displaced(entry.index)
    else this.#proposals.applied(entry.index, entry.term, result)
    const change = this.#change
    if (change === undefined || entry.index < change.index) return
    this.#change = undefined
    // Another leader's change may stand in its place.
    const isIt = entry.index === change.index && entry.term === change.term
    change.done(isIt ? { ok: true, value: entry.index } : failed('no-leader', 'leadership changed midway'))
  }

  /** A snapshot took the place of entries up to `index`: whether what waited for one of them was made cannot be told. */
  #onSkipped(index: LogIndex): void {
    this.#proposals.skippedTo(index)
    const change = this.#change
    if (change === undefined || change.index > index) return
    this.#change = undefined
    change.done(failed('write-outcome-unknown', 'a snapshot took the place of the change in the log'))
  }

  #onProgress(index: LogIndex): void {
    this.#barriers.applied(index)
    this.#leadership.update(index)
    this.#closeIfIdle()
  }

  #onStanding(): void {
    const { role, term, leader } = this.#raft
    this.#parts.log.info('raft standing', { role, term, leader })
    if (role === 'leader') this.#proposals.leadershipGained((index) => this.#raft.termAt(index))
    else this.#proposals.leadershipLost(this.#parts.clock.monotonicMs())
    this.#leadership.update(this.#engine.applied)
    this.#closeIfIdle()
  }

  #onTick(nowMs: number, lagMs: number): void {
    const { giveUpAfterMs, heartbeatMs } = this.#parts.timing
    if (this.#leadsOthers() && this.#lag.tick(nowMs, lagMs)) {
      this.#parts.log.warn('this process is too slow to lead; handing leadership over', { lagMs })
      this.#parts.metrics.count('raft_stepped_aside_total', { reason: 'lag' })
      this.#engine.step({ type: 'transfer', to: undefined })
    }
    this.#proposals.tick(nowMs, giveUpAfterMs)
    for (const request of this.#barriers.toRepeat(nowMs, 3 * heartbeatMs, giveUpAfterMs))
      this.#engine.step({ type: 'read', request })
    this.#leadership.tick(nowMs)
    this.#tickChange(nowMs)
    if (this.#stopped !== undefined && nowMs >= this.#stopped.deadlineMs) this.#close()
  }

  #tickChange(nowMs: number): void {
    const change = this.#change
    if (change === undefined || this.#raft.role === 'leader') return
    change.lostSinceMs ??= nowMs
    if (nowMs - change.lostSinceMs < this.#parts.timing.giveUpAfterMs) return
    this.#change = undefined
    change.done(failed('write-outcome-unknown', 'leadership was lost before the change was committed'))
  }

  /** A server that stops waits for its successor and for the writes it had taken. */
  #closeIfIdle(): void {
    if (this.#stopped !== undefined && !this.#leadsOthers() && this.#proposals.size === 0) this.#close()
  }

  #close(): void {
    const done = this.#stopped?.done
    this.#stopped = undefined
    if (done === undefined) return
    // A full disk may never take what is left; it was promised to nobody.
    const deadline = this.#parts.clock.after(this.#parts.timing.giveUpAfterMs, () => {
      this.#engine.halt()
      done()
    })
    this.#engine.close(() => {
      deadline.cancel()
      done()
    })
    this.#end()
  }

  #end(): void {
    this.#state = 'stopped'
    this.#flush?.cancel()
    this.#proposals.failAll()
    this.#barriers.failAll()
    this.#leadership.end()
    this.#change?.done(failed('write-outcome-unknown', 'the server stopped before the change was committed'))
    this.#change = undefined
  }
}

const noAnswer = failed('no-leader', 'the server is stopping')
