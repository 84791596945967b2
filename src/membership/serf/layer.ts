/**
 * Serf's layer above gossip: hears and tells intents, user events and queries, adds its part to exchanges of state, and
 * turns what gossip says of members into what Serf shows. Each noun has its own file; this one joins them.
 */
import { failed, ok, type Result, unreachable } from '../../model/errors.ts'
import type { GossipSource, MemberStatus } from '../../model/gossip-message.ts'
import { limits } from '../../model/limits.ts'
import type {
  JoinIntent,
  LeaveIntent,
  Query,
  SerfMessage,
  SerfState,
  UserEvent,
} from '../../model/serf-message.ts'
import type { SwimEvent } from '../../swim/effects.ts'
import { Intents } from '../../swim/serf/intents.ts'
import { LamportRing } from '../../swim/serf/lamport-ring.ts'
import { encodeSerf } from '../../wire/gossip/serf-message.ts'
import type { PoolMember } from '../contract.ts'
import type { KeyStore } from '../key-store.ts'
import { viewOf } from '../member-view.ts'
import type { PoolMemory } from '../peers-file.ts'
import { Answering } from './answering.ts'
import type { Below } from './below.ts'
import { Coordinates } from './coordinates.ts'
import { answerAboutKeys } from './key-queries.ts'
import { answerAboutName, NameConflict } from './name-conflict.ts'
import { OpenQueries } from './open-queries.ts'

const sameEvent = (a: UserEvent, b: UserEvent): boolean =>
  a.name === b.name && Buffer.compare(a.payload, b.payload) === 0

export class SerfLayer {
  readonly coordinates: Coordinates
  readonly queries: OpenQueries
  readonly intents: Intents
  readonly #below: Below
  readonly #events = new LamportRing<UserEvent>(sameEvent)
  /** Queries are told apart by their random number. */
  readonly #asked = new LamportRing<number>((a, b) => a === b)
  readonly #answering: Answering
  readonly #conflict: NameConflict

  constructor(below: Below, source: GossipSource, keys: KeyStore) {
    this.#below = below
    this.intents = new Intents(source.node)
    this.coordinates = new Coordinates(source.node, () => below.random.fraction())
    this.queries = new OpenQueries({
      below,
      source,
      nextTime: () => this.#asked.clock.next(),
      hear: (query, payload) => this.#hearQuery(query, payload),
    })
    this.#answering = new Answering({
      below,
      tags: () => viewOf(below.swim.self, this.intents).tags,
      internal: (query) => answerAboutName(query, below) ?? answerAboutKeys(query, keys),
      toOurselves: (response) => this.queries.hear(response),
    })
    this.#conflict = new NameConflict(below, this.queries)
  }

  /** Times of the last run: what was told before is not told again. */
  remember(memory: PoolMemory): void {
    if (memory.time > 0) this.intents.clock.witness(memory.time)
    this.#ignoreEventsBefore(memory.eventTime)
    if (memory.queryTime > 0) this.#asked.clock.witness(memory.queryTime)
    this.#asked.ignoreBefore(memory.queryTime)
  }

  times(): Pick<PoolMemory, 'time' | 'eventTime' | 'queryTime'> {
    return {
      time: this.intents.clock.time,
      eventTime: this.#events.clock.time,
      queryTime: this.#asked.clock.time,
    }
  }

  view(member: Parameters<typeof viewOf>[0]): PoolMember {
    return viewOf(member, this.intents)
  }

  /** The pool took us in: everybody shall know that we mean to stay. */
  tellJoin(): void {
    this.#tell(this.intents.join(this.#nowMs()))
  }

  tellLeave(): void {
    this.#tell(this.intents.leave(this.#below.swim.self.name, false, this.#nowMs()))
  }

  /** A failed member will not come back; `prune`: nor shall it be remembered. */
  forceLeave(node: string, prune: boolean): Result<true> {
    const member = this.#below.swim.member(node)
    if (member === undefined) return failed('not-found', `there is no member "${node}"`)
    if (node === this.#below.swim.self.name)
      return failed('bad-request', 'a member cannot be forced to leave by itself; use `mesh leave`')
    const intent = this.intents.leave(node, prune, this.#nowMs())
    this.#tell(intent)
    this.#obey(intent)
    return ok(true)
  }

  fireEvent(name: string, payload: Uint8Array, coalesces: boolean): Result<true> {
    const time = this.#events.clock.next()
    const event: UserEvent = { type: 'user-event', time, name, payload, coalesces }
    const message = encodeSerf(event)
    if (message.length > limits.serfEventBytes)
      return failed(
        'too-large',
        `the event has ${message.length} bytes, the limit is ${limits.serfEventBytes}`,
      )
    this.#hearEvent(event, message)
    return ok(true)
  }

  /** A message of this layer, from gossip or a stream. `payload` is as it came. */
  hear(message: SerfMessage, payload: Uint8Array): void {
    switch (message.type) {
      case 'join-intent':
      case 'leave-intent':
        if (this.#hearIntent(message)) this.#rebroadcast(payload, 'intent')
        return
      case 'user-event':
        this.#hearEvent(message, payload)
        return
      case 'query':
        this.#hearQuery(message, payload)
        return
      case 'query-response':
        this.queries.hear(message)
        return
      case 'relay':
        this.#below.send(message.to, message.message)
        return
      default:
        unreachable(message)
    }
  }

  /** What gossip says of a member. */
  hearGossip(event: Exclude<SwimEvent, { readonly type: 'user' }>): void {
    switch (event.type) {
      case 'joined':
        this.intents.returned(event.member.name)
        this.#below.tell({ type: 'member-joined', member: this.view(event.member) })
        return
      case 'updated':
        this.#below.tell({ type: 'member-updated', member: this.view(event.member) })
        return
      case 'failed':
        // It said that it would go, and nobody heard the very end: that is a leave.
        if (this.intents.presence(event.member.name, 'dead') === 'left')
          this.#below.step({ type: 'left-for-good', node: event.member.name })
        else this.#below.tell({ type: 'member-failed', member: this.view(event.member) })
        return
      case 'left':
        this.#below.tell({ type: 'member-left', member: this.view(event.member) })
        return
      case 'reaped':
        this.#below.tell({ type: 'member-reaped', member: this.view(event.member) })
        this.intents.forget(event.member.name)
        this.coordinates.forget(event.member.name)
        return
      case 'probed':
        if (this.coordinates.observe(event.member.name, event.roundTripMs, event.payload))
          this.#below.step({ type: 'ack-payload', payload: this.coordinates.payload() })
        return
      case 'conflict':
        if (event.member.name === this.#below.swim.self.name) this.#conflict.settle(event.claim)
        return
      case 'suspected':
      case 'stream-only':
      case 'refuted':
      case 'stalled':
      case 'leave-told':
        return
      default:
        unreachable(event)
    }
  }

  /** Our part of an exchange. */
  state(): SerfState {
    const names: string[] = []
    const left: string[] = []
    for (const { name, status } of this.#below.swim.members()) {
      names.push(name)
      if (this.intents.presence(name, status) === 'left') left.push(name)
    }
    const { time, eventTime, queryTime } = this.times()
    const events = this.#events.all()
    return { time, statusTimes: this.intents.statusTimes(names), left, eventTime, events, queryTime }
  }

  /** `isOwnJoin`: what the pool was told before we came is not news for us. */
  merge(state: SerfState, isOwnJoin: boolean): void {
    for (const intent of this.intents.implied(state)) this.#hearIntent(intent)
    if (isOwnJoin) this.#ignoreEventsBefore(state.eventTime)
    if (state.eventTime > 0) this.#events.clock.witness(state.eventTime - 1)
    if (state.queryTime > 0) this.#asked.clock.witness(state.queryTime - 1)
    for (const event of state.events) if (this.#events.hear(event.time, event)) this.#below.tell(event)
  }

  /** Call now and then. */
  tidy(): void {
    const { swim } = this.#below
    this.intents.forgetStrangers((node) => swim.member(node) !== undefined, this.#nowMs())
  }

  #nowMs(): number {
    return this.#below.clock.monotonicMs()
  }

  #ignoreEventsBefore(time: number): void {
    if (time > 0) this.#events.clock.witness(time - 1)
    this.#events.ignoreBefore(time)
  }

  /** True if it is to be told on. */
  #hearIntent(intent: JoinIntent | LeaveIntent): boolean {
    const status: MemberStatus | undefined = this.#below.swim.member(intent.node)?.status
    switch (this.intents.hear(intent, status, this.#nowMs())) {
      case 'old':
        return false
      case 'about-us':
        this.tellJoin()
        return false
      case 'new':
      case 'left':
        if (intent.type === 'leave-intent') this.#obey(intent)
        return true
      default:
        return false
    }
  }

  #obey({ node, prune }: LeaveIntent): void {
    const { swim, step } = this.#below
    if (swim.member(node)?.status === 'dead') step({ type: 'left-for-good', node })
    if (prune) step({ type: 'forget', node })
  }

  #hearEvent(event: UserEvent, payload: Uint8Array): void {
    if (!this.#events.hear(event.time, event)) return
    this.#rebroadcast(payload, 'event')
    this.#below.tell(event)
  }

  #hearQuery(query: Query, payload: Uint8Array): void {
    if (!this.#asked.hear(query.time, query.id)) return
    if (!query.isDirect) this.#rebroadcast(payload, 'query')
    this.#answering.hear(query)
  }

  #tell(message: JoinIntent | LeaveIntent): void {
    this.#rebroadcast(encodeSerf(message), 'intent')
  }

  #rebroadcast(payload: Uint8Array, urgency: 'intent' | 'query' | 'event'): void {
    this.#below.step({ type: 'broadcast', payload, urgency })
  }
}
