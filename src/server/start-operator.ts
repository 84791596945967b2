/**
 * Builds what operators reach: snapshots, the list of servers, autopilot, the explanation of a lost majority. One part of
 * the server's composition root (start-rooms.ts).
 */
import type { Settings } from '../config/settings.ts'
import type { Principal } from '../model/access.ts'
import type { Command } from '../model/command.ts'
import { failed, type Result } from '../model/errors.ts'
import { maxFeatureLevel } from '../model/feature.ts'
import { limits } from '../model/limits.ts'
import type { Clock, Log, Metrics, Random } from '../platform/ports.ts'
import type { Reply } from '../rpc/contract.ts'
import { methods } from '../rpc/methods.ts'
import type { AnyOperationRequest } from '../rpc/operation-codec.ts'
import type {
  OperationAnswer,
  OperationName,
  OperationRequest,
  OperatorApi,
  OperatorClient,
  RaftConfiguration,
} from '../rpc/operator.ts'
import type { Access } from './access/access.ts'
import type { Written } from './admission/admission.ts'
import { RootRotation } from './ca/rotation.ts'
import { timing } from './consensus/timing.ts'
import type { Federating } from './federation/federating.ts'
import { Announcement } from './leader/announcement.ts'
import { Autopilot } from './leader/autopilot.ts'
import type { GossipView } from './leader/gossip-view.ts'
import { Verifier } from './leader/verifier.ts'
import { leaveCluster } from './operator/leaving.ts'
import { OperatorRoom } from './operator/operations.ts'
import { QuorumWatch } from './operator/quorum-watch.ts'
import { RaftOperations } from './operator/raft-operations.ts'
import { RestoreFilter } from './operator/restore-filter.ts'
import { SnapshotRestoring } from './operator/snapshot-restoring.ts'
import { SnapshotSaving } from './operator/snapshot-saving.ts'
import { serverTags } from './server-tags.ts'
import type { Cluster, OpenLog } from './start-cluster.ts'
import { wanPlaceOf } from './start-federation.ts'

export interface OperatorOptions {
  readonly settings: Settings
  readonly version: string
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly metrics: Metrics
  readonly cluster: Cluster
  readonly access: Access
  /** Has a command written at the leader, wherever that is. */
  readonly write: (principal: Principal, command: Command, reply: Reply<Written>) => void
  readonly quorum: QuorumWatch
  readonly gossip: GossipView
  readonly federating: Federating
  /** This server is in the cluster no more, and has to end. */
  readonly onLeft: () => void
}

export interface Operators {
  readonly api: OperatorApi
  stop(): void
}

export function openOperators(options: OperatorOptions): Operators {
  const { settings, version, clock, random, log, metrics, cluster, write } = options
  const { store, consensus, clusterKey } = cluster
  const server = settings.nodeName
  const askLeader = leaderOf(cluster)
  const asServer = (command: Command, reply: Reply<unknown>): void =>
    write({ kind: 'server', node: server }, command, reply)
  const { heartbeatMs } = timing()
  const autopilot = new Autopilot({
    store,
    consensus,
    write: asServer,
    clock,
    log,
    metrics,
    seed: settings.autopilot,
    heartbeatMs,
  })
  const announcement = new Announcement({
    store,
    write: asServer,
    clock,
    log,
    server: { id: consensus.status().id, node: server, version, maxFeatureLevel, wan: wanPlaceOf(settings) },
  })
  const verifier = new Verifier({
    store,
    machine: cluster.machine,
    consensus,
    write: asServer,
    clock,
    log,
    metrics,
    everyMs: limits.verifyEveryMs,
  })
  options.quorum.diverges(() => verifier.divergedAt)
  const filter = (givenKey: Uint8Array): RestoreFilter => {
    const clusterId = store.view().settings()?.clusterId ?? ''
    const servers = consensus.configuration().servers.length
    const { featureLevel } = store.view()
    return new RestoreFilter({ clusterId, clusterKey, featureLevel, servers, random }, givenKey)
  }
  const api = new OperatorRoom({
    access: options.access,
    store,
    consensus,
    saving: new SnapshotSaving({ clock, random, server, version }),
    restoring: new SnapshotRestoring({ write, filter, clock, random, log }),
    raft: new RaftOperations({ store, consensus, autopilot, log }),
    quorum: options.quorum,
    gossip: options.gossip,
    federating: options.federating,
    rotation: rotationOf(options),
    node: server,
    gossipTags: serverTags(settings),
    write,
    askLeader,
    isServer: (peer) => cluster.peerServers.idOf(peer) !== undefined,
    leave: (reply) => leaveCluster({ consensus, askLeader, clock, onLeft: options.onLeft }, reply),
  })
  return {
    api,
    stop: () => {
      announcement.stop()
      verifier.stop()
    },
  }
}

function rotationOf({ settings, clock, random, cluster, write }: OperatorOptions): RootRotation {
  const { store, clusterKey } = cluster
  return new RootRotation({
    view: () => store.view(),
    clusterKey,
    leafTtlMs: settings.leafTtlMs,
    write: (command, reply) => write({ kind: 'server', node: settings.nodeName }, command, reply),
    clock,
    random,
  })
}

/** Watches whether there is a leader, from the moment that the log is open. */
export function watchQuorum(
  { clock, log, metrics }: Pick<OperatorOptions, 'clock' | 'log' | 'metrics'>,
  { store, consensus, transport }: OpenLog,
): QuorumWatch {
  const quorum = new QuorumWatch({
    store,
    consensus,
    reach: () => transport.reports(),
    askLists: (tell) => askLists(transport, tell),
    clock,
    log,
    metrics,
    silenceMs: timing().electionTimeoutMs,
    isDiskFull: () => consensus.isDiskFull,
  })
  consensus.explainBy(() => quorum.sentence())
  return quorum
}

/** Asks every other server which servers there are, as far as it knows. */
function askLists(transport: OpenLog['transport'], tell: (list: RaftConfiguration) => void): void {
  const request: AnyOperationRequest = {
    name: 'raft.configuration',
    args: { stale: true },
    token: '',
    data: new Uint8Array(0),
  }
  for (const { id } of transport.reports())
    transport.call(id, methods.operate, request, (result) => {
      if (result?.ok === true) tell(result.value.answer as RaftConfiguration)
    })
}

const noLeader = failed('no-leader', 'this server does not lead and knows no server that does')
const lost = failed('write-outcome-unknown', 'the leader was lost before it answered')

/** The token goes along, so the leader finds out itself who asks. */
function leaderOf({ consensus, transport }: Cluster): OperatorClient['operate'] {
  return <Name extends OperationName>(
    request: OperationRequest<Name>,
    reply: Reply<OperationAnswer<Name>>,
  ): void => {
    const { leader, id } = consensus.status()
    if (leader === undefined || leader === id) reply(noLeader)
    else
      transport.call(leader, methods.operate, request as unknown as AnyOperationRequest, (result) =>
        // The answer is of the name that was asked for; the codec cannot know it.
        reply((result ?? lost) as Result<OperationAnswer<Name>>),
      )
  }
}
