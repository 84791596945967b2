/** Builds the server's rooms on an open cluster and joins them: who hears of commits, who writes for the leader. */
import type { Settings } from '../config/settings.ts'
import type { Command } from '../model/command.ts'
import { ok, type Result } from '../model/errors.ts'
import type { Clock, Log, Metrics, Random, StateFiles } from '../platform/ports.ts'
import type { Peer, Reply, ServerApi } from '../rpc/contract.ts'
import type { TlsIdentity } from '../rpc/tls.ts'
import { createAccess } from './access/access.ts'
import { Authority } from './ca/authority.ts'
import { Hosts } from './ca/hosts.ts'
import { LeafSigning } from './ca/leaf-signing.ts'
import { inviteOwnAgent, type OwnAgentPorts } from './ca/own-agent.ts'
import { OwnCertificate } from './ca/own-certificate.ts'
import { createCalls } from './calls.ts'
import { Configured } from './leader/configured.ts'
import { Membership } from './leader/membership.ts'
import { OwnNode } from './leader/own-node.ts'
import { Tombstones } from './leader/tombstones.ts'
import type { ClusterDirectory } from './queries/planners.ts'
import { Reader } from './queries/reader.ts'
import { SessionHub } from './sessions/hub.ts'
import type { Cluster } from './start-cluster.ts'

export interface RoomOptions {
  readonly settings: Settings
  readonly version: string
  readonly files: StateFiles
  readonly log: Log
  readonly clock: Clock
  readonly random: Random
  readonly metrics: Metrics
  readonly cluster: Cluster
}

export interface ServerRooms {
  readonly calls: ServerApi
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
  const { settings, version, clock, random, log, metrics, cluster } = options
  const { store, publisher, consensus, admission, clusterKey } = cluster
  const view = () => store.view()
  const access = createAccess({ view, clock, log, metrics })
  const authority = new Authority({ clusterKey, view, clock, random, leafTtlMs: settings.leafTtlMs })
  const hosts = new Hosts({ authority, access, admission, server: settings.nodeName, view, clock })
  const leaves = new LeafSigning({ authority, access, view, clock, metrics })
  const hub = new SessionHub({
    store,
    publisher,
    consensus,
    clock,
    random,
    log,
    metrics,
    server: settings.nodeName,
    version,
  })
  const directory = directoryOf(options)
  const reader = new Reader({
    store,
    consensus,
    cluster: directory,
    enforcement: hub.enforcement,
    clock,
    random,
    metrics,
  })
  takeDuties(options, hub)
  const certificate = openCertificate(options, authority)
  if (!certificate.ok) return certificate
  return ok({
    ...certificate.value,
    inviteOwnAgent: (done) => inviteOwnAgent(invitationOf(options), done),
    calls: createCalls({ access, admission, reader, hub, hosts, leaves }),
    isMember: (peer) => access.identify(peer, '').ok,
    log,
    metrics,
    stop: (done) => {
      certificate.value.stop()
      hub.stop()
      consensus.stop(done)
    },
  })
}

/** What the leader does by itself. */
function takeDuties(options: RoomOptions, hub: SessionHub): void {
  const { settings, version, clock, random, log, cluster } = options
  const { store, consensus, admission } = cluster
  const write = (command: Command, reply: Reply<unknown>): void =>
    admission.write({ kind: 'server', node: settings.nodeName }, command, reply)
  const { defaultIntentionAction, bootstrapEntries } = settings
  new Configured({ store, consensus, write, clock, log, defaultIntentionAction, bootstrapEntries })
  new Tombstones({ store, consensus, write, clock, log })
  new Membership({ store, presence: hub, consensus, write, clock, random, log })
  const { nodeName: name, advertiseAddress: address, datacenter, nodeMeta: meta } = settings
  const node = { id: '', name, address, datacenter, taggedAddresses: { lan: address, wan: address }, meta }
  new OwnNode({ store, consensus, write, clock, log, node, port: settings.ports.server, version })
}

function invitationOf({ settings, clock, random, log, cluster }: RoomOptions): OwnAgentPorts {
  const { store, consensus, admission } = cluster
  return {
    view: () => store.view(),
    write: (command, reply) => admission.write({ kind: 'server', node: settings.nodeName }, command, reply),
    servers: () => consensus.configuration().servers.map((server) => server.address),
    node: settings.nodeName,
    clock,
    random,
    log,
  }
}

/** Names and addresses of the servers, from the log's own configuration. */
function directoryOf({ settings, cluster }: RoomOptions): ClusterDirectory {
  const servers = () => cluster.consensus.configuration().servers
  return {
    addressOf: (id) => servers().find((server) => server.id === id)?.address,
    peers: () => servers().map((server) => server.address),
    nodes: () => new Set([settings.nodeName]),
  }
}

function openCertificate(
  options: RoomOptions,
  authority: Authority,
): Result<Pick<ServerRooms, 'identity' | 'onIdentity'> & { stop(): void }> {
  const { settings, files, clock, random, log, metrics } = options
  const listeners: ((identity: TlsIdentity) => void)[] = []
  const names = { node: settings.nodeName, dnsNames: [], ipAddresses: [settings.advertiseAddress] }
  const own = OwnCertificate.open({
    authority,
    names,
    files,
    clock,
    random,
    log,
    metrics,
    onChange: (identity) => {
      for (const listener of listeners) listener(identity)
    },
  })
  if (!own.ok) return own
  const identity = own.value.start()
  if (!identity.ok) return identity
  return ok({
    identity: identity.value,
    onIdentity: (listener) => {
      listeners.push(listener)
    },
    stop: () => own.value.stop(),
  })
}
