/**
 * Puts this server into the catalog: service `consul` on its node, which clients of Consul expect to find for every server,
 * and the node itself where no agent has registered it.
 */
import type { Command } from '../../model/command.ts'
import { sameValue } from '../../model/equality.ts'
import { limits } from '../../model/limits.ts'
import type { Node } from '../../model/node.ts'
import { type Service, serverServiceId } from '../../model/service.ts'
import type { Clock, Log } from '../../platform/ports.ts'
import type { Reply } from '../../rpc/contract.ts'
import type { Driver } from '../consensus/driver.ts'
import type { Store } from '../store/store.ts'

export interface OwnNodePorts {
  readonly store: Store
  readonly consensus: Pick<Driver, 'readBarrier' | 'configuration' | 'status'>
  /** Proposes as this server, at the leader. */
  readonly write: (command: Command, reply: Reply<unknown>) => void
  readonly clock: Pick<Clock, 'after'>
  readonly log: Log
  readonly node: Node
  readonly port: number
  readonly version: string
}

const rowIndexes: ReadonlySet<string> = new Set(['createIndex', 'modifyIndex'])

export class OwnNode {
  readonly #ports: OwnNodePorts
  readonly #service: Service
  /** A look or a write is under way, or one was made a moment ago. */
  #isBusy: boolean = false

  constructor(ports: OwnNodePorts) {
    this.#ports = ports
    this.#service = serverService(ports)
    ports.store.onCommit((_view, changes) => {
      if (changes.settings || changes.nodes.has(ports.node.name)) this.#look()
    })
    ports.store.onReplaced(() => this.#look())
    this.#look()
  }

  #look(): void {
    if (this.#isBusy || !this.#isWanted()) return
    this.#isBusy = true
    // A server that starts reads old entries first: what is missing there may come with the next.
    this.#ports.consensus.readBarrier((barrier) => {
      if (!barrier.ok) this.#pause(limits.memberRetryMs)
      else if (this.#isWanted()) this.#write()
      else this.#isBusy = false
    })
  }

  /** One that was removed from the cluster does not come back into the catalog. */
  #isWanted(): boolean {
    const { store, node, consensus } = this.#ports
    const view = store.view()
    const { id } = consensus.status()
    if (!consensus.configuration().servers.some((server) => server.id === id)) return false
    const known = view.service(node.name, serverServiceId)
    return view.settings() !== undefined && !sameValue(known, this.#service, rowIndexes)
  }

  #write(): void {
    const { store, node, write, log } = this.#ports
    write(this.#registration(store.view().node(node.name) !== undefined), (result) => {
      if (result.ok) {
        // Two servers of one name would otherwise take turns without a pause.
        this.#pause(limits.ownNodePauseMs)
        return
      }
      log.info('this server could not be put into the catalog, will be repeated', { ...result.failure })
      this.#pause(limits.memberRetryMs)
    })
  }

  #pause(ms: number): void {
    this.#ports.clock.after(ms, () => {
      this.#isBusy = false
      this.#look()
    })
  }

  /** A node row that its agent wrote stays as it is. */
  #registration(isKnown: boolean): Command {
    const { node } = this.#ports
    return {
      type: 'catalog.register',
      node: isKnown ? node.name : node,
      services: [this.#service],
      checks: [],
    }
  }
}

/** Without an address of its own: it is reached at that of its node. */
function serverService({ port, version }: OwnNodePorts): Service {
  return {
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
}
