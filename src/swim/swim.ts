/**
 * The door of the membership core: one input in, effects out. No clock, no socket, no promise; memberlist's rules on
 * memberlist's messages. Each rule stands in the file of its noun; docs/divergence.md lists where they leave memberlist.
 */
import { unreachable } from '../model/errors.ts'
import type {
  GossipEndpoint,
  GossipMessage,
  MemberState,
  MemberStatus,
  Ping,
} from '../model/gossip-message.ts'
import { hearAlive } from './alive-claim.ts'
import { countAsLeft, hearDead } from './dead-claim.ts'
import { exchangeWithAnother, hastenExchange, hearState, ownStates } from './exchange.ts'
import { gossip } from './gossip.ts'
import type { SwimInput } from './input.ts'
import type { LocalView } from './local-view.ts'
import { hearAck, hearNack, hearStreamAck, nextProbeMs, pursueProbes } from './probe.ts'
import { probeNext, probeOutOfTurn } from './probing.ts'
import { forget, reap, reconnect } from './reconnect.ts'
import { describeAnew, leave } from './refutation.ts'
import { endRelays, relayAck, relayPing } from './relay.ts'
import type { Member } from './roster.ts'
import { forgive } from './stall.ts'
import { endSuspicions, hearSuspect } from './suspect-claim.ts'

export class Swim {
  readonly #view: LocalView
  #nextDeadlineMs: number

  /** All times are of the one monotonic clock that `view` was made with, in milliseconds. */
  constructor(view: LocalView) {
    this.#view = view
    view.tell(view.self.record)
    this.#nextDeadlineMs = nextDeadlineMs(view)
  }

  /** Step with `tick` then, or with anything else earlier. */
  get nextDeadlineMs(): number {
    return this.#nextDeadlineMs
  }

  get self(): Readonly<Member> {
    return this.#view.self
  }

  /** 0 while this member is well; up to `awarenessMax - 1`. */
  get healthScore(): number {
    return this.#view.awareness.score
  }

  /** Messages that wait to be gossiped. */
  get queued(): number {
    return this.#view.queue.size
  }

  count(status: MemberStatus): number {
    return this.#view.roster.count(status)
  }

  member(name: string): Readonly<Member> | undefined {
    return this.#view.roster.get(name)
  }

  /** Everybody that is known, failed and left ones included, in no particular order. */
  members(): Iterable<Readonly<Member>> {
    return this.#view.roster.all()
  }

  /** Our side of an exchange of state, as of now. */
  states(): readonly MemberState[] {
    return ownStates(this.#view)
  }

  step(nowMs: number, input: SwimInput): void {
    const view = this.#view
    view.nowMs = nowMs
    if (nowMs >= this.#nextDeadlineMs) {
      const lateMs = nowMs - this.#nextDeadlineMs
      if (lateMs > view.parameters.lateMs) forgive(view, lateMs)
      doDuties(view)
    }
    take(view, input)
    probeOutOfTurn(view)
    hastenExchange(view)
    this.#nextDeadlineMs = nextDeadlineMs(view)
  }
}

function doDuties(view: LocalView): void {
  const { duties, nowMs } = view
  pursueProbes(view)
  endSuspicions(view)
  endRelays(view)
  if (nowMs >= duties.probeMs) probeNext(view)
  if (nowMs >= duties.gossipMs) gossip(view)
  if (nowMs >= duties.exchangeMs) exchangeWithAnother(view)
  if (nowMs >= duties.reconnectMs) reconnect(view)
  if (nowMs >= duties.reapMs) reap(view)
}

function nextDeadlineMs(view: LocalView): number {
  const { duties, suspicions, relays } = view
  let next = Math.min(duties.probeMs, duties.gossipMs, suspicions.nextMs, nextProbeMs(view))
  next = Math.min(next, duties.exchangeMs, duties.reconnectMs, duties.reapMs)
  const oldest = relays[0]
  return oldest === undefined ? next : Math.min(next, oldest.dueMs)
}

function take(view: LocalView, input: SwimInput): void {
  switch (input.type) {
    case 'tick':
      return
    case 'packet':
      for (const message of input.messages) hear(view, message, input.from)
      return
    case 'stream-ack':
      hearStreamAck(view, input.sequence)
      return
    case 'push-pull':
      hearState(view, input.state)
      return
    case 'update':
      describeAnew(view, input.meta)
      return
    case 'ack-payload':
      view.ackPayload = input.payload
      return
    case 'broadcast':
      view.queue.add({ type: 'user', payload: input.payload }, input.urgency)
      view.armGossip()
      return
    case 'leave':
      leave(view)
      return
    case 'left-for-good':
      countAsLeft(view, input.node)
      return
    case 'forget':
      forget(view, input.node)
      return
    default:
      unreachable(input)
  }
}

function hear(view: LocalView, message: GossipMessage, from: GossipEndpoint): void {
  switch (message.type) {
    case 'ping':
      answer(view, message, from)
      return
    case 'indirect-ping':
      relayPing(view, message, from)
      return
    case 'ack':
      if (!hearAck(view, message)) relayAck(view, message)
      return
    case 'nack':
      hearNack(view, message.sequence)
      return
    case 'alive':
      hearAlive(view, message)
      return
    case 'suspect':
      hearSuspect(view, message)
      return
    case 'dead':
      hearDead(view, message)
      return
    case 'user':
      view.effects.notify({ type: 'user', payload: message.payload, from })
      return
    default:
      unreachable(message)
  }
}

/** A ping for another member says that the pinger has an old address: silence tells it. */
function answer(view: LocalView, ping: Ping, from: GossipEndpoint): void {
  if (ping.node !== '' && ping.node !== view.self.name) return
  view.send(ping.source ?? from, { type: 'ack', sequence: ping.sequence, payload: view.ackPayload })
}
