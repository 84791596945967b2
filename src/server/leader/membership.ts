/**
 * Writes the membership check of each host: passing while its agent has a control stream, critical once that was away
 * for longer than an agent restart takes. Only the leader writes, through the ordinary road of a command. A node that
 * never had an agent gets no check.
 */
import { type Check, memberCheckId } from '../../model/check.ts'
import type { Command } from '../../model/command.ts'
import type { Failure } from '../../model/errors.ts'
import { limits } from '../../model/limits.ts'
import type { Clock, Log, Random, Timer } from '../../platform/ports.ts'
import type { Reply } from '../../rpc/contract.ts'
import type { Consensus } from '../consensus/contract.ts'
import type { Store } from '../store/store.ts'

/** Who has a live agent; the session hub. */
export interface Presence {
  isPresent(node: string): boolean
  presentNodes(): Iterable<string>
  onPresence(listener: (node: string, present: boolean) => void): void
}

export interface MembershipPorts {
  readonly store: Store
  readonly presence: Presence
  readonly consensus: Pick<Consensus, 'onLeadership'>
  /** Proposes as this server. */
  readonly write: (command: Command, reply: Reply<unknown>) => void
  readonly clock: Pick<Clock, 'after'>
  readonly random: Pick<Random, 'fraction'>
  readonly log: Log
}

type MemberState = 'passing' | 'critical'

export class Membership {
  readonly #ports: MembershipPorts
  /** Nodes whose agent went away a moment ago. */
  readonly #grace = new Map<string, Timer>()
  readonly #waiting = new Set<string>()
  readonly #writing = new Set<string>()
  #leading: boolean = false
  /** Since leadership began agents had the time to connect here. */
  #settled: boolean = false
  #settling: Timer | undefined
  #turnPlanned: boolean = false

  constructor(ports: MembershipPorts) {
    this.#ports = ports
    ports.presence.onPresence((node, present) => this.#presenceChanged(node, present))
    ports.consensus.onLeadership((leading) => this.#leadershipChanged(leading))
    ports.store.onCommit((_view, changes) => {
      for (const node of changes.nodes) this.#look(node)
    })
    ports.store.onReplaced(() => this.#lookAtAll())
  }

  #presenceChanged(node: string, present: boolean): void {
    this.#grace.get(node)?.cancel()
    this.#grace.delete(node)
    if (present) this.#look(node)
    else
      this.#grace.set(
        node,
        this.#ports.clock.after(limits.memberGraceMs, () => {
          this.#grace.delete(node)
          this.#look(node)
        }),
      )
  }

  #leadershipChanged(leading: boolean): void {
    this.#leading = leading
    this.#settled = false
    this.#settling?.cancel()
    this.#waiting.clear()
    if (!leading) return
    for (const node of this.#ports.presence.presentNodes()) this.#look(node)
    this.#settling = this.#ports.clock.after(limits.memberGraceMs, () => {
      this.#settled = true
      this.#lookAtAll()
    })
  }

  #lookAtAll(): void {
    if (this.#leading) for (const { name } of this.#ports.store.view().nodes()) this.#look(name)
  }

  #look(node: string): void {
    if (!this.#leading) return
    this.#waiting.add(node)
    this.#planTurn(0)
  }

  #planTurn(delayMs: number): void {
    if (this.#turnPlanned) return
    this.#turnPlanned = true
    this.#ports.clock.after(delayMs, () => this.#turn())
  }

  /** A bounded number of nodes per turn and of writes at once; finished writes plan the next turn. */
  #turn(): void {
    this.#turnPlanned = false
    let looked = 0
    for (const node of this.#waiting) {
      if (this.#writing.size >= limits.memberWritesInFlight) return
      if (looked >= limits.membersPerTurn) {
        this.#planTurn(0)
        return
      }
      looked++
      this.#waiting.delete(node)
      if (this.#writing.has(node)) continue
      const state = this.#wanted(node)
      if (state !== undefined) this.#write(node, state)
    }
  }

  /** The state to write, or undefined where what is written is right or nothing is known yet. */
  #wanted(node: string): MemberState | undefined {
    const view = this.#ports.store.view()
    if (view.node(node) === undefined) return undefined
    const status = view.check(node, memberCheckId)?.status
    if (this.#ports.presence.isPresent(node)) return status === 'passing' ? undefined : 'passing'
    const isMember = status !== undefined || view.host(node) !== undefined
    if (!isMember || !this.#settled || this.#grace.has(node)) return undefined
    return status === 'critical' ? undefined : 'critical'
  }

  #write(node: string, state: MemberState): void {
    this.#writing.add(node)
    const checks = [memberCheck(node, state)]
    this.#ports.write({ type: 'catalog.register', node, services: [], checks }, (result) => {
      this.#writing.delete(node)
      if (result.ok) {
        this.#ports.log.info('member changed', { node, status: state })
        // It may have changed again meanwhile.
        this.#look(node)
      } else this.#failed(node, result.failure)
    })
  }

  #failed(node: string, failure: Failure): void {
    if (!this.#leading) return
    this.#ports.log.warn('membership write failed, will be repeated', { node, code: failure.code })
    const delayMs = limits.memberRetryMs * (1 + this.#ports.random.fraction())
    this.#ports.clock.after(delayMs, () => this.#look(node))
  }
}

function memberCheck(node: string, status: MemberState): Check {
  return {
    node,
    checkId: memberCheckId,
    name: 'Serf Health Status',
    status,
    notes: '',
    output: status === 'passing' ? 'Agent alive and reachable' : 'Agent not live or unreachable',
    serviceId: '',
    serviceName: '',
    serviceTags: [],
    type: '',
    interval: '',
    timeout: '',
  }
}
