/**
 * Every server tells every other one of its agents, so that each knows the whole cluster's: a new leader need not ask first
 * who is there, and a count of enforcement is read where it is asked for. What is told is presence-telling.ts, what is heard
 * presence-hearing.ts.
 */
import type { NodeId } from '../../model/ids.ts'
import { limits } from '../../model/limits.ts'
import type { Clock, Log, Random, Timer } from '../../platform/ports.ts'
import type { FrameStream } from '../../rpc/contract.ts'
import type { PresenceFrame, ServerLinks } from '../../rpc/server-contract.ts'
import type { Publisher } from '../events/publisher.ts'
import type { Store } from '../store/store.ts'
import type { SessionHub } from './hub.ts'
import { PresenceHearing } from './presence-hearing.ts'
import { PresenceTelling } from './presence-telling.ts'

export interface ExchangePorts {
  readonly hub: SessionHub
  readonly store: Store
  readonly publisher: Pick<Publisher, 'intentionsIndex'>
  readonly links: Pick<ServerLinks, 'presence'>
  /** The other servers of the cluster as configured now. */
  readonly others: () => readonly NodeId[]
  readonly clock: Pick<Clock, 'after' | 'monotonicMs'>
  readonly random: Pick<Random, 'fraction'>
  readonly log: Log
}

export class PresenceExchange {
  readonly #ports: ExchangePorts
  readonly #hearing: PresenceHearing
  readonly #tellings = new Map<NodeId, PresenceTelling>()
  #beat: Timer

  constructor(ports: ExchangePorts) {
    this.#ports = ports
    this.#hearing = new PresenceHearing(ports)
    ports.hub.onOwnAgent((node) => {
      for (const telling of this.#tellings.values()) telling.agentChanged(node)
    })
    ports.hub.enforcement.onReport((node, destination) => {
      for (const telling of this.#tellings.values()) telling.rowChanged(node, destination)
    })
    this.#beat = ports.clock.after(0, () => this.#turn())
  }

  /** Takes another server's stream; `from` is who the transport has authenticated. */
  open(from: NodeId, stream: FrameStream<never, PresenceFrame>): void {
    this.#hearing.open(from, stream)
  }

  /** Whether the server tells of its agents now. */
  hears(server: NodeId): boolean {
    return this.#hearing.hears(server)
  }

  stop(): void {
    this.#beat.cancel()
    for (const telling of this.#tellings.values()) telling.stop()
    this.#tellings.clear()
    this.#hearing.stop()
  }

  #turn(): void {
    this.#follow(new Set(this.#ports.others()))
    for (const telling of this.#tellings.values()) telling.beat()
    this.#beat = this.#ports.clock.after(limits.presenceBeatMs, () => this.#turn())
  }

  #follow(others: ReadonlySet<NodeId>): void {
    for (const [id, telling] of this.#tellings)
      if (!others.has(id)) {
        telling.stop()
        this.#tellings.delete(id)
      }
    for (const id of others) if (!this.#tellings.has(id)) this.#tellings.set(id, this.#tellingTo(id))
  }

  #tellingTo(id: NodeId): PresenceTelling {
    const { hub, store, publisher, links, clock, random } = this.#ports
    return new PresenceTelling({
      hub,
      open: () => links.presence(id),
      applied: () => store.view().index,
      rulesIndex: (destination) => publisher.intentionsIndex(destination),
      clock,
      random,
    })
  }
}
