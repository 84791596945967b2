/**
 * At which server of the cluster each host's agent is connected, as far as this server was told. A host that two servers
 * claim is at the one that claimed it last: the other has not noticed yet that its agent left.
 */

/** This server itself, beside the ids of the others. */
export const here = ''

export class Whereabouts {
  /** Servers that claim a node, the newest claim last. */
  readonly #claims = new Map<string, Set<string>>()
  readonly #nodesAt = new Map<string, Set<string>>()
  readonly #listeners: ((node: string, present: boolean) => void)[] = []

  /** The agent of `node` connected to `server`, also where it was there before. */
  arrived(node: string, server: string): void {
    const claims = this.#claims.get(node) ?? new Set<string>()
    const isNew = claims.size === 0
    claims.delete(server)
    this.#claims.set(node, claims.add(server))
    const nodes = this.#nodesAt.get(server) ?? new Set<string>()
    this.#nodesAt.set(server, nodes.add(node))
    if (isNew) this.#tell(node, true)
  }

  left(node: string, server: string): void {
    const nodes = this.#nodesAt.get(server)
    if (nodes?.delete(node) !== true) return
    if (nodes.size === 0) this.#nodesAt.delete(server)
    const claims = this.#claims.get(node)
    claims?.delete(server)
    if (claims?.size !== 0) return
    this.#claims.delete(node)
    this.#tell(node, false)
  }

  /** The server that has the agent of `node`, or undefined. */
  serverOf(node: string): string | undefined {
    let newest: string | undefined
    for (const server of this.#claims.get(node) ?? []) newest = server
    return newest
  }

  isPresent(node: string): boolean {
    return this.#claims.has(node)
  }

  nodesAt(server: string): ReadonlySet<string> {
    return this.#nodesAt.get(server) ?? none
  }

  /** Called when a node's agent came to the cluster or left it; a change of server is neither. */
  onPresence(listener: (node: string, present: boolean) => void): void {
    this.#listeners.push(listener)
  }

  #tell(node: string, present: boolean): void {
    for (const listener of this.#listeners) listener(node, present)
  }
}

const none: ReadonlySet<string> = new Set()
