/**
 * All members that this one knows, itself included: by name, and in the ring that probing walks along. Keeps order and
 * counts; what is believed about a member is decided by the claim files.
 */
import { assert } from '../model/errors.ts'
import type { Alive, MemberStatus } from '../model/gossip-message.ts'
import type { Suspicion } from './suspicion.ts'

export class Member {
  /** The newest alive claim that was believed. */
  record: Alive
  /** Of the newest claim of any kind. */
  incarnation: number
  status: MemberStatus
  /** Whole milliseconds: small integers need no memory of their own, and pools have millions of these. */
  changedAtMs: number
  suspicion: Suspicion | undefined
  /** Place in the ring; -1 once it is only remembered. */
  ringAt = -1

  constructor(record: Alive, status: MemberStatus, nowMs: number) {
    this.record = record
    this.incarnation = record.incarnation
    this.status = status
    this.changedAtMs = Math.floor(nowMs)
  }

  get name(): string {
    return this.record.node
  }

  /** Failed or left. */
  get isGone(): boolean {
    return this.status === 'dead' || this.status === 'left'
  }
}

export class Roster {
  readonly #members = new Map<string, Member>()
  readonly #ring: Member[] = []
  #nextAt = 0
  readonly #random: () => number
  readonly #counts: Record<MemberStatus, number> = { alive: 0, suspect: 0, dead: 0, left: 0 }

  constructor(random: () => number) {
    this.#random = random
  }

  /** Remembered ones included. */
  get size(): number {
    return this.#members.size
  }

  /** Members that gossip and probing deal with; the `n` of all formulas. */
  get active(): number {
    return this.#ring.length
  }

  count(status: MemberStatus): number {
    return this.#counts[status]
  }

  get(name: string): Member | undefined {
    return this.#members.get(name)
  }

  all(): IterableIterator<Member> {
    return this.#members.values()
  }

  /** Those of the ring, in its order. */
  ring(): readonly Member[] {
    return this.#ring
  }

  add(member: Member): void {
    assert(!this.#members.has(member.name), 'a member is added once')
    this.#members.set(member.name, member)
    this.#counts[member.status] += 1
    this.activate(member)
  }

  /** At a random place, or members that join together would all be probed late. */
  activate(member: Member): void {
    if (member.ringAt >= 0) return
    const ring = this.#ring
    const at = Math.floor(this.#random() * (ring.length + 1))
    ring.push(member)
    member.ringAt = ring.length - 1
    this.#swap(at, member.ringAt)
  }

  setStatus(member: Member, status: MemberStatus, nowMs: number): void {
    this.#counts[member.status] -= 1
    this.#counts[status] += 1
    member.status = status
    member.changedAtMs = Math.floor(nowMs)
  }

  /** Out of gossip and probing, still known by name. */
  retire(member: Member): void {
    const at = member.ringAt
    if (at < 0) return
    const ring = this.#ring
    this.#swap(at, ring.length - 1)
    ring.pop()
    member.ringAt = -1
  }

  remove(member: Member): void {
    this.retire(member)
    this.#members.delete(member.name)
    this.#counts[member.status] -= 1
  }

  /**
   * The next in turn; shuffles after each round. Everybody is asked once per round, so a failure is noticed within two
   * rounds at most (SWIM, section 4.3). Undefined where nobody in the ring can be probed.
   */
  nextToProbe(self: Member): Member | undefined {
    const ring = this.#ring
    for (let looked = 0; looked <= ring.length; looked += 1) {
      if (this.#nextAt >= ring.length) {
        this.#shuffle()
        this.#nextAt = 0
      }
      const member = ring[this.#nextAt]
      this.#nextAt += 1
      if (member !== undefined && member !== self && !member.isGone) return member
    }
    return undefined
  }

  /** Up to `count` different random members of the ring that `accepts` takes; fewer where it is hard to find them. */
  pick(count: number, accepts: (member: Member) => boolean): Member[] {
    const ring = this.#ring
    const picked: Member[] = []
    // As in memberlist: exhaustive in small pools, and in large ones three tries each are plenty.
    for (let tries = Math.min(3 * ring.length, 64 * count); tries > 0 && picked.length < count; tries -= 1) {
      const member = ring[Math.floor(this.#random() * ring.length)]
      if (member !== undefined && accepts(member) && !picked.includes(member)) picked.push(member)
    }
    return picked
  }

  #shuffle(): void {
    for (let at = this.#ring.length - 1; at > 0; at -= 1)
      this.#swap(at, Math.floor(this.#random() * (at + 1)))
  }

  #swap(at: number, other: number): void {
    const ring = this.#ring
    const a = ring[at]
    const b = ring[other]
    assert(a !== undefined && b !== undefined, 'both places of the ring are taken')
    ring[at] = b
    b.ringAt = at
    ring[other] = a
    a.ringAt = other
  }
}
