// Three real drivers, each with admission and the way for writes to the leader, over streams in memory.
import { anonymous, type Principal } from '../../../src/model/access.ts'
import type { Command } from '../../../src/model/command.ts'
import type { Result } from '../../../src/model/errors.ts'
import { type NodeId, nodeId } from '../../../src/model/ids.ts'
import type { ForwardAnswer, ForwardFrame, ServerLinks } from '../../../src/rpc/server-contract.ts'
import { Admission, type Written } from '../../../src/server/admission/admission.ts'
import { ForwardDesk } from '../../../src/server/forward/desk.ts'
import { Forwarding } from '../../../src/server/forward/forwarding.ts'
import type { StateView } from '../../../src/server/store/state.ts'
import { noMetrics, Servers, silentLog } from '../../simulation/servers.ts'
import { type StreamPair, streamPair } from '../../simulation/streams.ts'

export const operator: Principal = { kind: 'operator', name: 'alice' }
export const word = (text: string): Command => ({ type: 'catalog.deregister', node: text })
export const names = ['a', 'b', 'c'] as const
export const holdTimeoutMs = 7_000

export type HostRow = NonNullable<ReturnType<StateView['host']>>

interface Rooms {
  readonly forwarding: Forwarding
  readonly desk: ForwardDesk
  readonly pairs: Set<StreamPair<ForwardFrame, ForwardAnswer>>
}

export class ForwardingServers {
  readonly servers = new Servers({ seed: 7 })
  readonly rooms = new Map<string, Rooms>()
  /** Hosts as the state of each server knows them. */
  readonly hosts = new Map<string, HostRow>()
  /** Streams opened, as "a>b". */
  readonly opened: string[] = []
  /** Between servers nothing passes in either direction, and nobody is told. */
  isStalled = false

  constructor() {
    this.servers.bootstrap(names)
    for (const name of names) this.open(name)
    this.servers.awaitLeader()
  }

  get clock(): Servers['clock'] {
    return this.servers.clock
  }

  leader(): string {
    return this.servers.awaitLeader().id
  }

  follower(): string {
    const leader = this.leader()
    return names.find((name) => name !== leader) ?? 'none'
  }

  open(name: string): void {
    const consensus = this.servers.driver(name)
    const ports = {
      clock: this.clock,
      log: silentLog,
      metrics: noMetrics,
      random: this.servers.random.fork(),
    }
    const admission = new Admission({ ...ports, consensus })
    const links: Pick<ServerLinks, 'forward'> = { forward: (to) => this.#connect(name, to) }
    this.rooms.set(name, {
      forwarding: new Forwarding({
        ...ports,
        consensus,
        admission,
        links,
        whenApplied: (index, done) => this.#whenApplied(name, index, done),
        holdTimeoutMs,
      }),
      desk: new ForwardDesk({
        consensus,
        admission,
        view: () => ({ host: (node) => this.hosts.get(node) }),
        log: silentLog,
      }),
      pairs: new Set(),
    })
  }

  kill(name: string): void {
    this.servers.kill(name)
    const rooms = this.rooms.get(name)
    this.rooms.delete(name)
    for (const pair of rooms?.pairs ?? []) this.clock.after(5, () => pair.cut())
  }

  write(at: string, command: Command, principal: Principal = operator): Answer {
    const answer = new Answer()
    this.rooms.get(at)?.forwarding.write(principal, command, (result) => answer.take(result))
    return answer
  }

  /** Words that the state of a server holds, without their index. */
  words(name: string): readonly string[] {
    return this.servers.machine(name).ledger.words.map((line) => line.replace(/^\d+ /, ''))
  }

  until(condition: () => boolean, withinMs = 30_000): boolean {
    return this.clock.runUntil(condition, withinMs)
  }

  #whenApplied(name: string, index: number, done: () => void): void {
    if (this.servers.machine(name).ledger.index >= index) done()
    else this.clock.after(1, () => this.#whenApplied(name, index, done))
  }

  #connect(from: string, to: NodeId): StreamPair<ForwardFrame, ForwardAnswer>['left'] {
    this.opened.push(`${from}>${to}`)
    const pair = streamPair<ForwardFrame, ForwardAnswer>({ clock: this.clock, delayMs: 1 })
    pair.stall(this.isStalled)
    this.clock.after(1, () => {
      const there = this.rooms.get(to)
      if (there === undefined) pair.cut()
      else {
        there.pairs.add(pair)
        this.rooms.get(from)?.pairs.add(pair)
        there.desk.open(nodeId(from), pair.right)
      }
    })
    return pair.left
  }
}

export class Answer {
  result: Result<Written> | undefined
  times = 0

  take(result: Result<Written>): void {
    this.times += 1
    this.result = result
  }

  get code(): string {
    if (this.result === undefined) return 'none'
    return this.result.ok ? 'ok' : this.result.failure.code
  }
}

export const nobody = anonymous
