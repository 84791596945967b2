/**
 * Writes at any server: brings each to the server that leads, this one or another, and waits a bounded time for one where
 * there is none. A write is sent again only where it was surely not logged, and never by the server that it was sent to.
 * The stream to one leader is leader-line.ts, its other end desk.ts.
 */
import type { Principal } from '../../model/access.ts'
import type { Command } from '../../model/command.ts'
import { type ErrorCode, type Failure, failed, type Result } from '../../model/errors.ts'
import type { NodeId } from '../../model/ids.ts'
import { limits } from '../../model/limits.ts'
import type { Clock, Log, Metrics, Random, Timer } from '../../platform/ports.ts'
import type { Reply } from '../../rpc/contract.ts'
import type { ServerLinks } from '../../rpc/server-contract.ts'
import type { Admission, Written } from '../admission/admission.ts'
import type { Consensus } from '../consensus/contract.ts'
import { LeaderLine } from './leader-line.ts'

export interface ForwardingPorts {
  readonly consensus: Pick<Consensus, 'status'>
  readonly admission: Pick<Admission, 'write' | 'refusalOf'>
  readonly links: Pick<ServerLinks, 'forward'>
  readonly clock: Pick<Clock, 'after' | 'monotonicMs'>
  readonly random: Pick<Random, 'fraction'>
  readonly log: Log
  readonly metrics: Metrics
  /** Calls back when this server has applied the log index, or should be waited for no longer. */
  readonly whenApplied: (index: number, done: () => void) => void
  /** How long a write waits for a leader. */
  readonly holdTimeoutMs: number
  /** Why nobody leads, for the text of a refusal. */
  readonly explain?: () => string
}

interface Held {
  readonly principal: Principal
  readonly command: Command
  readonly reply: Reply<Written>
  readonly giveUpAtMs: number
  /** Why it was not made so far. */
  last: Failure | undefined
}

/** Surely not logged by whoever said so: another try can do no harm. */
const notMade: ReadonlySet<ErrorCode> = new Set(['no-leader', 'no-server'])

export class Forwarding {
  readonly #ports: ForwardingPorts
  readonly #held = new Set<Held>()
  readonly #lines = new Map<NodeId, LeaderLine>()
  #underWay = 0
  #look: Timer | undefined
  #stopped: boolean = false

  constructor(ports: ForwardingPorts) {
    this.#ports = ports
  }

  /** Writes that wait for a leader. */
  get held(): number {
    return this.#held.size
  }

  /** Writes that have no answer yet, those that wait for a leader among them. */
  get underWay(): number {
    return this.#underWay
  }

  /**
   * Has `command` written for `principal`. Replies once: as `Admission.write` does on the leader, with `no-leader` where
   * none took it in time (surely not made), or `write-outcome-unknown` where the leader was lost midway.
   */
  write(principal: Principal, command: Command, reply: Reply<Written>): void {
    const { consensus, admission } = this.#ports
    // Where this server leads, admission looks itself; elsewhere what can be refused here costs the leader nothing.
    const refusal = consensus.status().role === 'leader' ? undefined : admission.refusalOf(principal, command)
    if (refusal !== undefined) {
      reply({ ok: false, failure: refusal })
      return
    }
    const giveUpAtMs = this.#ports.clock.monotonicMs() + this.#ports.holdTimeoutMs
    this.#underWay += 1
    this.#send({ principal, command, reply, giveUpAtMs, last: undefined })
    this.#planLook()
  }

  /** Ends what waits here; what is under way to another server is lost from sight. */
  stop(): void {
    this.#stopped = true
    this.#look?.cancel()
    for (const held of [...this.#held]) this.#giveUp(held)
    for (const line of [...this.#lines.values()]) line.close()
  }

  #send(held: Held): void {
    const { consensus, admission } = this.#ports
    const { principal, command } = held
    const { id, role, leader } = consensus.status()
    const done = (result: Result<Written>): void => this.#done(held, result)
    if (this.#stopped) this.#giveUp(held)
    else if (role === 'leader') admission.write(principal, command, done)
    else if (leader === undefined || leader === id) this.#hold(held)
    else
      this.#lineTo(leader).write(principal, command, (result) => {
        // Whoever asked finds at once what was written, here too.
        if (result.ok) this.#ports.whenApplied(result.value.index, () => done(result))
        else done(result)
      })
  }

  #done(held: Held, result: Result<Written>): void {
    if (result.ok || !notMade.has(result.failure.code)) this.#answer(held, result)
    else {
      held.last = result.failure
      this.#hold(held)
    }
  }

  #answer(held: Held, result: Result<Written>): void {
    this.#underWay -= 1
    this.#ports.metrics.count('mesh_server_writes_total', { code: result.ok ? 'ok' : result.failure.code })
    held.reply(result)
  }

  #hold(held: Held): void {
    if (this.#stopped || this.#ports.clock.monotonicMs() >= held.giveUpAtMs) this.#giveUp(held)
    else if (this.#held.size >= limits.writesHeld)
      this.#answer(held, failed('overloaded', `${limits.writesHeld} writes wait for a leader already`))
    else {
      this.#held.add(held)
      this.#planLook()
    }
  }

  #giveUp(held: Held): void {
    this.#held.delete(held)
    const seconds = this.#ports.holdTimeoutMs / 1_000
    const why = this.#stopped ? 'this server is stopping' : `no server took it as leader within ${seconds} s`
    const last = held.last?.message ?? this.#ports.explain?.() ?? 'no leader is known here'
    this.#answer(held, failed('no-leader', `the write was not made: ${why} (${last})`))
  }

  /** One timer for all writes under way; it runs only while there are any. */
  #planLook(): void {
    if (this.#look !== undefined) return
    const { clock, random } = this.#ports
    const delayMs = limits.leaderLookMs * (0.5 + random.fraction())
    this.#look = clock.after(delayMs, () => {
      this.#look = undefined
      this.#retireLines()
      const nowMs = clock.monotonicMs()
      const { role, leader } = this.#ports.consensus.status()
      const hasLeader = role === 'leader' || leader !== undefined
      for (const held of [...this.#held])
        if (nowMs >= held.giveUpAtMs) this.#giveUp(held)
        else if (hasLeader) {
          this.#held.delete(held)
          this.#send(held)
        }
      if (this.#underWay > 0) this.#planLook()
    })
  }

  /** What is under way to a server that leads no more must not wait for long. */
  #retireLines(): void {
    const { role, leader, id } = this.#ports.consensus.status()
    const present = role === 'leader' ? id : leader
    if (present === undefined) return
    for (const [to, line] of this.#lines)
      if (to === present) line.keep()
      else line.retire()
  }

  #lineTo(leader: NodeId): LeaderLine {
    this.#retireLines()
    const open = this.#lines.get(leader)
    if (open !== undefined) return open
    const { links, clock, log } = this.#ports
    const line: LeaderLine = new LeaderLine(links.forward(leader), clock, (reason) => {
      if (this.#lines.get(leader) === line) this.#lines.delete(leader)
      log.debug('the way for writes to the leader ended', { leader, ...reason })
    })
    this.#lines.set(leader, line)
    return line
  }
}
