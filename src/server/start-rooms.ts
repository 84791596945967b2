/** Builds the server's rooms on an open cluster and joins them: who hears of commits, who writes for the leader. */
import type { Settings } from '../config/settings.ts'
import type { Command } from '../model/command.ts'
import { ok, type Result } from '../model/errors.ts'
import { limits } from '../model/limits.ts'
import type { Clock, Log, Metrics, Random, StateFiles } from '../platform/ports.ts'
import type { Peer, Reply, ServerApi } from '../rpc/contract.ts'
import { methods } from '../rpc/methods.ts'
import type { OperatorApi } from '../rpc/operator.ts'
import type { ServerPeerApi } from '../rpc/server-contract.ts'
import type { TlsIdentity } from '../rpc/tls.ts'
import { type Access, createAccess } from './access/access.ts'
import { limitRequests } from './admission/request-limits.ts'
import { Authority } from './ca/authority.ts'
import { Hosts } from './ca/hosts.ts'
import { LeafSigning } from './ca/leaf-signing.ts'
import { inviteOwnAgent, type OwnAgentPorts } from './ca/own-agent.ts'
import { OwnCertificate } from './ca/own-certificate.ts'
import { Servers, serverNames } from './ca/servers.ts'
import { createCalls } from './calls.ts'
import type { WanPool } from './federation/wan-pool.ts'
import type { Forwarding } from './forward/forwarding.ts'
import { ownAddress } from './founding.ts'
import { Configured } from './leader/configured.ts'
import { DepartedServers } from './leader/departed-servers.ts'
import { GossipView } from './leader/gossip-view.ts'
import { Membership } from './leader/membership.ts'
import { OwnNode } from './leader/own-node.ts'
import { SessionTimers } from './leader/session-timers.ts'
import { Tombstones } from './leader/tombstones.ts'
import type { QuorumWatch } from './operator/quorum-watch.ts'
import { type AfarPlaces, afarPlaces, wanMember } from './queries/federation.ts'
import type { ClusterDirectory } from './queries/planners.ts'
import { Reader } from './queries/reader.ts'
import { SessionHub } from './sessions/hub.ts'
import type { Cluster } from './start-cluster.ts'
import { openFederation } from './start-federation.ts'
import { openGossipKeys } from './start-gossip-keys.ts'
import { type OperatorOptions, openOperators } from './start-operator.ts'
import { openRequests, type Requests } from './start-requests.ts'
import type { Store } from './store/store.ts'

export interface RoomOptions {
  readonly settings: Settings
  readonly version: string
  readonly files: StateFiles
  readonly log: Log
  readonly clock: Clock
  readonly random: Random
  readonly metrics: Metrics
  readonly cluster: Cluster
  readonly quorum: QuorumWatch
  /** This server is in the cluster no more, and has to end. */
  readonly onLeft: () => void
}

export interface ServerRooms {
  readonly calls: ServerApi
  readonly peers: ServerPeerApi
  readonly operator: OperatorApi
  /** Whether a connection's certificates prove a host or server of this cluster. */
  readonly isMember: (peer: Peer) => boolean
  /** The first certificate of the RPC listener; later ones come by `onIdentity`. */
  readonly identity: TlsIdentity
  onIdentity(listener: (identity: TlsIdentity) => void): void
  /** A token for this host's own agent, where it is not enrolled yet. */
  inviteOwnAgent(done: (token: string) => void): void
  readonly log: Log
  readonly metrics: Metrics
  stop(done: () => void): void
}

export function openRooms(options: RoomOptions): Result<ServerRooms> {
  const { settings, clock, log, metrics, cluster } = options
  const view = () => cluster.store.view()
  const trust = openTrust(options)
  const { access, authority } = trust
  const hub = openHub(options)
  const requests = openRequests({ ...options, hub, holdTimeoutMs: settings.rpcHoldTimeoutMs })
  const { forwarding, catchingUp, peers } = requests
  const { nodeName: server } = settings
  const gossipKeys = openGossipKeys(options, hub)
  const hosts = new Hosts({ authority, access, admission: forwarding, server, view, gossipKeys, clock })
  const gossip = new GossipView({ clock, log, metrics })
  takeDuties(options, { hub, forwarding, gossip })
  const certificate = openCertificate(options, authority)
  if (!certificate.ok) return certificate
  const write: OperatorOptions['write'] = (...written) => forwarding.write(...written)
  const places = (): AfarPlaces => afarPlaces(view(), cluster.consensus.configuration().servers)
  const identity = (): TlsIdentity => certificate.value.current()
  const far = openFederation({ ...options, access, write, places, identity })
  certificate.value.onIdentity(() => far.identityChanged())
  const onLeft = (): void => {
    far.wan.leave(() => undefined)
    options.onLeft()
  }
  const { federating } = far
  const operators = openOperators({ ...options, access, gossip, write, federating, onLeft })
  const reader = openReader(options, hub, far.wan)
  const calls = createCalls({ ...trust, ...far, catchingUp, forwarding, reader, hub, hosts })
  return ok({
    ...certificate.value,
    inviteOwnAgent: (done) => inviteOwnAgent(invitationOf(options, forwarding), done),
    calls: limited(options, calls),
    peers,
    operator: operators.api,
    isMember: (peer) => access.isMember(peer),
    log,
    metrics,
    stop: (done) => {
      far.stop()
      certificate.value.stop()
      operators.stop()
      gossip.stop()
      leave(options, requests, done)
    },
  })
}

interface TrustRooms {
  readonly access: Access
  readonly authority: Authority
  readonly leaves: LeafSigning
  readonly servers: Servers
}

/** Who somebody is, and what is signed for them. */
function openTrust(options: RoomOptions): TrustRooms {
  const { settings, clock, random, log, metrics, cluster } = options
  const { store, clusterKey, peerServers } = cluster
  const view = () => store.view()
  const isServer = (peer: Peer): boolean => peerServers.idOf(peer) !== undefined
  const access = createAccess({ view, isServer, clock, log, metrics })
  const { leafTtlMs, hostCertificateTtlMs: hostTtlMs } = settings
  const authority = new Authority({ clusterKey, view, clock, random, leafTtlMs, hostTtlMs })
  const leaves = new LeafSigning({ authority, access, view, clock, metrics })
  return { access, authority, leaves, servers: openServers(options, { authority, access }) }
}

function openHub({ settings, version, clock, random, log, metrics, cluster }: RoomOptions): SessionHub {
  const { store, publisher, consensus } = cluster
  const server = settings.nodeName
  return new SessionHub({ store, publisher, consensus, clock, random, log, metrics, server, version })
}

function openReader(options: RoomOptions, hub: SessionHub, wan: WanPool): Reader {
  const { clock, random, metrics, cluster } = options
  const { store, consensus } = cluster
  const directory: ClusterDirectory = {
    ...directoryOf(options),
    wanMembers: () => wan.members().map(wanMember),
    roundTripMs: (datacenter) => wan.roundTripMs(datacenter),
  }
  const { enforcement } = hub
  return new Reader({ store, consensus, cluster: directory, enforcement, clock, random, metrics })
}

function limited({ settings, clock, log, metrics }: RoomOptions, calls: ServerApi): ServerApi {
  const configured = settings.requestLimits
  return configured === undefined ? calls : limitRequests(calls, { configured, clock, log, metrics })
}

/** Agents go first, then leadership; what was answered last is still on its way to those who asked. */
function leave({ cluster, clock }: RoomOptions, requests: Requests, done: () => void): void {
  requests.leave(() =>
    cluster.consensus.stop(() =>
      clock.after(limits.lastAnswersMs, () => {
        requests.stop()
        done()
      }),
    ),
  )
}

/** What the leader does by itself, and what each server says about itself. */
function takeDuties(
  options: RoomOptions,
  {
    hub,
    forwarding,
    gossip,
  }: { readonly hub: SessionHub; readonly forwarding: Forwarding; readonly gossip: GossipView },
): void {
  const { settings, version, clock, random, log, cluster } = options
  const { store, consensus, admission } = cluster
  const self = { kind: 'server', node: settings.nodeName } as const
  const write = (command: Command, reply: Reply<unknown>): void => admission.write(self, command, reply)
  const { defaultIntentionAction, bootstrapEntries } = settings
  new Configured({ store, consensus, write, clock, log, defaultIntentionAction, bootstrapEntries })
  new Tombstones({ store, consensus, write, clock, log })
  const sessions = new SessionTimers({ store, consensus, write, clock, log })
  admission.onRenewal((renewal, reply) => sessions.renew(renewal, reply))
  new DepartedServers({ store, consensus, write, clock, log })
  new Membership({ store, presence: hub, gossip, consensus, write, clock, random, log })
  const { nodeName: name, advertiseAddress: address, datacenter, nodeMeta: meta } = settings
  const node = {
    id: '',
    name,
    address,
    datacenter,
    taggedAddresses: { lan: address, wan: settings.wan.advertiseAddress },
    meta,
  }
  const atLeader = (command: Command, reply: Reply<unknown>): void => forwarding.write(self, command, reply)
  const port = settings.ports.server
  new OwnNode({ store, consensus, write: atLeader, clock, log, node, port, version })
}

/** What lets further servers in. */
function openServers(
  { settings, clock, log, cluster }: RoomOptions,
  trust: { readonly authority: Authority; readonly access: Access },
): Servers {
  const { store, consensus, admission, clusterKey, transport, peerServers } = cluster
  return new Servers({
    ...trust,
    admission,
    consensus,
    server: settings.nodeName,
    clusterKey,
    view: () => store.view(),
    clock,
    log,
    passOn: (leader, request, done) => transport.call(leader, methods.enrollServer, request, done),
    serverNamed: (node) => {
      if (node === settings.nodeName) return consensus.status().id
      const reached = transport.reports().filter(({ isConnected }) => isConnected)
      return reached.find(({ id }) => store.view().serverInfo(id)?.node === node)?.id
    },
    announcedAt: (id) => store.view().serverInfo(id)?.modifyIndex,
    isServer: (peer) => peerServers.idOf(peer) !== undefined,
  })
}

function invitationOf(options: RoomOptions, forwarding: Forwarding): OwnAgentPorts {
  const { settings, clock, random, log, cluster } = options
  const { store, consensus } = cluster
  return {
    view: () => store.view(),
    write: (command, reply) => forwarding.write({ kind: 'server', node: settings.nodeName }, command, reply),
    servers: () => consensus.configuration().servers.map((server) => server.address),
    node: settings.nodeName,
    clock,
    random,
    log,
  }
}

/** Addresses of the servers, from the log's own configuration, and their names, as far as they have said them. */
function directoryOf({ settings, cluster }: RoomOptions): ClusterDirectory {
  const { store, consensus } = cluster
  const servers = () => consensus.configuration().servers
  const named = () => servers().flatMap(({ id }) => store.view().serverInfo(id)?.node ?? [])
  return {
    addressOf: (id) => servers().find((server) => server.id === id)?.address,
    peers: () => servers().map((server) => server.address),
    nodes: () => new Set([settings.nodeName, ...named()]),
    fromAfar: () => afarPlaces(store.view(), servers()),
  }
}

/** Another root, by rotation or because another cluster's state was restored, signs another certificate. */
function followRoot(store: Store, own: OwnCertificate): void {
  const active = (): string | undefined =>
    store
      .view()
      .roots('host')
      .find((root) => root.active)?.id
  let signedBy = active()
  const look = (): void => {
    const now = active()
    if (now === signedBy || now === undefined) return
    signedBy = now
    own.renewNow()
  }
  store.onReplaced(look)
  store.onCommit((_view, changes) => {
    if (changes.roots) look()
  })
}

function openCertificate(
  options: RoomOptions,
  authority: Authority,
): Result<Pick<ServerRooms, 'identity' | 'onIdentity'> & { current(): TlsIdentity; stop(): void }> {
  const { settings, files, clock, random, log, metrics, cluster } = options
  const listeners: ((identity: TlsIdentity) => void)[] = []
  const names = serverNames(settings.nodeName, ownAddress(settings))
  const own = OwnCertificate.open({
    authority,
    view: () => cluster.store.view(),
    names,
    files,
    clock,
    random,
    log,
    metrics,
    onChange: (identity) => {
      shown = identity
      for (const listener of listeners) listener(identity)
    },
  })
  if (!own.ok) return own
  const identity = own.value.start()
  if (!identity.ok) return identity
  let shown = identity.value
  followRoot(cluster.store, own.value)
  return ok({
    identity: identity.value,
    current: () => shown,
    onIdentity: (listener) => {
      listeners.push(listener)
    },
    stop: () => own.value.stop(),
  })
}
