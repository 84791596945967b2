/**
 * A simulated pool: hosts joined by datagrams and streams over virtual time, with loss, splits, stalls, restarts and
 * churn. Messages are handed over as objects and never changed; encoding is tested elsewhere.
 */
import type { Alive, GossipEndpoint, GossipMessage, Ping } from '../../../src/model/gossip-message.ts'
import { noBytes } from '../../../src/model/gossip-message.ts'
import type { SwimEffects, SwimEvent } from '../../../src/swim/effects.ts'
import { lanParameters, type SwimParameters } from '../../../src/swim/parameters.ts'
import { SeededRandom } from '../random.ts'
import { Host, type Packet } from './host.ts'
import { type Happening, Wheel } from './wheel.ts'

export interface PoolConditions {
  readonly delayMinMs: number
  readonly delayMaxMs: number
  /** Chance of each datagram to be lost, and to arrive twice. */
  readonly loss: number
  readonly duplicate: number
  /** Chance that a stream cannot be opened at all. */
  readonly streamLoss: number
}

export const quietLan: PoolConditions = {
  delayMinMs: 0.2,
  delayMaxMs: 1.5,
  loss: 0,
  duplicate: 0,
  streamLoss: 0,
}

export type Watcher = (host: Host, event: SwimEvent) => void
export type PacketWatcher = (host: Host, messages: readonly GossipMessage[]) => void

const address = '10.0.0.1'
const versions = [1, 5, 2, 2, 5, 4] as const
const bytesPerMemberState = 120
const streamBytesPerMs = 12_500
/** A lost segment is sent again after so long. */
const retransmitMs = 200
const streamTimeoutMs = 10_000

class Delivery implements Happening {
  readonly #pool: Pool
  readonly #from: Host
  readonly #to: Host
  readonly #packet: Packet

  constructor(pool: Pool, from: Host, to: Host, packet: Packet) {
    this.#pool = pool
    this.#from = from
    this.#to = to
    this.#packet = packet
  }

  happen(): void {
    this.#pool.deliver(this.#from, this.#to, this.#packet)
  }
}

export class Pool {
  readonly wheel = new Wheel()
  readonly random: SeededRandom
  readonly hosts: Host[] = []
  readonly parameters: SwimParameters
  conditions: PoolConditions
  /** The one that is asked answers with its state as it was before it heard ours (memberlist). */
  answersFirst = false
  readonly counts = { packets: 0, messages: 0, delivered: 0, exchanges: 0, streamPings: 0 }
  readonly watchers: Watcher[] = []
  readonly packetWatchers: PacketWatcher[] = []
  isSplit = false
  /** End of the last split. */
  healedMs = Number.NEGATIVE_INFINITY
  /** Directed pairs of hosts between which datagrams do not pass; streams do. */
  readonly deafTo = new Set<number>()

  constructor(
    seed: number,
    parameters: SwimParameters = lanParameters,
    conditions: PoolConditions = quietLan,
  ) {
    this.random = new SeededRandom(seed)
    this.parameters = parameters
    this.conditions = conditions
  }

  get nowMs(): number {
    return this.wheel.nowMs
  }

  /** A host that is down yet. `name` may be one that another host has. */
  addHost(name?: string, clockRate = 1): Host {
    const index = this.hosts.length
    const record: Alive = {
      type: 'alive',
      incarnation: 1,
      node: name ?? `node-${index}`,
      address,
      port: index + 1,
      meta: noBytes,
      versions,
    }
    const { parameters, wheel } = this
    const random = (): number => this.random.fraction()
    const onPacket: PacketWatcher = (reader, messages) => {
      for (const watch of this.packetWatchers) watch(reader, messages)
    }
    const host = new Host({ index, record, parameters, wheel, random, clockRate, onPacket })
    this.hosts.push(host)
    return host
  }

  /** `count` running hosts that know one another already. */
  addFormed(count: number, clockRate: () => number = () => 1): void {
    const added = Array.from({ length: count }, () => this.addHost(undefined, clockRate()))
    const records = added.map((host) => host.record)
    for (const host of added) host.start(this.#effectsOf(host), records)
  }

  /** `count` running hosts in two halves, each of which has known the other one as failed for ten minutes. */
  addSplit(count: number): void {
    const added = Array.from({ length: count }, () => this.addHost())
    const halves = [0, 1].map((side) =>
      added.filter((_host, at) => at % 2 === side).map((host) => host.record),
    )
    this.split((host) => host.index % 2)
    for (const host of added) {
      const [own = [], other = []] = host.side === 0 ? halves : halves.toReversed()
      host.start(this.#effectsOf(host), own, other)
    }
  }

  /** Starts an empty host and lets it join through `through`. */
  start(host: Host, through?: Host): void {
    host.start(this.#effectsOf(host))
    if (through !== undefined) this.#exchange(host, through.record, true)
  }

  /** Host by host, joined through any that runs. */
  rejoin(host: Host): void {
    const others = this.hosts.filter((other) => other !== host && other.isUp && !other.hasLeft)
    if (others.length > 0) this.#exchange(host, this.random.pick(others).record, true)
  }

  /** Says goodbye, stays up for the news to spread, then ends. */
  leave(host: Host, afterMs = 3_000): void {
    host.hasLeft = true
    host.wentMs = this.nowMs
    host.step({ type: 'leave' })
    this.wheel.call(this.nowMs + afterMs, () => host.hasLeft && host.crash())
  }

  /** Nothing passes between hosts of different sides, nor what is under way. */
  split(sideOf: (host: Host) => number): void {
    this.isSplit = true
    for (const host of this.hosts) host.side = sideOf(host)
  }

  heal(): void {
    if (!this.isSplit) return
    this.isSplit = false
    this.healedMs = this.nowMs
    for (const host of this.hosts) host.side = 0
  }

  run(durationMs: number): void {
    this.wheel.run(durationMs)
  }

  /** Looks every `everyMs`; the time it took, or undefined if it did not happen within `withinMs`. */
  runUntil(condition: () => boolean, withinMs: number, everyMs: number): number | undefined {
    const startMs = this.nowMs
    while (!condition()) {
      if (this.nowMs - startMs >= withinMs) return undefined
      this.run(everyMs)
    }
    return this.nowMs - startMs
  }

  deliver(from: Host, to: Host, packet: Packet): void {
    if (!to.isUp || from.side !== to.side) return
    this.counts.delivered += packet.messages.length
    to.receive(packet)
  }

  #hostAt(endpoint: GossipEndpoint): Host | undefined {
    return this.hosts[endpoint.port - 1]
  }

  #delayMs(): number {
    const { delayMinMs, delayMaxMs } = this.conditions
    return delayMinMs + this.random.fraction() * (delayMaxMs - delayMinMs)
  }

  #effectsOf(host: Host): SwimEffects {
    return {
      send: (to, messages) => this.#send(host, to, messages),
      pingByStream: (to, ping, timeoutMs) => this.#pingByStream(host, to, ping, timeoutMs),
      exchange: (to, _node, isJoin) => this.#exchange(host, to, isJoin),
      notify: (event) => {
        for (const watch of this.watchers) watch(host, event)
      },
    }
  }

  #send(from: Host, endpoint: GossipEndpoint, messages: readonly GossipMessage[]): void {
    if (from.isClogged) {
      this.wheel.call(from.cloggedUntilMs, () => this.#send(from, endpoint, messages))
      return
    }
    const to = this.#hostAt(endpoint)
    this.counts.packets += 1
    this.counts.messages += messages.length
    if (to === undefined || from.side !== to.side) return
    if (this.deafTo.size > 0 && this.deafTo.has(from.index * 65_536 + to.index)) return
    const { loss, duplicate } = this.conditions
    const delivery = new Delivery(this, from, to, { type: 'packet', from: from.record, messages })
    if (!this.random.chance(loss)) this.wheel.at(this.nowMs + this.#delayMs(), delivery)
    if (duplicate > 0 && this.random.chance(duplicate))
      this.wheel.at(this.nowMs + this.#delayMs() * 3, delivery)
  }

  /** One way through a stream: lost segments only cost time. */
  #streamLegMs(): number {
    let ms = this.#delayMs()
    while (this.random.chance(this.conditions.loss)) ms += retransmitMs
    return ms
  }

  /** Runs `then` when `to` has accepted and read, or never. */
  #open(from: Host, endpoint: GossipEndpoint, then: (to: Host) => void): void {
    if (from.isClogged) {
      this.wheel.call(from.cloggedUntilMs, () => this.#open(from, endpoint, then))
      return
    }
    const to = this.#hostAt(endpoint)
    if (to === undefined || this.random.chance(this.conditions.streamLoss)) return
    const giveUpMs = this.nowMs + streamTimeoutMs
    const arrive = (): void => {
      if (!to.isUp || !from.isUp || from.side !== to.side || this.nowMs > giveUpMs) return
      // The kernel of a host that stands still accepts, and its process reads later.
      if (to.isStalled || to.isClogged) this.wheel.call(to.readsFromMs, arrive)
      else then(to)
    }
    this.wheel.call(this.nowMs + this.#streamLegMs() * 2 + this.#streamLegMs(), arrive)
  }

  #pingByStream(from: Host, endpoint: GossipEndpoint, ping: Ping, timeoutMs: number): void {
    this.counts.streamPings += 1
    const untilMs = this.nowMs + timeoutMs
    this.#open(from, endpoint, (to) => {
      if (to.name !== ping.node) return
      this.wheel.call(this.nowMs + this.#streamLegMs(), () => {
        if (this.nowMs >= untilMs || from.isStalled || from.isClogged || from.side !== to.side) return
        from.step({ type: 'stream-ack', sequence: ping.sequence })
      })
    })
  }

  #exchange(from: Host, endpoint: GossipEndpoint, isJoin: boolean): void {
    this.counts.exchanges += 1
    this.#open(from, endpoint, (to) => {
      const asked = { type: 'push-pull', isJoin, members: from.swim.states(), userState: noBytes } as const
      const transferMs = (asked.members.length * bytesPerMemberState) / streamBytesPerMs
      const before = this.answersFirst ? to.swim.states() : undefined
      to.step({ type: 'push-pull', state: asked })
      const members = before ?? to.swim.states()
      const answered = { type: 'push-pull', isJoin, members, userState: noBytes } as const
      const answer = (): void => {
        if (!from.isUp || from.side !== to.side) return
        if (from.isStalled || from.isClogged) this.wheel.call(from.readsFromMs, answer)
        else from.step({ type: 'push-pull', state: answered })
      }
      this.wheel.call(this.nowMs + this.#streamLegMs() + transferMs, answer)
    })
  }
}
