/**
 * Keeps the catalog's nodes as membership has them: the check `serfHealth` passing or critical, hosts that left or were
 * forgotten deregistered. What is to become of a host decides member-verdict.ts, from gossip (gossip-view.ts) and from who has
 * a control stream. Only the leader writes, through the ordinary road of a command; no server is ever taken from Raft here.
 */
import { type Check, memberCheckId } from '../../model/check.ts'
import type { Command } from '../../model/command.ts'
import type { Failure } from '../../model/errors.ts'
import { limits } from '../../model/limits.ts'
import { serverServiceId } from '../../model/service.ts'
import type { Clock, Log, Random, Timer } from '../../platform/ports.ts'
import type { Reply } from '../../rpc/contract.ts'
import type { Consensus } from '../consensus/contract.ts'
import type { Store } from '../store/store.ts'
import type { GossipView } from './gossip-view.ts'
import { type Claimed, judgeMember, type MemberFacts, type MemberVerdict } from './member-verdict.ts'
import { Patience } from './patience.ts'

/** Who has a live agent; the session hub. */
export interface Presence {
  isPresent(node: string): boolean
  onPresence(listener: (node: string, present: boolean) => void): void
}

export interface MembershipPorts {
  readonly store: Store
  readonly presence: Presence
  readonly gossip: Pick<GossipView, 'state' | 'isWhole' | 'claim' | 'nodes' | 'listen'>
  readonly consensus: Pick<Consensus, 'onLeadership'>
  /** Proposes as this server. */
  readonly write: (command: Command, reply: Reply<unknown>) => void
  readonly clock: Pick<Clock, 'after'>
  readonly random: Pick<Random, 'fraction'>
  readonly log: Log
}

export class Membership {
  readonly #ports: MembershipPorts
  /** Nodes whose agent went away a moment ago. */
  readonly #leaving: Patience
  /** Alive hosts that the catalog does not know: their agents have that long to register them. */
  readonly #unregistered: Patience
  readonly #absent: Patience
  /** Hosts that the pool forgot and the catalog has not yet. */
  readonly #forgotten = new Set<string>()
  /** Hosts whose agents connected while gossip was frozen. */
  readonly #cameBack = new Set<string>()
  readonly #waiting = new Set<string>()
  readonly #writing = new Set<string>()
  #leading: boolean = false
  /** Since leadership began agents had the time to connect here. */
  #settled: boolean = false
  #settling: Timer | undefined
  #turnPlanned: boolean = false

  constructor(ports: MembershipPorts) {
    this.#ports = ports
    const { clock, presence, gossip, consensus, store } = ports
    const look = (node: string): void => this.#look(node)
    this.#leaving = new Patience(clock, limits.memberGraceMs, (node) => {
      this.#leaving.forget(node)
      this.#look(node)
    })
    this.#unregistered = new Patience(clock, limits.memberGraceMs, look)
    this.#absent = new Patience(clock, limits.memberAbsentMs, look)
    presence.onPresence((node, present) => this.#presenceChanged(node, present))
    gossip.listen({
      onClaim: look,
      onReaped: (node) => this.#reaped(node),
      onState: () => {
        this.#cameBack.clear()
        this.#lookAtAll()
      },
    })
    consensus.onLeadership((leading) => this.#leadershipChanged(leading))
    store.onCommit((view, changes) => {
      for (const node of changes.nodes) {
        if (view.node(node) === undefined) this.#forgotten.delete(node)
        this.#look(node)
      }
      for (const node of changes.hosts) this.#look(node)
      // Whether a host runs a server decides what its leave means.
      for (const { node, serviceId } of changes.instances) if (serviceId === serverServiceId) this.#look(node)
    })
    store.onReplaced(() => this.#lookAtAll())
  }

  #presenceChanged(node: string, present: boolean): void {
    this.#leaving.forget(node)
    if (!present) this.#leaving.hasLasted(node)
    else {
      // Newer than anything that gossip said before.
      this.#forgotten.delete(node)
      if (this.#ports.gossip.state === 'frozen') this.#cameBack.add(node)
    }
    this.#look(node)
  }

  #reaped(node: string): void {
    // One that the catalog does not know would never be taken out of here again.
    if (this.#ports.store.view().node(node) === undefined) return
    this.#forgotten.add(node)
    this.#look(node)
  }

  #leadershipChanged(leading: boolean): void {
    this.#leading = leading
    this.#waiting.clear()
    this.#settled = false
    this.#settling?.cancel()
    this.#absent.clear()
    this.#unregistered.clear()
    if (!leading) return
    this.#lookAtAll()
    this.#settling = this.#ports.clock.after(limits.memberGraceMs, () => {
      this.#settled = true
      this.#lookAtAll()
    })
  }

  #lookAtAll(): void {
    if (!this.#leading) return
    const { store, gossip } = this.#ports
    for (const { name } of store.view().nodes()) this.#look(name)
    for (const node of gossip.nodes()) this.#look(node)
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
      if (!this.#writing.has(node)) this.#act(node)
    }
  }

  #act(node: string): void {
    const verdict = judgeMember(this.#facts(node))
    const { gossip } = this.#ports
    const isAbsent = verdict === 'absent' && gossip.isWhole
    if (!isAbsent) this.#absent.forget(node)
    if (verdict !== 'unregistered') this.#unregistered.forget(node)
    const command = this.#commandOf(node, verdict, isAbsent)
    if (command !== undefined) this.#write(node, verdict, command)
  }

  #facts(node: string): MemberFacts {
    const { store, presence, gossip } = this.#ports
    const view = store.view()
    const isPresent = presence.isPresent(node)
    return {
      claimed: this.#claimed(node),
      isFrozen: gossip.state === 'frozen',
      cameBack: this.#cameBack.has(node),
      isPresent,
      isAbsenceProven: this.#settled && !this.#leaving.isRunning(node),
      isRegistered: view.node(node) !== undefined,
      isEnrolled: view.host(node) !== undefined,
      runsServer: view.service(node, serverServiceId) !== undefined,
      status: view.check(node, memberCheckId)?.status,
    }
  }

  /** What gossip says counts for enrolled hosts alone: its key lets nobody into the catalog, and nobody out of it. */
  #claimed(node: string): Claimed | undefined {
    const { store, gossip } = this.#ports
    const host = store.view().host(node)
    if (host === undefined || host.evicted) return undefined
    const claim = gossip.claim(node)
    if (claim === undefined) return this.#forgotten.has(node) ? 'forgotten' : undefined
    this.#forgotten.delete(node)
    return claim.nodeId === '' || claim.nodeId === host.nodeId ? claim.presence : undefined
  }

  #commandOf(node: string, verdict: MemberVerdict, isAbsent: boolean): Command | undefined {
    switch (verdict) {
      case 'as-it-is':
        return undefined
      case 'passing':
      case 'critical':
        return { type: 'catalog.register', node, services: [], checks: [memberCheck(node, verdict)] }
      case 'unregistered':
        return this.#unregistered.hasLasted(node) ? this.#registration(node) : undefined
      case 'absent':
        return isAbsent && this.#absent.hasLasted(node) ? { type: 'catalog.deregister', node } : undefined
      case 'deregister':
        return { type: 'catalog.deregister', node }
    }
  }

  /** With as little as gossip knows: the agent of the host makes it whole when it reaches a server. */
  #registration(node: string): Command | undefined {
    const { store, gossip } = this.#ports
    const view = store.view()
    const datacenter = view.settings()?.datacenter
    const address = gossip.claim(node)?.address
    const id = view.host(node)?.nodeId
    if (datacenter === undefined || address === undefined || id === undefined) return undefined
    const row = { id, name: node, address, datacenter, taggedAddresses: { lan: address }, meta: {} }
    return { type: 'catalog.register', node: row, services: [], checks: [memberCheck(node, 'passing')] }
  }

  #write(node: string, verdict: MemberVerdict, command: Command): void {
    this.#writing.add(node)
    this.#ports.write(command, (result) => {
      this.#writing.delete(node)
      if (result.ok) {
        this.#ports.log.info('member changed', { node, status: verdict })
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

function memberCheck(node: string, status: 'passing' | 'critical'): Check {
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
