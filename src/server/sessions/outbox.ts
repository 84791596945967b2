/**
 * What one agent still has to be sent: its subscriptions, which of them changed, and how far each is. It keeps no
 * events: each is taken from the publisher when the stream has room, so a slow agent costs a mark per subscription, and
 * one that fell too far behind gets a snapshot. Topics go in the order of model/topic.ts; when to send, hub.ts decides.
 */
import { limits } from '../../model/limits.ts'
import { type Subject, subjectKey, topics } from '../../model/topic.ts'
import type { Clock, Timer } from '../../platform/ports.ts'
import type { AgentFrame, FrameStream, ServerFrame } from '../../rpc/contract.ts'
import { isWhole } from '../events/contents.ts'
import type { Position, Publisher } from '../events/publisher.ts'
import type { Snapshot } from '../events/shared-snapshot.ts'

export type ControlStream = FrameStream<ServerFrame, AgentFrame>

interface Subscription {
  readonly subject: Subject
  readonly lane: number
  position: Position
  /** A snapshot on its way: the next frame, and where the agent is after the last. */
  sending: { readonly snapshot: Snapshot; at: number; readonly position: Position } | undefined
  /** Set while the agent has seen more than this server: it waits for the log. */
  ahead: Timer | undefined
  stop: () => void
}

export interface OutboxPorts {
  readonly publisher: Publisher
  readonly clock: Pick<Clock, 'after'>
  /** Index of the newest state. */
  readonly newest: () => number
  /** Calls back whether the newest state holds everything that any server had acknowledged before the call. */
  readonly proveCurrent: (done: (isCurrent: boolean) => void) => void
}

export interface OutboxOwner {
  /** A lane (position in `topics`) has something to send. */
  ready(lane: number): void
  /** Nothing is left to send. */
  clean(): void
  /** The agent has seen more than this server can get: another server has to serve it. */
  behind(): void
}

export class Outbox {
  readonly #ports: OutboxPorts
  readonly #stream: ControlStream
  readonly #owner: OutboxOwner
  readonly #subscriptions = new Map<string, Subscription>()
  readonly #dirty: readonly Set<Subscription>[] = topics.map(() => new Set())

  constructor(ports: OutboxPorts, stream: ControlStream, owner: OutboxOwner) {
    this.#ports = ports
    this.#stream = stream
    this.#owner = owner
  }

  /** Everything that this server knows was sent. */
  get isClean(): boolean {
    return this.#dirty.every((lane) => lane.size === 0)
  }

  get subscriptions(): number {
    return this.#subscriptions.size
  }

  /** Starts the subject at `cursor`; one that is there already starts over. */
  subscribe(subject: Subject, cursor: number): void {
    this.unsubscribe(subject)
    const { publisher, clock, newest } = this.#ports
    const subscription: Subscription = {
      subject,
      lane: topics.indexOf(subject.topic),
      position: publisher.positionOf(cursor),
      sending: undefined,
      ahead: undefined,
      stop: () => undefined,
    }
    this.#subscriptions.set(subjectKey(subject), subscription)
    subscription.stop = publisher.subscribe(subject, () => this.#mark(subscription))
    if (cursor > newest()) {
      subscription.ahead = clock.after(limits.cursorAheadMs, () => this.#judgeAhead(subscription))
    } else this.#mark(subscription)
  }

  unsubscribe(subject: Subject): void {
    const subscription = this.#subscriptions.get(subjectKey(subject))
    if (subscription === undefined) return
    this.#subscriptions.delete(subjectKey(subject))
    this.#dirty[subscription.lane]?.delete(subscription)
    subscription.ahead?.cancel()
    subscription.ahead = undefined
    subscription.stop()
    if (this.isClean) this.#owner.clean()
  }

  /** The state moved on: subscriptions that waited for the log may go. Returns whether any still waits. */
  advanced(): boolean {
    let waiting = false
    for (const subscription of this.#subscriptions.values()) {
      if (subscription.ahead === undefined) continue
      if (subscription.position.cursor > this.#ports.newest()) waiting = true
      else this.#release(subscription, subscription.position.cursor)
    }
    return waiting
  }

  /** The stream has room again. */
  drained(): void {
    for (const [lane, dirty] of this.#dirty.entries()) if (dirty.size > 0) this.#owner.ready(lane)
  }

  /** Sends at most `budget` frames of one lane. `more`: there is more, and the stream would take it. */
  send(lane: number, budget: number): { readonly sent: number; readonly more: boolean } {
    const dirty = this.#dirty[lane] ?? new Set<Subscription>()
    let sent = 0
    for (const subscription of dirty)
      for (;;) {
        if (this.#isFull(subscription.subject)) return { sent, more: false }
        if (sent >= budget) return { sent, more: true }
        const frame = this.#frameFor(subscription)
        if (frame === undefined) {
          dirty.delete(subscription)
          break
        }
        this.#stream.send(frame)
        sent++
      }
    if (this.isClean) this.#owner.clean()
    return { sent, more: false }
  }

  close(): void {
    for (const { subject } of [...this.#subscriptions.values()]) this.unsubscribe(subject)
  }

  #mark(subscription: Subscription): void {
    if (subscription.ahead !== undefined) return
    this.#dirty[subscription.lane]?.add(subscription)
    this.#owner.ready(subscription.lane)
  }

  /**
   * Sending older state would take back what the agent enforces, a denial for example. It is right only where the log will
   * never come to the cursor, because the agent has it from another life of the cluster; a server that is merely behind,
   * cut off from its leader, cannot tell and must not answer.
   */
  #judgeAhead(subscription: Subscription): void {
    this.#ports.proveCurrent((isCurrent) => {
      if (subscription.ahead === undefined) return
      if (isCurrent) this.#release(subscription, 0)
      else this.#owner.behind()
    })
  }

  #release(subscription: Subscription, cursor: number): void {
    subscription.ahead?.cancel()
    subscription.ahead = undefined
    subscription.position = this.#ports.publisher.positionOf(cursor)
    this.#mark(subscription)
  }

  /** Bulk may fill a part of the queue only, so that a denial never waits behind much of it. */
  #isFull({ topic }: Subject): boolean {
    const bound = isWhole(topic) ? limits.sessionQueueBytes : limits.sessionBulkBytes
    return this.#stream.queuedBytes() >= bound
  }

  #frameFor(subscription: Subscription): ServerFrame | undefined {
    const { subject, sending } = subscription
    if (sending !== undefined) {
      const frame = sending.snapshot.frame(sending.at)
      sending.at++
      if (frame !== undefined) return frame
      subscription.sending = undefined
      subscription.position = sending.position
      return { kind: 'snapshot-end', subject, index: sending.position.cursor }
    }
    const next = this.#ports.publisher.next(subject, subscription.position)
    switch (next.kind) {
      case 'current':
        return undefined
      case 'event':
        subscription.position = next.position
        return next.frame
      case 'snapshot':
        subscription.sending = { snapshot: next.snapshot, at: 0, position: next.position }
        return { kind: 'snapshot-begin', subject }
    }
  }
}
