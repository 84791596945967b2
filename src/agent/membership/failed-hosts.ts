/**
 * Hosts that this host's own gossip takes for failed, from the moment that it finds out: sooner than any server could tell,
 * and without one. Whoever left on purpose is not among them.
 */
import type { PoolEvent } from '../../membership/contract.ts'
import type { Membership } from '../contract.ts'

export class FailedHosts {
  readonly #nodes = new Set<string>()
  readonly #listeners: (() => void)[] = []

  constructor(membership: Pick<Membership, 'onEvent'>) {
    membership.onEvent((event) => this.#hear(event))
  }

  /** The same set always; `onChange` tells when it changed. */
  nodes(): ReadonlySet<string> {
    return this.#nodes
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener)
  }

  #hear(event: PoolEvent): void {
    switch (event.type) {
      case 'member-failed':
        this.#use(event.member.node, true)
        return
      case 'member-joined':
      case 'member-updated':
      case 'member-left':
      case 'member-reaped':
        this.#use(event.member.node, event.member.presence === 'failed' && event.type !== 'member-reaped')
        return
      case 'name-lost':
        // This host gossips no more, and would never hear that one came back.
        this.#nodes.clear()
        this.#tell()
        return
      case 'user-event':
      case 'query':
        return
    }
  }

  #use(node: string, hasFailed: boolean): void {
    if (this.#nodes.has(node) === hasFailed) return
    if (hasFailed) this.#nodes.add(node)
    else this.#nodes.delete(node)
    this.#tell()
  }

  #tell(): void {
    for (const listener of this.#listeners) listener()
  }
}
