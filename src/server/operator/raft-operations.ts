/** What operators do with the list of servers and with leadership. Only the leader can; who asks was checked before. */
import { serverOf } from '../../model/cluster.ts'
import { failed, ok } from '../../model/errors.ts'
import { type NodeId, nodeId } from '../../model/ids.ts'
import type { Log } from '../../platform/ports.ts'
import type { Reply } from '../../rpc/contract.ts'
import type { AutopilotState, RaftConfiguration, RaftServer, ServerHealth } from '../../rpc/operator.ts'
import type { ClusterOperations, Consensus } from '../consensus/contract.ts'
import type { Autopilot } from '../leader/autopilot.ts'
import { type Contact, failureTolerance, removalFault } from '../leader/server-health.ts'
import type { Store } from '../store/store.ts'

export interface RaftOperationsPorts {
  readonly store: Store
  readonly consensus: Pick<Consensus, 'status'> & ClusterOperations
  readonly autopilot: Pick<Autopilot, 'contacts' | 'stableSinceMs'>
  readonly log: Log
}

export class RaftOperations {
  readonly #ports: RaftOperationsPorts

  constructor(ports: RaftOperationsPorts) {
    this.#ports = ports
  }

  /** On another server than the leader without the others' indexes. */
  configuration(): RaftConfiguration {
    const { consensus } = this.#ports
    const contacts = this.#contacts()
    const { servers } = consensus.configuration()
    return {
      index: consensus.status().commitIndex,
      servers: servers.map(({ id }) => this.#server(id, contacts)),
    }
  }

  health(): AutopilotState {
    const { consensus, store } = this.#ports
    const contacts = this.#contacts()
    const configuration = consensus.configuration()
    const servers = configuration.servers.map(({ id }) => this.#health(id, contacts))
    return {
      isHealthy: servers.every((server) => server.isHealthy),
      failureTolerance: failureTolerance(configuration, contacts),
      leader: consensus.status().leader ?? '',
      featureLevel: store.view().featureLevel,
      servers,
    }
  }

  /** `id` or `address` names the server, the other is ''. Refused where it would cost the majority. */
  remove(named: { readonly id: string; readonly address: string }, reply: Reply<Record<never, never>>): void {
    const { consensus, log } = this.#ports
    if ((named.id === '') === (named.address === '')) {
      reply(failed('bad-request', 'Must specify exactly one of id or address'))
      return
    }
    const configuration = consensus.configuration()
    const server = configuration.servers.find(({ id, address }) =>
      named.id === '' ? address === named.address : id === named.id,
    )
    if (server === undefined) {
      reply(failed('not-found', `no server "${named.id}${named.address}" is in the cluster`))
      return
    }
    const fault = removalFault(configuration, this.#contacts(), server.id)
    if (fault !== undefined) {
      reply(failed('quorum-at-risk', `server ${server.id} (${server.address}) stays: ${fault}`))
      return
    }
    log.warn('a server is removed from the cluster', { server: server.id, address: server.address })
    consensus.change({ kind: 'remove', id: server.id }, (result) => reply(result.ok ? ok({}) : result))
  }

  transfer(id: string, reply: Reply<{ readonly leader: string }>): void {
    const { consensus } = this.#ports
    const configuration = consensus.configuration()
    const to = id === '' ? undefined : nodeId(id)
    if (to !== undefined && serverOf(configuration, to)?.suffrage !== 'voter') {
      reply(failed('not-found', `there is no voter "${id}"; see \`mesh operator raft list-peers\``))
      return
    }
    if (to === consensus.status().id) {
      reply(ok({ leader: id }))
      return
    }
    consensus.transferLeadership(to, (result) => reply(result.ok ? ok({ leader: result.value }) : result))
  }

  #contacts(): ReadonlyMap<NodeId, Contact> {
    const { consensus, autopilot } = this.#ports
    return consensus.status().role === 'leader' ? autopilot.contacts() : new Map()
  }

  #server(id: NodeId, contacts: ReadonlyMap<NodeId, Contact>): RaftServer {
    const { consensus, store } = this.#ports
    const server = serverOf(consensus.configuration(), id)
    const { leader, id: own, commitIndex } = consensus.status()
    return {
      id,
      node: store.view().serverInfo(id)?.node ?? '',
      address: server?.address ?? '',
      isLeader: id === leader,
      isVoter: server?.suffrage === 'voter',
      lastIndex: contacts.get(id)?.lastIndex ?? (id === own ? commitIndex : 0),
    }
  }

  #health(id: NodeId, contacts: ReadonlyMap<NodeId, Contact>): ServerHealth {
    const { store, consensus, autopilot } = this.#ports
    const info = store.view().serverInfo(id)
    const contact = contacts.get(id)
    return {
      ...this.#server(id, contacts),
      version: info?.version ?? '',
      maxFeatureLevel: info?.maxFeatureLevel ?? 0,
      isAlive: contact?.isAlive ?? false,
      lastContactMs: contact?.silentMs ?? 0,
      lastTerm: (contact?.lastIndex ?? 0) > 0 ? consensus.status().term : 0,
      isHealthy: contact?.isHealthy ?? false,
      stableSinceMs: autopilot.stableSinceMs(id),
    }
  }
}
