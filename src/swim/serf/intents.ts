/**
 * What members said about coming and going, ordered by Lamport time: whether a member that falls silent has failed or
 * left. Knows nothing of gossip; what is told on is decided by the verdicts.
 */
import type { MemberStatus } from '../../model/gossip-message.ts'
import { limits } from '../../model/limits.ts'
import type { JoinIntent, LamportTime, LeaveIntent, SerfState } from '../../model/serf-message.ts'
import { LamportClock } from './lamport-clock.ts'

/** Serf's states of a member. */
export type Presence = 'alive' | 'leaving' | 'left' | 'failed'

export type IntentVerdict =
  /** Nothing new. */
  | 'old'
  /** New: to be told on. */
  | 'new'
  /** New, and the member that had failed counts as left. */
  | 'left'
  /** Somebody says that we leave, and we do not: to be answered with a newer join intent. */
  | 'about-us'

interface Intent {
  readonly time: LamportTime
  readonly isLeaving: boolean
  readonly heardMs: number
}

/** What is said of members that nobody introduces is forgotten after so long (Serf's recent intents). */
const strangersKeptMs = 300_000

export class Intents {
  readonly clock = new LamportClock()
  readonly #self: string
  readonly #intents = new Map<string, Intent>()
  #isLeaving = false

  constructor(self: string) {
    this.#self = self
  }

  /** Our own, to be told to everybody after a join. */
  join(nowMs: number): JoinIntent {
    const time = this.clock.next()
    this.#note(this.#self, { time, isLeaving: false, heardMs: nowMs })
    return { type: 'join-intent', time, node: this.#self }
  }

  /** Our own, to be told before we go; or about a failed member that an operator gave up. */
  leave(node: string, prune: boolean, nowMs: number): LeaveIntent {
    const time = this.clock.next()
    if (node === this.#self) this.#isLeaving = true
    this.#note(node, { time, isLeaving: true, heardMs: nowMs })
    return { type: 'leave-intent', time, node, prune }
  }

  /** `status`: what gossip says of the member; undefined if it is not known. */
  hear(intent: JoinIntent | LeaveIntent, status: MemberStatus | undefined, nowMs: number): IntentVerdict {
    const { time, node, type } = intent
    this.clock.witness(time)
    const known = this.#intents.get(node)
    if (known !== undefined && time <= known.time) return 'old'
    const isLeaving = type === 'leave-intent'
    if (isLeaving && node === this.#self && !this.#isLeaving) return 'about-us'
    this.#note(node, { time, isLeaving, heardMs: nowMs })
    return isLeaving && status === 'dead' ? 'left' : 'new'
  }

  /** How the layer above sees a member of which gossip says `status`. */
  presence(node: string, status: MemberStatus): Presence {
    if (status === 'left') return 'left'
    const isLeaving = this.#intents.get(node)?.isLeaving === true
    if (status === 'dead') return isLeaving ? 'left' : 'failed'
    return isLeaving ? 'leaving' : 'alive'
  }

  /** A member that came back means to stay. */
  returned(node: string): void {
    const known = this.#intents.get(node)
    if (known?.isLeaving) this.#intents.set(node, { ...known, isLeaving: false })
  }

  forget(node: string): void {
    this.#intents.delete(node)
  }

  /** Our part of an exchange of state. */
  statusTimes(members: Iterable<string>): Map<string, LamportTime> {
    const times = new Map<string, LamportTime>()
    for (const member of members) times.set(member, this.#intents.get(member)?.time ?? 0)
    return times
  }

  /**
   * Intents that another member's state implies, leaves first so that joins of the same time do not hide them. A leave
   * is later than the time that stands there, which is that of the join before it (Serf).
   */
  implied(state: SerfState): readonly (JoinIntent | LeaveIntent)[] {
    if (state.time > 0) this.clock.witness(state.time - 1)
    const left = new Set(state.left)
    const leaves = state.left.map((node) => {
      const time = (state.statusTimes.get(node) ?? 0) + 1
      return { type: 'leave-intent', time, node, prune: false } as const
    })
    const joins = [...state.statusTimes]
      .filter(([node]) => !left.has(node))
      .map(([node, time]) => ({ type: 'join-intent', time, node }) as const)
    return [...leaves, ...joins]
  }

  /** Call now and then: drops what was said of members that never appeared. */
  forgetStrangers(isKnown: (node: string) => boolean, nowMs: number): void {
    for (const [node, { heardMs }] of this.#intents)
      if (nowMs - heardMs > strangersKeptMs && !isKnown(node)) this.#intents.delete(node)
  }

  #note(node: string, intent: Intent): void {
    const mayGrow = this.#intents.size < limits.gossipMembers + limits.serfIntentsKept
    if (mayGrow || this.#intents.has(node)) this.#intents.set(node, intent)
  }
}
