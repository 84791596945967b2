/**
 * Puts the servers into the catalog: service `consul` on each server's node, which clients of Consul expect to find, and
 * the node itself where no agent has registered it. Only the leader writes, for itself.
 */
import type { Command } from '../../model/command.ts'
import { limits } from '../../model/limits.ts'
import type { Node } from '../../model/node.ts'
import { type Service, serverServiceId } from '../../model/service.ts'
import type { Clock, Log, Timer } from '../../platform/ports.ts'
import type { Reply } from '../../rpc/contract.ts'
import type { Consensus } from '../consensus/contract.ts'
import type { Store } from '../store/store.ts'

export interface OwnNodePorts {
  readonly store: Store
  readonly consensus: Pick<Consensus, 'onLeadership'>
  /** Proposes as this server. */
  readonly write: (command: Command, reply: Reply<unknown>) => void
  readonly clock: Pick<Clock, 'after'>
  readonly log: Log
  readonly node: Node
  readonly port: number
  readonly version: string
}

export class OwnNode {
  readonly #ports: OwnNodePorts
  #leading: boolean = false
  #writing: boolean = false
  #retry: Timer | undefined

  constructor(ports: OwnNodePorts) {
    this.#ports = ports
    ports.consensus.onLeadership((leading) => {
      this.#leading = leading
      this.#look()
    })
    ports.store.onCommit((_view, changes) => {
      if (changes.settings || changes.nodes.has(ports.node.name)) this.#look()
    })
    ports.store.onReplaced(() => this.#look())
  }

  #look(): void {
    const { store, node, write, clock, log } = this.#ports
    const view = store.view()
    if (!this.#leading || this.#writing || view.settings() === undefined) return
    if (view.service(node.name, serverServiceId) !== undefined) return
    this.#writing = true
    this.#retry?.cancel()
    write(this.#registration(view.node(node.name) !== undefined), (result) => {
      this.#writing = false
      if (result.ok) return
      log.warn('this server could not be put into the catalog, will be repeated', { ...result.failure })
      this.#retry = clock.after(limits.memberRetryMs, () => this.#look())
    })
  }

  /** A node row that its agent wrote stays as it is. */
  #registration(isKnown: boolean): Command {
    const { node, port, version } = this.#ports
    const service: Service = {
      kind: '',
      id: serverServiceId,
      name: serverServiceId,
      tags: [],
      meta: { version },
      address: '',
      port,
      socketPath: '',
      taggedAddresses: {},
      weights: { passing: 1, warning: 1 },
      enableTagOverride: false,
      connectNative: false,
    }
    return {
      type: 'catalog.register',
      node: isKnown ? node.name : node,
      services: [service],
      checks: [],
    }
  }
}
