/**
 * Spreads agents over the servers. They are told where these are, and sent on when others would serve them better: all of them, step by step, while this server hears no
 * leader, because what it pushes may be old then; and a few at a time while it has clearly more than its share, for example
 * after the others were restarted. An agent that comes back, because it found nothing better, may stay for a while.
 */
import { failed } from '../../model/errors.ts'
import type { NodeId } from '../../model/ids.ts'
import { limits } from '../../model/limits.ts'
import type { Clock, Log, Timer } from '../../platform/ports.ts'
import type { Consensus } from '../consensus/contract.ts'
import type { SessionHub } from './hub.ts'

export interface SpreadingPorts {
  readonly hub: Pick<SessionHub, 'agents' | 'sendAway' | 'useServers' | 'whereabouts'>
  readonly consensus: Pick<Consensus, 'status'>
  /** The other servers of the cluster, and those of them that tell of their agents now. */
  readonly others: () => readonly NodeId[]
  readonly isHeard: (server: NodeId) => boolean
  /** RPC addresses of all servers. */
  readonly addresses: () => readonly string[]
  readonly clock: Pick<Clock, 'after' | 'monotonicMs'>
  readonly log: Log
}

export class Spreading {
  readonly #ports: SpreadingPorts
  /** When a leader was last known, and when shares were last compared. */
  #leaderAtMs: number
  #comparedAtMs: number
  #isTold: boolean = false
  #timer: Timer

  constructor(ports: SpreadingPorts) {
    this.#ports = ports
    this.#leaderAtMs = this.#comparedAtMs = ports.clock.monotonicMs()
    ports.hub.useServers(ports.addresses())
    this.#timer = ports.clock.after(limits.spreadEveryMs, () => this.#turn())
  }

  stop(): void {
    this.#timer.cancel()
  }

  #turn(): void {
    const { hub, consensus, clock, others, addresses } = this.#ports
    this.#timer = clock.after(limits.spreadEveryMs, () => this.#turn())
    hub.useServers(addresses())
    const nowMs = clock.monotonicMs()
    if (consensus.status().leader !== undefined) {
      this.#leaderAtMs = nowMs
      this.#isTold = false
      if (nowMs - this.#comparedAtMs >= limits.balanceEveryMs) this.#balance(nowMs)
    } else if (nowMs - this.#leaderAtMs >= limits.leaderlessMs && others().length > 0) this.#leave(nowMs)
  }

  #leave(nowMs: number): void {
    const { hub, log } = this.#ports
    const settledMs = Math.max(this.#leaderAtMs + limits.spreadEveryMs, nowMs - limits.leaderlessStayMs)
    const most = Math.max(limits.agentsSentAwayAtLeast, Math.ceil(hub.agents / 5))
    const { failure } = failed('no-leader', 'this server hears no leader; another one may')
    const sent = hub.sendAway(most, settledMs, failure)
    if (sent === 0 || this.#isTold) return
    this.#isTold = true
    log.warn('this server hears no leader, so it sends its agents to others', { agents: sent + hub.agents })
  }

  #balance(nowMs: number): void {
    const { hub, others, isHeard, log } = this.#ports
    this.#comparedAtMs = nowMs
    const heard = others().filter(isHeard)
    if (heard.length === 0) return
    const elsewhere = heard.reduce((sum, server) => sum + hub.whereabouts.nodesAt(server).size, 0)
    const share = (hub.agents + elsewhere) / (heard.length + 1)
    const surplus = Math.floor(hub.agents - share)
    if (hub.agents <= share * limits.shareTolerated + limits.agentsSentAwayAtLeast) return
    const most = Math.min(surplus, Math.ceil(hub.agents / 50))
    const { failure } = failed('overloaded', 'another server has fewer agents')
    const sent = hub.sendAway(most, nowMs - limits.balanceEveryMs, failure)
    if (sent > 0) log.debug('agents were sent to servers with fewer', { sent, left: hub.agents })
  }
}
