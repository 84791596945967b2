/**
 * Takes servers that were removed from the cluster out of the catalog: their service `consul`, and their node where nothing
 * else stands on it. Only the leader writes. Which node a server had, it has said itself (announcement.ts).
 */
import type { Command } from '../../model/command.ts'
import { limits } from '../../model/limits.ts'
import { serverServiceId } from '../../model/service.ts'
import type { Clock, Log, Timer } from '../../platform/ports.ts'
import type { Reply } from '../../rpc/contract.ts'
import type { ClusterOperations, Consensus } from '../consensus/contract.ts'
import type { Store } from '../store/store.ts'

export interface DepartedServersPorts {
  readonly store: Store
  readonly consensus: Pick<Consensus, 'onLeadership'> & Pick<ClusterOperations, 'configuration'>
  /** Proposes as this server. */
  readonly write: (command: Command, reply: Reply<unknown>) => void
  readonly clock: Pick<Clock, 'after'>
  readonly log: Log
}

export class DepartedServers {
  readonly #ports: DepartedServersPorts
  #timer: Timer | undefined

  constructor(ports: DepartedServersPorts) {
    this.#ports = ports
    ports.consensus.onLeadership((leading) => {
      this.#timer?.cancel()
      this.#timer = undefined
      if (leading) this.#plan()
    })
  }

  /** The list of servers changes seldom and has few rows: looking now and then is enough. */
  #plan(): void {
    this.#timer = this.#ports.clock.after(limits.departedLookMs, () => {
      const { write, log } = this.#ports
      const node = this.#departed()
      if (node === undefined) {
        this.#plan()
        return
      }
      write(this.#removal(node), (result) => {
        if (result.ok) log.info('a server that left the cluster was taken out of the catalog', { node })
        else log.warn('a server that left could not be taken out of the catalog', { node, ...result.failure })
      })
      this.#plan()
    })
  }

  /** A node whose server is gone, if there is one; while a member has not said its name yet, nobody can tell. */
  #departed(): string | undefined {
    const { store, consensus } = this.#ports
    const view = store.view()
    const present = new Set<string>()
    const members = new Set<string>()
    for (const { id } of consensus.configuration().servers) {
      const info = view.serverInfo(id)
      if (info === undefined) return undefined
      present.add(info.node)
      members.add(id)
    }
    for (const { id, node } of view.serverInfos())
      if (!members.has(id) && !present.has(node) && view.service(node, serverServiceId) !== undefined)
        return node
    return undefined
  }

  #removal(node: string): Command {
    const view = this.#ports.store.view()
    const others = [...view.servicesOfNode(node)].some(({ id }) => id !== serverServiceId)
    // A host that is enrolled has an agent, which keeps its node.
    const isNeeded = others || view.host(node) !== undefined
    return isNeeded
      ? { type: 'catalog.deregister', node, serviceId: serverServiceId }
      : { type: 'catalog.deregister', node }
  }
}
