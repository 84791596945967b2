/**
 * One answer for everybody on this host who asks about the cluster (HTTP API, DNS, alias checks): from a server, and from
 * what the agent keeps (views, the last answers) where that is as good (a stale read of a live view) or all there is (no
 * server answers). Such an answer carries its age.
 */
import type { ErrorCode, Result } from '../../model/errors.ts'
import { limits } from '../../model/limits.ts'
import type { QueryName, ReadAnswer } from '../../model/query.ts'
import { type Subject, subjectKey } from '../../model/topic.ts'
import type { Clock, Metrics, Timer } from '../../platform/ports.ts'
import type { ReadRequest, Reply, ServerClient } from '../../rpc/contract.ts'
import type { Views } from '../contract.ts'
import { AnswerMemory, type Question } from './answer-memory.ts'
import { FollowedSubjects } from './followed-subjects.ts'
import { answerFrom, subjectOf } from './view-answers.ts'

export interface ClusterReaderOptions {
  readonly client: Pick<ServerClient, 'read'>
  readonly views: Pick<Views, 'view' | 'onChange'> & {
    /** Since the view was last known to be true; 0 while it is live. */
    readonly ageMs: (subject: Subject) => number | undefined
  }
  readonly clock: Clock
  readonly metrics: Metrics
  /** Declares what is followed because clients asked for it, beside what the agent needs for other reasons. */
  readonly want: (subjects: readonly Subject[]) => void
}

/**
 * How long a blocking reader is held, at most, who has the remembered answer already: nothing wakes it, and the servers may
 * be back any moment.
 */
const memoryHoldMs = 5_000
/** In an outage that is known nobody waits longer than this for servers to be back, who can be answered from what is kept. */
const outagePatienceMs = 100

interface Held {
  readonly subject: Subject
  /** Answers when the view moved on; `atLast` answers in any case. */
  readonly tryAnswer: (atLast: boolean) => void
}

/** What a server that is away, or without a leader, makes of a read. */
const outage: ReadonlySet<ErrorCode> = new Set(['no-server', 'no-leader'])

export class ClusterReader {
  readonly #options: ClusterReaderOptions
  readonly #memory: AnswerMemory
  readonly #followed: FollowedSubjects
  readonly #held = new Map<string, Set<Held>>()
  #heldCount = 0
  /** The last question to the servers went unanswered. */
  #isOutage: boolean = false

  constructor(options: ClusterReaderOptions) {
    this.#options = options
    this.#memory = new AnswerMemory(options.clock)
    this.#followed = new FollowedSubjects(options.want)
    options.views.onChange((subject) => {
      for (const held of [...(this.#held.get(subjectKey(subject)) ?? [])]) held.tryAnswer(false)
    })
  }

  /** As the client's `read`. Never calls back inside the call when the answer comes from a view. */
  read<Name extends QueryName>(
    request: ReadRequest<Name>,
    reply: Reply<ReadAnswer<Name>>,
  ): { cancel(): void } {
    const { client, clock, metrics } = this.#options
    // Nothing of another datacenter is kept here.
    if (request.datacenter !== undefined) return client.read(request, reply)
    const subject = subjectOf(request.name, request.args)
    const { consistency, minIndex } = request.options
    const isKept = subject !== undefined || this.#memory.keeps(request.name)
    if (!isKept || consistency === 'consistent') return client.read(request, reply)
    const near =
      subject !== undefined && consistency === 'stale' ? this.#fromView(request, subject) : undefined
    if (near !== undefined && near.meta.index > minIndex && this.#isLive(subject)) {
      metrics.count('mesh_reads_from_views_total', { reason: 'stale' })
      return clock.after(0, () => reply({ ok: true, value: near }))
    }
    return this.#ask(request, subject, reply)
  }

  /** Asks a server, and falls back to what the agent keeps. */
  #ask<Name extends QueryName>(
    request: ReadRequest<Name>,
    subject: Subject | undefined,
    reply: Reply<ReadAnswer<Name>>,
  ): { cancel(): void } {
    const { client, clock } = this.#options
    let pending: { cancel(): void } | undefined
    let isDone = false
    const done: Reply<ReadAnswer<Name>> = (result) => {
      if (!isDone) reply(result)
      isDone = true
    }
    const startedMs = clock.monotonicMs()
    const wasOutage = this.#isOutage
    const far = client.read(request, (result) => {
      this.#isOutage = !result.ok && outage.has(result.failure.code)
      if (result.ok) this.#memory.remember(request, result.value)
      if (result.ok || !this.#isOutage) done(result)
      else if (!isDone) {
        const waitMs = request.options.waitMs - (clock.monotonicMs() - startedMs)
        pending = this.#fallBack(request, subject, { waitMs, result, reply: done })
      }
    })
    const patience =
      wasOutage && request.options.minIndex === 0
        ? clock.after(outagePatienceMs, () => this.#answerFromKept(request, done))
        : undefined
    return {
      cancel() {
        isDone = true
        far.cancel()
        patience?.cancel()
        pending?.cancel()
      },
    }
  }

  /** The question to the servers goes on: its answer tells that they are back. */
  #answerFromKept<Name extends QueryName>(request: ReadRequest<Name>, done: Reply<ReadAnswer<Name>>): void {
    const kept = this.recall(request)
    if (kept === undefined) return
    this.#options.metrics.count('mesh_reads_from_views_total', { reason: 'no-server' })
    done({ ok: true, value: kept })
  }

  /** What the agent keeps of the answer, whichever is younger of its view and the last answer of a server. */
  recall<Name extends QueryName>(question: Question<Name>): ReadAnswer<Name> | undefined {
    const subject = subjectOf(question.name, question.args)
    const seen = subject === undefined ? undefined : this.#fromView(question, subject)
    const remembered = seen?.meta.lastContactMs === 0 ? undefined : this.#memory.recall(question)
    if (seen === undefined || remembered === undefined) return seen ?? remembered
    return seen.meta.lastContactMs <= remembered.meta.lastContactMs ? seen : remembered
  }

  /** From now on the answer is kept as a live view, where there are views for such questions. */
  follow<Name extends QueryName>({ name, args }: Question<Name>): void {
    const subject = subjectOf(name, args)
    if (subject !== undefined) this.#followed.follow(subject)
  }

  #isLive(subject: Subject | undefined): boolean {
    return subject !== undefined && this.#options.views.view(subject)?.live === true
  }

  #fallBack<Name extends QueryName>(
    request: ReadRequest<Name>,
    subject: Subject | undefined,
    rest: {
      readonly waitMs: number
      readonly result: Result<ReadAnswer<Name>>
      readonly reply: Reply<ReadAnswer<Name>>
    },
  ): { cancel(): void } {
    const { clock, metrics } = this.#options
    const { minIndex } = request.options
    const present = this.recall(request)
    if (present === undefined) return clock.after(0, () => rest.reply(rest.result))
    metrics.count('mesh_reads_from_views_total', { reason: 'no-server' })
    const fromView = subject === undefined ? undefined : this.#fromView(request, subject)
    const isNews = minIndex === 0 || present.meta.index > minIndex
    // Answered at once a blocking reader would ask again at once, over and over, for as long as the outage lasts.
    if (isNews || rest.waitMs <= 0 || this.#heldCount >= limits.heldViewReads)
      return clock.after(0, () => rest.reply({ ok: true, value: present }))
    if (subject === undefined || fromView === undefined)
      return clock.after(Math.min(rest.waitMs, memoryHoldMs), () => rest.reply({ ok: true, value: present }))
    return this.#hold(subject, rest.waitMs, (atLast) => {
      const found = this.#fromView(request, subject)
      if (!atLast && (found === undefined || found.meta.index <= minIndex)) return false
      rest.reply(found === undefined ? rest.result : { ok: true, value: found })
      return true
    })
  }

  /** Calls `answer` at each change of the view until it says that it is done, and a last time after `waitMs`. */
  #hold(subject: Subject, waitMs: number, answer: (atLast: boolean) => boolean): { cancel(): void } {
    const key = subjectKey(subject)
    const ofSubject = this.#held.get(key) ?? new Set<Held>()
    this.#held.set(key, ofSubject)
    const release = (): void => {
      if (!ofSubject.delete(held)) return
      timer.cancel()
      this.#heldCount -= 1
      if (ofSubject.size === 0 && this.#held.get(key) === ofSubject) this.#held.delete(key)
    }
    const tryAnswer = (atLast: boolean): void => {
      if (ofSubject.has(held) && answer(atLast)) release()
    }
    const held: Held = { subject, tryAnswer }
    const timer: Timer = this.#options.clock.after(waitMs, () => tryAnswer(true))
    ofSubject.add(held)
    this.#heldCount += 1
    return { cancel: release }
  }

  #fromView<Name extends QueryName>(
    question: Question<Name>,
    subject: Subject,
  ): ReadAnswer<Name> | undefined {
    const { views } = this.#options
    const view = views.view(subject)
    const answer = view === undefined ? undefined : answerFrom(question.name, question.args, view)
    if (view === undefined || answer === undefined) return undefined
    const meta = {
      index: Math.max(1, view.index),
      knownLeader: view.live,
      lastContactMs: Math.round(views.ageMs(subject) ?? 0),
      effective: 'stale',
      kept: true,
    } as const
    return { meta, answer }
  }
}
