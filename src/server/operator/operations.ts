/**
 * The door for operators: finds out who asks, whether that is allowed, and which room does it; what only the leader can
 * do is sent on to it. Decides nothing about the cluster itself.
 */
import { authorize, type Principal } from '../../model/access.ts'
import { autopilotDefaults } from '../../model/autopilot.ts'
import type { Command } from '../../model/command.ts'
import { failed, ok, type Result } from '../../model/errors.ts'
import type { Peer, Reply } from '../../rpc/contract.ts'
import type {
  OperationAnswer,
  OperationName,
  OperationRequest,
  Operations,
  OperatorApi,
  OperatorClient,
} from '../../rpc/operator.ts'
import type { Access } from '../access/access.ts'
import type { Written } from '../admission/admission.ts'
import type { RootRotation } from '../ca/rotation.ts'
import type { Consensus } from '../consensus/contract.ts'
import type { Federating } from '../federation/federating.ts'
import type { GossipView } from '../leader/gossip-view.ts'
import type { Store } from '../store/store.ts'
import { joinDatacenter } from './federation-operations.ts'
import type { QuorumWatch } from './quorum-watch.ts'
import type { RaftOperations } from './raft-operations.ts'
import type { SnapshotRestoring } from './snapshot-restoring.ts'
import type { SnapshotSaving } from './snapshot-saving.ts'

export interface OperationsPorts {
  readonly access: Access
  readonly store: Store
  readonly consensus: Pick<Consensus, 'readBarrier' | 'status'>
  readonly saving: SnapshotSaving
  readonly restoring: SnapshotRestoring
  readonly raft: RaftOperations
  readonly quorum: QuorumWatch
  readonly gossip: Pick<GossipView, 'hear'>
  readonly federating: Pick<Federating, 'join'>
  readonly rotation: Pick<RootRotation, 'prepare' | 'remove'>
  /** Node name of this server's host; its agent alone tells of gossip. */
  readonly node: string
  /** By which agents find this server in the gossip pool. */
  readonly gossipTags: Readonly<Record<string, string>>
  readonly write: (principal: Principal, command: Command, reply: Reply<Written>) => void
  /** Asks the server that leads now. */
  readonly askLeader: OperatorClient['operate']
  /** Whether another server passed the request on: then it is not passed on again. */
  readonly isServer: (peer: Peer) => boolean
  /** Takes this server out of the cluster and ends the process after the answer. */
  readonly leave: (reply: Reply<Record<never, never>>) => void
}

interface Caller {
  readonly principal: Principal
  readonly data: Uint8Array
}

type Serve<Name extends OperationName> = (
  args: Operations[Name]['args'],
  caller: Caller,
  reply: Reply<OperationAnswer<Name>>,
) => void

type Served = { readonly [Name in OperationName]: Serve<Name> }

/** Shows state and hands out nothing that must be kept. */
const readable: ReadonlySet<OperationName> = new Set([
  'raft.configuration',
  'autopilot.state',
  'autopilot.get',
  'cluster.status',
] as const)

const noData = new Uint8Array(0)

export class OperatorRoom implements OperatorApi {
  readonly #ports: OperationsPorts
  readonly #served: Served

  constructor(ports: OperationsPorts) {
    this.#ports = ports
    this.#served = { ...this.#snapshots(), ...this.#cluster(), ...this.#autopilot() }
  }

  operate<Name extends OperationName>(
    peer: Peer,
    request: OperationRequest<Name>,
    reply: Reply<OperationAnswer<Name>>,
  ): void {
    const { access } = this.#ports
    const { name, args, token, data } = request
    const principal = access.refusals('operate', peer)(access.identify(peer, token))
    if (!principal.ok) {
      reply(principal)
      return
    }
    const allowed = access.refusals('operate', peer)(this.#allows(principal.value, name))
    if (!allowed.ok) reply(allowed)
    else if (this.#isLeadersBusiness(request)) this.#passOn(peer, request, reply)
    else (this.#served[name] as unknown as Serve<Name>)(args, { principal: principal.value, data }, reply)
  }

  #allows(principal: Principal, name: OperationName): Result<true> {
    if (name !== 'membership.feed')
      return authorize(principal, { kind: readable.has(name) ? 'read' : 'operate' })
    const { node } = this.#ports
    if (principal.kind === 'host' && principal.node === node) return ok(true)
    return failed('bad-token', `only the agent of host "${node}" tells this server of its gossip pool`)
  }

  #passOn<Name extends OperationName>(
    peer: Peer,
    request: OperationRequest<Name>,
    reply: Reply<OperationAnswer<Name>>,
  ): void {
    const { isServer, askLeader } = this.#ports
    if (isServer(peer)) reply(failed('no-leader', 'the server that was asked leads no more'))
    else askLeader(request, reply)
  }

  /** Whether the leader has to answer and is another server. */
  #isLeadersBusiness({ name, args }: OperationRequest<OperationName>): boolean {
    const { role } = this.#ports.consensus.status()
    if (role === 'leader') return false
    if (name === 'raft.configuration') return !('stale' in args && args.stale)
    return name === 'raft.remove-peer' || name === 'raft.transfer-leader' || name === 'autopilot.state'
  }

  #snapshots(): Pick<Served, Extract<OperationName, `${'snapshot' | 'restore'}.${string}`>> {
    const { saving, restoring } = this.#ports
    return {
      'snapshot.open': ({ stale }, _caller, reply) =>
        this.#fresh(stale, reply, () => {
          const { store, consensus } = this.#ports
          reply(plain(saving.open(store.view(), consensus.status().term)))
        }),
      'snapshot.next': ({ id }, _caller, reply) => {
        const piece = saving.next(id)
        if (!piece.ok) reply(piece)
        else reply(ok({ answer: { isLast: piece.value.isLast }, data: piece.value.data }))
      },
      'restore.open': ({ clusterKey }, { principal }, reply) =>
        reply(plain(restoring.open(principal, Buffer.from(clusterKey, 'base64')))),
      'restore.write': ({ id }, { data }, reply) =>
        restoring.write(id, data, (result) => reply(result.ok ? plain(ok({})) : result)),
      'restore.finish': ({ id }, _caller, reply) =>
        restoring.finish(id, (result) =>
          reply(result.ok ? plain(ok({ index: result.value.index })) : result),
        ),
    }
  }

  #cluster(): Pick<
    Served,
    | 'cluster.status'
    | 'membership.feed'
    | 'federation.join'
    | `ca.${'prepare' | 'remove'}-root`
    | Extract<OperationName, `raft.${string}`>
  > {
    const { raft, quorum, leave, gossip, gossipTags: tags, federating, rotation } = this.#ports
    return {
      'ca.prepare-root': (_args, _caller, reply) => rotation.prepare((result) => reply(plain(result))),
      'ca.remove-root': (args, _caller, reply) => rotation.remove(args, (result) => reply(plain(result))),
      'federation.join': (args, { data }, reply) => joinDatacenter(federating, args, data, reply),
      'raft.configuration': (_args, _caller, reply) => reply(plain(ok(raft.configuration()))),
      'raft.remove-peer': (args, _caller, reply) => raft.remove(args, (result) => reply(plain(result))),
      'raft.transfer-leader': ({ id }, _caller, reply) => raft.transfer(id, (result) => reply(plain(result))),
      'raft.leave': (_args, _caller, reply) => leave((result) => reply(plain(result))),
      'cluster.status': (_args, _caller, reply) => reply(plain(ok(quorum.status()))),
      'membership.feed': (frame, _caller, reply) =>
        reply(plain(ok({ isContinued: gossip.hear(frame), tags }))),
    }
  }

  #autopilot(): Pick<Served, Extract<OperationName, `autopilot.${string}`>> {
    const { raft, store, write } = this.#ports
    return {
      'autopilot.state': (_args, _caller, reply) => reply(plain(ok(raft.health()))),
      'autopilot.get': ({ stale }, _caller, reply) =>
        this.#fresh(stale, reply, () => {
          const none = { ...autopilotDefaults, createIndex: 0, modifyIndex: 0 }
          reply(plain(ok(store.view().autopilot() ?? none)))
        }),
      'autopilot.set': (args, { principal }, reply) => {
        const fault = args.config.minQuorum > 16 ? 'min_quorum is more than a cluster can have' : ''
        if (fault !== '') reply(failed('bad-request', fault))
        else
          write(principal, { type: 'autopilot.set', ...args }, (result) =>
            reply(result.ok ? this.#isSet(args, result.value) : result),
          )
      },
    }
  }

  /** A condition that did not hold, told apart from a configuration that was the same already. */
  #isSet(
    { casIndex }: Operations['autopilot.set']['args'],
    { value }: Written,
  ): Result<OperationAnswer<'autopilot.set'>> {
    const isSame = casIndex === undefined || casIndex === this.#ports.store.view().autopilot()?.modifyIndex
    return plain(ok({ isSet: value.kind !== 'unchanged' || isSame }))
  }

  #fresh(stale: boolean, reply: Reply<never>, run: () => void): void {
    if (stale) run()
    else
      this.#ports.consensus.readBarrier((barrier) => {
        if (barrier.ok) run()
        else reply(barrier)
      })
  }
}

function plain<Answer>(
  result: Result<Answer>,
): Result<{ readonly answer: Answer; readonly data: Uint8Array }> {
  return result.ok ? ok({ answer: result.value, data: noData }) : result
}
