/**
 * What must hold in every simulated pool, watched while it runs and once more when it is quiet: nobody healthy is
 * declared dead, nobody judges too early, incarnations rise, goodbyes are seen as such, and in the end all views agree.
 */
import type { GossipMessage } from '../../../src/model/gossip-message.ts'
import type { SwimEvent } from '../../../src/swim/effects.ts'
import type { Member } from '../../../src/swim/roster.ts'
import type { Host } from './host.ts'
import type { Pool } from './pool.ts'

/** After an impairment ends its consequences may still show for so long: the longest suspicion, and some. */
const settleMs = 80_000
const violationsKept = 20
/** In smaller pools a message is told to so few that one member may well miss it until the next exchange. */
const livelyFrom = 12
const newsMs = 4_000
/** Without confirmations a suspicion lasts at least 24 s. */
const deathMs = 22_000

interface Accusation {
  startedMs: number
  /** Members that could confirm when it began. */
  members: number
  readonly accusers: Set<string>
  /** Somebody else's verdict came in. */
  isTold: boolean
}

export class Checker {
  readonly violations: string[] = []
  falseDeaths = 0
  /** False where loss is so high that even the best rules now and then bury the living. */
  isStrict = true
  readonly #pool: Pool
  readonly #incarnations = new Map<string, { readonly port: number; readonly incarnation: number }>()
  readonly #accusations = new Map<string, Accusation>()
  readonly #ownIncarnations = new Map<Host, number>()
  /** The incarnation that each host heard itself accused of in its last packet. */
  readonly #accusedOf = new Map<Host, number>()

  constructor(pool: Pool) {
    this.#pool = pool
    pool.watchers.push((host, event) => this.#watch(host, event))
    pool.packetWatchers.push((host, messages) => this.#overhear(host, messages))
  }

  violate(what: string): void {
    if (this.violations.length < violationsKept)
      this.violations.push(`${(this.#pool.nowMs / 1000).toFixed(2)} s: ${what}`)
  }

  /** The host that a belief is about, by the address that is believed. */
  #hostOf(member: Readonly<Member>): Host | undefined {
    return this.#pool.hosts[member.record.port - 1]
  }

  #watch(host: Host, event: SwimEvent): void {
    switch (event.type) {
      case 'joined':
      case 'updated':
        this.#rises(host, event.member)
        this.#accusations.delete(pairOf(host, event.member.name))
        return
      case 'suspected':
        this.#rises(host, event.member)
        this.#start(this.#accusationOf(host, event.member.name), host)
        return
      case 'failed':
        this.#rises(host, event.member)
        this.#checkDeath(host, event.member)
        this.#checkPatience(host, event.member)
        this.#accusations.delete(pairOf(host, event.member.name))
        return
      case 'left':
        this.#checkLeft(host, event.member)
        return
      case 'refuted': {
        const { incarnation } = host.swim.self
        if (host.hasLeft) this.violate(`${host.name} said goodbye and then refuted it`)
        if (incarnation <= (this.#ownIncarnations.get(host) ?? 0))
          this.violate(`${host.name} refuted with incarnation ${incarnation}, which is not new`)
        this.#ownIncarnations.set(host, incarnation)
        return
      }
      default:
        return
    }
  }

  /** A host that was started again begins anew. */
  forget(host: Host): void {
    this.#ownIncarnations.delete(host)
    this.#accusedOf.delete(host)
    const prefix = pairOf(host, '')
    for (const known of [this.#incarnations, this.#accusations])
      for (const key of known.keys()) if (key.startsWith(prefix)) known.delete(key)
  }

  #rises(host: Host, member: Readonly<Member>): void {
    const key = pairOf(host, member.name)
    const { port } = member.record
    const before = this.#incarnations.get(key)
    // Another host that took the name counts from the beginning.
    if (before?.port === port && member.incarnation < before.incarnation)
      this.violate(
        `${host.name} went from incarnation ${before.incarnation} of ${member.name} to ${member.incarnation}`,
      )
    this.#incarnations.set(key, { port, incarnation: member.incarnation })
  }

  #checkDeath(host: Host, member: Readonly<Member>): void {
    const accused = this.#hostOf(member)
    if (accused === undefined || !accused.isUp || accused.hasLeft || accused.isStalled) return
    const { nowMs } = this.#pool
    const impairedMs = Math.max(accused.impairedMs, host.impairedMs, accused.startedMs, this.#pool.healedMs)
    if (accused.side !== host.side || nowMs - impairedMs < settleMs || this.#pool.isSplit) return
    this.falseDeaths += 1
    if (this.isStrict) this.violate(`${host.name} buried ${member.name}, which is healthy`)
  }

  #checkLeft(host: Host, member: Readonly<Member>): void {
    const subject = this.#hostOf(member)
    if (subject === undefined || !subject.isUp || subject.hasLeft) return
    // One that came back may still be told to have left.
    if (this.#pool.nowMs - subject.startedMs > settleMs)
      this.violate(`${host.name} sees ${member.name} as left, and it stayed`)
  }

  #overhear(to: Host, messages: readonly GossipMessage[]): void {
    this.#checkAnswered(to)
    for (const message of messages) {
      if (message.type !== 'suspect' && message.type !== 'dead') continue
      if (message.node === to.name && !to.hasLeft && message.incarnation >= to.swim.self.incarnation)
        this.#accusedOf.set(to, message.incarnation)
      if (message.type === 'suspect') this.#accusationOf(to, message.node).accusers.add(message.from)
      else if (message.type === 'dead') this.#accusationOf(to, message.node).isTold = true
    }
  }

  /** Whoever hears that it is accused must have answered before it hears anything else. */
  #checkAnswered(host: Host): void {
    const accused = this.#accusedOf.get(host)
    if (accused === undefined) return
    this.#accusedOf.delete(host)
    if (!host.hasLeft && host.swim.self.incarnation <= accused)
      this.violate(`${host.name} heard that it is accused and did not answer`)
  }

  #start(accusation: Accusation, host: Host): void {
    accusation.startedMs = this.#pool.nowMs
    accusation.members = host.swim.count('alive') + host.swim.count('suspect')
  }

  #accusationOf(host: Host, name: string): Accusation {
    const key = pairOf(host, name)
    const known = this.#accusations.get(key)
    if (known !== undefined) return known
    const made: Accusation = { startedMs: 0, members: 0, accusers: new Set(), isTold: false }
    this.#accusations.set(key, made)
    return made
  }

  /** The dumb twin of suspicion: with so many accusers, at least so long must have passed on the judge's clock. */
  #checkPatience(host: Host, member: Readonly<Member>): void {
    const accusation = this.#accusations.get(pairOf(host, member.name))
    const { probeIntervalMs, suspicionMultiplier, suspicionMaxMultiplier } = this.#pool.parameters
    if (accusation === undefined || accusation.isTold) return
    const minMs = suspicionMultiplier * probeIntervalMs
    const wanted = accusation.members - 2 < suspicionMultiplier - 2 ? 0 : suspicionMultiplier - 2
    // The judge may be among the accusers without any packet that says so.
    const confirmed = Math.min(wanted, accusation.accusers.size)
    const maxMs = minMs * suspicionMaxMultiplier
    const share = wanted === 0 ? 1 : Math.log(confirmed + 1) / Math.log(wanted + 1)
    const patienceMs = Math.floor(maxMs - share * (maxMs - minMs))
    const passedMs = (this.#pool.nowMs - accusation.startedMs) * host.clockRate
    if (passedMs < patienceMs - 2)
      this.violate(
        `${host.name} gave ${member.name} ${passedMs.toFixed(0)} ms with ${confirmed} confirmations instead of ${patienceMs}`,
      )
  }

  /** To be called when nothing has happened for long: views, goodbyes, queues and traffic. */
  checkQuiet(): void {
    const { hosts } = this.#pool
    const living = hosts.filter((host) => host.isUp && !host.hasLeft)
    for (const other of hosts) if (!living.includes(other)) this.#checkGoodbye(other, living)
    for (const host of living) {
      for (const other of living) this.#checkSeen(host, other)
      for (const other of hosts) if (!living.includes(other)) this.#checkGone(host, other, living)
      if (host.swim.queued !== 0 && living.length > 1)
        this.violate(`${host.name} still has ${host.swim.queued} messages to tell`)
      if (host.swim.healthScore > 1 && living.length > 1)
        this.violate(`${host.name} feels unwell (${host.swim.healthScore}) although all is quiet`)
    }
    const before = this.#pool.counts.packets
    this.#pool.run(10_000)
    const each = (this.#pool.counts.packets - before) / living.length / 10
    // A ping and an ack a second, at clocks that run up to a tenth too fast; a lost one costs nine more.
    if (each > 3) this.violate(`${each.toFixed(1)} packets per second and host although all is quiet`)
    if (living.length >= livelyFrom) this.#checkLively(living)
  }

  /** A quiet pool of some size tells news at once, and notices a death long before its longest suspicion is over. */
  #checkLively(living: readonly Host[]): void {
    const pool = this.#pool
    const [teller, victim] = living
    if (teller === undefined || victim === undefined) return
    teller.step({ type: 'update', meta: pool.random.bytes(20) })
    const { incarnation } = teller.swim.self
    const knows = (host: Host): boolean => host.swim.member(teller.name)?.incarnation === incarnation
    pool.run(newsMs)
    const known = living.filter(knows).length
    if (known < 0.8 * living.length) this.violate(`news reached ${known} of ${living.length} in ${newsMs} ms`)
    victim.crash()
    const isGone = (host: Host): boolean =>
      host === victim || host.swim.member(victim.name)?.status === 'dead'
    if (pool.runUntil(() => living.every(isGone), deathMs, 100) === undefined)
      this.violate(`the death of ${victim.name} was not seen by all within ${deathMs} ms`)
  }

  #checkSeen(host: Host, other: Host): void {
    const seen = host.swim.member(other.name)
    if (seen === undefined) this.violate(`${host.name} does not know ${other.name}`)
    else if (seen.status !== 'alive') this.violate(`${host.name} sees ${other.name} as ${seen.status}`)
    else if (seen.record.port !== other.record.port)
      this.violate(`${host.name} sees ${other.name} at port ${seen.record.port}`)
    else if (seen.incarnation !== other.swim.self.incarnation)
      this.violate(
        `${host.name} knows incarnation ${seen.incarnation} of ${other.name}, not ${other.swim.self.incarnation}`,
      )
  }

  #checkGone(host: Host, other: Host, living: readonly Host[]): void {
    const seen = host.swim.member(other.name)
    if (seen === undefined || living.some((one) => one.name === other.name)) return
    if (seen.status === 'alive' || seen.status === 'suspect')
      this.violate(`${host.name} sees ${other.name} as ${seen.status}, which is gone`)
  }

  /**
   * Gossip may miss one member, who then finds out by probing and calls it a failure; Serf's intents repair that above.
   * Most must have heard the goodbye itself, where some are left that were there when it was said.
   */
  #checkGoodbye(other: Host, living: readonly Host[]): void {
    if (!other.leftCleanly || living.some((one) => one.name === other.name)) return
    if (living.filter((host) => host.startedMs < other.wentMs).length < witnesses) return
    const deaf = living.filter((host) => host.swim.member(other.name)?.status === 'dead')
    if (deaf.length > 1 && deaf.length > living.length / 3)
      this.violate(`${deaf.length} of ${living.length} see ${other.name} as dead, which said goodbye`)
  }
}

/** Of fewer, all may miss it by chance: most whom the leaving one and the others told it to were down already. */
const witnesses = 3

const pairOf = (host: Host, name: string): string => `${host.index} ${name}`
