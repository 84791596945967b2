/** Servers that gossip shows: members with the tags of one, by which an agent finds them where nobody told it. */
import { joinHostPort } from '../../config/address.ts'
import type { PoolEvent, PoolMember } from '../../membership/contract.ts'
import { limits } from '../../model/limits.ts'
import type { Membership } from '../contract.ts'

export interface FoundServersEvents {
  /** A server came that was not known before. */
  readonly onFound: (address: string) => void
  /** The host of a server failed. */
  readonly onLost: (address: string) => void
}

export class FoundServers {
  readonly #events: FoundServersEvents
  readonly #alive = new Map<string, string>()
  readonly #failed = new Map<string, string>()

  constructor(membership: Pick<Membership, 'onEvent'>, events: FoundServersEvents) {
    this.#events = events
    membership.onEvent((event) => this.#hear(event))
  }

  /**
   * RPC addresses to try: those of `known`, then those that gossip found; without those of failed hosts, unless there is no
   * other.
   */
  among(known: readonly string[]): readonly string[] {
    const all = [...new Set([...known, ...[...this.#alive.values()].slice(0, limits.gossipServersTried)])]
    const failed = new Set(this.#failed.values())
    const reachable = all.filter((address) => !failed.has(address))
    return reachable.length > 0 ? reachable : all
  }

  #hear(event: PoolEvent): void {
    switch (event.type) {
      case 'member-joined':
      case 'member-updated':
      case 'member-failed':
      case 'member-left':
        this.#note(event.member)
        return
      case 'member-reaped':
        this.#forget(event.member.node)
        return
      case 'name-lost':
        this.#alive.clear()
        this.#failed.clear()
        return
      case 'user-event':
      case 'query':
        return
    }
  }

  #note(member: PoolMember): void {
    const { node, presence } = member
    const before = this.#alive.get(node)
    const address = addressOf(member)
    this.#forget(node)
    if (address === undefined) return
    if (presence === 'alive') {
      this.#alive.set(node, address)
      if (before !== address) this.#events.onFound(address)
    } else if (presence === 'failed') {
      this.#failed.set(node, address)
      this.#events.onLost(address)
    }
  }

  #forget(node: string): void {
    this.#alive.delete(node)
    this.#failed.delete(node)
  }
}

/** Undefined for a member that runs no server. */
function addressOf({ address, tags }: PoolMember): string | undefined {
  const port = Number(tags.get('port'))
  const isServer = tags.get('role') === 'consul' && Number.isInteger(port) && port > 0 && port < 65_536
  return isServer ? joinHostPort(address, port) : undefined
}
