/**
 * One member's view of its pool: the state that the files of this room share, and how packets leave it. Rules stand in
 * the file of their noun.
 */
import type { Alive, Claim, GossipEndpoint, GossipMessage, GossipSource } from '../model/gossip-message.ts'
import { noBytes } from '../model/gossip-message.ts'
import { limits } from '../model/limits.ts'
import { Awareness } from './awareness.ts'
import { BroadcastQueue, retransmitLimit } from './broadcast-queue.ts'
import { Deadlines } from './deadlines.ts'
import type { SwimEffects } from './effects.ts'
import { compoundHeaderBytes, compoundPartBytes, messageBytes } from './message-size.ts'
import type { SwimParameters } from './parameters.ts'
import { Member, Roster } from './roster.ts'
import type { Suspicion } from './suspicion.ts'
import type { Probe, Relay } from './under-way.ts'

export interface SwimOptions {
  readonly parameters: SwimParameters
  /** How we describe ourselves; its incarnation is where we start. */
  readonly self: Alive
  /** Uniform in [0, 1). */
  readonly random: () => number
  /** Whether a member may be known at all: allowed networks, the right datacenter. */
  readonly admits: (claim: Alive) => boolean
}

/** When each periodic duty is next due; infinity where it is not. */
export interface Duties {
  probeMs: number
  gossipMs: number
  exchangeMs: number
  reconnectMs: number
  reapMs: number
}

const never = Number.POSITIVE_INFINITY

/** Arrivals are counted over this many of the times after which they hasten an exchange. */
const arrivalWindow = 10

export class LocalView {
  readonly parameters: SwimParameters
  readonly random: () => number
  readonly admits: (claim: Alive) => boolean
  readonly effects: SwimEffects
  readonly roster: Roster
  readonly self: Member
  readonly queue = new BroadcastQueue(limits.gossipBroadcasts)
  readonly awareness: Awareness
  readonly suspicions = new Deadlines<Suspicion>()
  /** Our own probes that are under way; a handful. */
  readonly probes: Probe[] = []
  /** Probes on behalf of others, oldest first; all wait equally long. */
  readonly relays: Relay[] = []
  readonly duties: Duties
  nowMs: number
  isLeaving = false
  ackPayload: Uint8Array = noBytes
  /** Where answers to our pings shall go. */
  readonly source: GossipSource
  /** No suspicion ends before: we stood still and have packets to read first. */
  forgivenUntilMs = 0
  /** New, returned and perhaps returning members, of late. */
  arrivals = 0
  #arrivalsFromMs = 0
  /** The next exchange comes no later than this after the last; grows until the calm interval is shorter. */
  exchangePauseMs = never
  /** Members that were looked at out of turn, of the present probe interval. */
  readonly lookedAt = new Set<string>()
  lookedFromMs: number
  /** To be probed at the end of this step, out of turn. */
  readonly toProbe: Member[] = []
  /** Gossip intervals are counted from here, so that members do not gossip in step. */
  readonly #gossipPhaseMs: number
  #sequence = 0

  constructor(options: SwimOptions, effects: SwimEffects, nowMs: number) {
    const { parameters, random } = options
    this.parameters = parameters
    this.random = random
    this.admits = options.admits
    this.effects = effects
    this.nowMs = nowMs
    this.awareness = new Awareness(parameters.awarenessMax)
    this.roster = new Roster(random)
    this.self = new Member(options.self, 'alive', nowMs)
    const { address, port, node } = options.self
    this.source = { address, port, node }
    this.roster.add(this.self)
    this.lookedFromMs = nowMs
    this.#gossipPhaseMs = nowMs + random() * parameters.gossipIntervalMs
    // Staggered, as everything periodic: hosts are often started together.
    this.duties = {
      probeMs: nowMs + random() * parameters.probeIntervalMs,
      gossipMs: never,
      exchangeMs: nowMs + (1 + random()) * parameters.pushPullIntervalMs,
      reconnectMs: nowMs + (1 + random()) * parameters.reconnectIntervalMs,
      reapMs: nowMs + (1 + random()) * parameters.reapIntervalMs,
    }
  }

  /** Each ping gets its own number; answers name it. */
  nextSequence(): number {
    this.#sequence = (this.#sequence + 1) >>> 0
    return this.#sequence
  }

  /** One datagram: the message, and as much waiting gossip as fits behind it. */
  send(to: GossipEndpoint, message: GossipMessage): void {
    this.sendAll(to, [message])
  }

  /** The same with several messages. */
  sendAll(to: GossipEndpoint, messages: GossipMessage[]): void {
    this.fill(messages)
    if (messages.length > 0) this.effects.send(to, messages)
  }

  /** Adds waiting gossip up to the size of a packet. */
  fill(messages: GossipMessage[]): void {
    if (this.queue.size === 0) return
    let bytes = this.parameters.packetBytes - compoundHeaderBytes
    for (const message of messages) bytes -= compoundPartBytes + messageBytes(message)
    const limit = retransmitLimit(this.parameters.retransmitMultiplier, this.roster.active)
    this.queue.take(bytes, limit, messages, this.#finished)
  }

  countArrivals(count: number): void {
    if (this.nowMs - this.#arrivalsFromMs > arrivalWindow * this.parameters.eagerExchangeMs) {
      this.#arrivalsFromMs = this.nowMs
      this.arrivals = 0
    }
    this.arrivals += count
  }

  /** Queues a claim for everybody. */
  tell(claim: Claim): void {
    this.queue.addClaim(claim)
    this.armGossip()
  }

  /** Call after anything was queued: with nothing to tell there are no gossip intervals. */
  armGossip(): void {
    if (this.duties.gossipMs !== never) return
    const { gossipIntervalMs } = this.parameters
    const periods = Math.floor((this.nowMs - this.#gossipPhaseMs) / gossipIntervalMs) + 1
    this.duties.gossipMs = this.#gossipPhaseMs + periods * gossipIntervalMs
  }

  readonly #finished = (subject: string): void => {
    if (this.isLeaving && subject === this.self.name) this.effects.notify({ type: 'leave-told' })
  }
}
