/**
 * The members of the gossip pool, as the agent of this server's host tells them. Fail-static: while that agent is away the
 * last view stays, and says so. What follows for the catalog is membership.ts's business; who may tell it anything,
 * operator/operations.ts decides.
 */
import { limits } from '../../model/limits.ts'
import type { Clock, Log, Metrics, Timer } from '../../platform/ports.ts'
import type { MemberClaim, MembershipFrame } from '../../rpc/membership-feed.ts'

export interface GossipViewPorts {
  readonly clock: Pick<Clock, 'after'>
  readonly log: Log
  readonly metrics: Metrics
}

export interface GossipViewListener {
  /** What is claimed of a node is another thing now, or nothing any more. */
  readonly onClaim: (node: string) => void
  /** The pool forgot the node; there is no claim about it. */
  readonly onReaped: (node: string) => void
  /** `state` changed. */
  readonly onState: () => void
}

/** `off`: nothing was told, or too long ago. `frozen`: the agent is away, and what it told last stays. */
export type GossipState = 'off' | 'live' | 'frozen'

export class GossipView {
  readonly #ports: GossipViewPorts
  readonly #claims = new Map<string, MemberClaim>()
  readonly #listeners: GossipViewListener[] = []
  /** Told in an earlier epoch and not yet in this one. */
  readonly #unconfirmed = new Set<string>()
  #state: GossipState = 'off'
  #epoch = ''
  #position = 0
  #isComplete: boolean = false
  #silence: Timer | undefined
  #forgetting: Timer | undefined

  constructor(ports: GossipViewPorts) {
    this.#ports = ports
  }

  get state(): GossipState {
    return this.#state
  }

  /** Whether it is live, and who is not in it is unknown to gossip. */
  get isWhole(): boolean {
    return this.#state === 'live' && this.#isComplete && this.#unconfirmed.size === 0
  }

  claim(node: string): MemberClaim | undefined {
    return this.#claims.get(node)
  }

  nodes(): Iterable<string> {
    return this.#claims.keys()
  }

  listen(listener: GossipViewListener): void {
    this.#listeners.push(listener)
  }

  /** False where a frame before this one is missing: then the agent has to begin anew. */
  hear(frame: MembershipFrame): boolean {
    if (frame.position === 0) this.#begin(frame.epoch)
    else if (frame.epoch !== this.#epoch || frame.position !== this.#position) return false
    this.#position = frame.position + 1
    for (const claim of frame.members) this.#take(claim)
    for (const node of frame.reaped) this.#reap(node)
    if (frame.isComplete) this.#complete()
    this.#heard()
    return true
  }

  stop(): void {
    this.#silence?.cancel()
    this.#forgetting?.cancel()
  }

  #begin(epoch: string): void {
    this.#epoch = epoch
    this.#isComplete = false
    this.#forgetting?.cancel()
    for (const node of this.#claims.keys()) this.#unconfirmed.add(node)
  }

  #take(claim: MemberClaim): void {
    const { node, nodeId, address, presence } = claim
    const before = this.#claims.get(node)
    this.#unconfirmed.delete(node)
    const isSame = before?.presence === presence && before.nodeId === nodeId && before.address === address
    if (isSame) return
    if (before === undefined && this.#claims.size >= limits.gossipMembers) {
      this.#ports.metrics.count('mesh_server_gossip_members_refused_total')
      return
    }
    this.#claims.set(node, claim)
    for (const listener of this.#listeners) listener.onClaim(node)
  }

  #reap(node: string): void {
    this.#unconfirmed.delete(node)
    this.#claims.delete(node)
    for (const listener of this.#listeners) listener.onReaped(node)
  }

  /** An agent that started a moment ago has not met everybody again: what it does not tell is forgotten after a while. */
  #complete(): void {
    if (this.#isComplete) return
    this.#isComplete = true
    if (this.#unconfirmed.size === 0) return
    this.#forgetting = this.#ports.clock.after(limits.memberGraceMs, () => {
      const forgotten = [...this.#unconfirmed]
      this.#unconfirmed.clear()
      for (const node of forgotten) this.#claims.delete(node)
      for (const listener of this.#listeners) for (const node of forgotten) listener.onClaim(node)
    })
  }

  #heard(): void {
    const { clock } = this.#ports
    this.#silence?.cancel()
    this.#silence = clock.after(limits.memberFeedSilenceMs, () => this.#freeze())
    this.#become('live')
  }

  #freeze(): void {
    this.#ports.log.warn(
      'the agent of this host tells nothing of the gossip pool any more; its last view stays',
      { members: this.#claims.size },
    )
    this.#silence = this.#ports.clock.after(limits.memberFrozenMs, () => this.#giveUp())
    this.#become('frozen')
  }

  /** Who fails from now on would never be noticed: from here on control streams decide, as without gossip. */
  #giveUp(): void {
    this.#ports.log.warn('the last view of the gossip pool is too old; control streams decide who is alive')
    this.#epoch = ''
    this.#forgetting?.cancel()
    this.#claims.clear()
    this.#unconfirmed.clear()
    this.#become('off')
  }

  #become(state: GossipState): void {
    if (state === this.#state) return
    this.#state = state
    this.#ports.metrics.gauge('mesh_server_gossip_frozen', state === 'frozen' ? 1 : 0)
    if (state === 'live') this.#ports.log.info('the agent of this host tells of the gossip pool')
    for (const listener of this.#listeners) listener.onState()
  }
}
