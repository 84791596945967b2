/**
 * Builds what connects this server to those of other datacenters: the lines, what is kept of the others, what is copied from
 * the primary. One part of the server's composition root (start-rooms.ts).
 */
import { joinHostPort } from '../config/address.ts'
import type { Settings } from '../config/settings.ts'
import type { Principal } from '../model/access.ts'
import type { Command } from '../model/command.ts'
import type { Datacenter } from '../model/datacenter.ts'
import { systemHostNames } from '../platform/host-names.ts'
import { systemPoolSockets } from '../platform/pool-sockets.ts'
import type { Clock, Log, Metrics, Random, StateFiles } from '../platform/ports.ts'
import type { ClientIdentity } from '../rpc/channel-credentials.ts'
import type { Reply } from '../rpc/contract.ts'
import { createGrpcClient } from '../rpc/grpc-client.ts'
import { methods } from '../rpc/methods.ts'
import { callPinned } from '../rpc/pinned-call.ts'
import type { TlsIdentity } from '../rpc/tls.ts'
import { createTrust } from '../wire/x509/chain.ts'
import type { Access } from './access/access.ts'
import type { Written } from './admission/admission.ts'
import { Acquaintance } from './federation/acquaintance.ts'
import type { FarLine } from './federation/contract.ts'
import { CopyWait } from './federation/copy-wait.ts'
import { FarServices } from './federation/far-services.ts'
import { Federating } from './federation/federating.ts'
import { Federation } from './federation/federation.ts'
import { Lines } from './federation/lines.ts'
import { Replication } from './federation/replication.ts'
import { WanPool } from './federation/wan-pool.ts'
import { type AfarPlaces, factsOf } from './queries/federation.ts'
import { serverTags } from './server-tags.ts'
import type { Cluster } from './start-cluster.ts'

export interface FederationOptions {
  readonly settings: Settings
  readonly version: string
  readonly files: StateFiles
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly metrics: Metrics
  readonly cluster: Cluster
  readonly access: Access
  /** What this server shows to others now. */
  readonly identity: () => TlsIdentity
  /** Where servers of other datacenters reach those of ours. */
  readonly places: () => AfarPlaces
  /** Has a command written at the leader, wherever that is. */
  readonly write: (principal: Principal, command: Command, reply: Reply<Written>) => void
}

export interface RunningFederation {
  readonly federation: Federation
  readonly federating: Federating
  /** Servers of all datacenters, as gossip knows them. */
  readonly wan: WanPool
  /** This server has a new certificate. */
  identityChanged(): void
  stop(): void
}

export function openFederation(options: FederationOptions): RunningFederation {
  const { settings, clock, access, cluster, write } = options
  const { store, consensus, publisher, admission } = cluster
  const wan = openWan(options, (datacenter) => lines.heard(datacenter))
  const lines: Lines = new Lines({ store, dial: (datacenter) => dial(options, wan, datacenter) })
  const server: Principal = { kind: 'server', node: settings.nodeName }
  const rooms = {
    ...options,
    store,
    consensus,
    read: lines.read,
    write: (command: Command, reply: Reply<unknown>) => admission.write(server, command, reply),
  }
  const services = new FarServices(rooms)
  publisher.useFar(services)
  const acquaintance = new Acquaintance(rooms)
  const replication = new Replication(rooms)
  const federating = new Federating({
    store,
    access,
    server: settings.nodeName,
    facts: (view) => factsOf(view, options.places()),
    write,
    ask: (target, request, reply) => callPinned(methods.federate, { ...target, clock }, request, reply),
    expectedPrimary: settings.wan.primaryDatacenter,
  })
  return {
    federation: new Federation({ store, lines, copies: new CopyWait({ store, clock }) }),
    federating,
    wan,
    identityChanged: () => lines.identityChanged(),
    stop: () => {
      acquaintance.stop()
      replication.stop()
      services.stop()
      wan.stop()
      lines.close()
    },
  }
}

/** Trusts the roots that the state names for the datacenter at the moment of each attempt, and no others. */
function dial(
  options: FederationOptions,
  wan: Pick<WanPool, 'servers'>,
  datacenter: () => Datacenter | undefined,
): FarLine {
  const identity = (): ClientIdentity => {
    const row = datacenter()
    const roots = row?.hostRoots ?? []
    const trust = createTrust(roots.map(({ trustDomain, certificatePem: pem }) => ({ trustDomain, pem })))
    // Nobody matches an empty pin: the connection is refused here, before anything is shown.
    if (row === undefined || !trust.ok) return { kind: 'pinned', pin: '' }
    return { kind: 'host', tls: options.identity(), trust: trust.value, datacenter: row.name }
  }
  return createGrpcClient({
    ...options,
    servers: () => {
      const row = datacenter()
      return row === undefined ? [] : serversToTry(row.servers, wan.servers(row.name))
    },
    identity,
    holdTimeoutMs: options.settings.rpcHoldTimeoutMs,
  })
}

/** Those that gossip finds alive, then those that the state names; without failed ones, unless there is no other. */
function serversToTry(
  known: readonly string[],
  { alive, failed }: ReturnType<WanPool['servers']>,
): readonly string[] {
  const all = [...new Set([...alive, ...known])]
  const gone = new Set(failed)
  const reachable = all.filter((address) => !gone.has(address))
  return reachable.length > 0 ? reachable : all
}

function openWan(options: FederationOptions, onServers: (datacenter: string) => void): WanPool {
  const { settings, cluster } = options
  const { store } = cluster
  const wan = new WanPool({
    ...options,
    sockets: systemPoolSockets,
    names: systemHostNames,
    node: settings.nodeName,
    datacenter: settings.datacenter,
    wan: settings.wan,
    gossip: settings.gossip,
    tags: wanTags(options),
    known: () => [
      ...options.places().gossip.filter((address) => address !== wanPlaceOf(settings).gossip),
      ...store
        .view()
        .datacenters()
        .flatMap(({ gossip }) => gossip),
    ],
    isFederated: () => store.view().datacenters().length > 0,
    onServers,
  })
  store.onCommit((_view, changes) => {
    if (changes.roots) wan.look()
  })
  store.onReplaced(() => wan.look())
  wan.look()
  return wan
}

/** Consul's tags of a server, by which servers of other datacenters find it. */
function wanTags({ settings, version, cluster }: FederationOptions): ReadonlyMap<string, string> {
  return new Map([
    ...Object.entries(serverTags(settings)),
    ['dc', settings.datacenter],
    ['id', cluster.consensus.status().id],
    ['vsn', '2'],
    ['vsn_min', '2'],
    ['vsn_max', '3'],
    ['build', version],
  ])
}

/** Where servers of other datacenters reach this one; `gossip` is '' where they do not. */
export function wanPlaceOf({ wan, ports }: Pick<Settings, 'wan' | 'ports'>): {
  readonly server: string
  readonly gossip: string
} {
  const { advertiseAddress: address, port } = wan
  return {
    server: joinHostPort(address, ports.server),
    gossip: port > 0 ? joinHostPort(address, port) : '',
  }
}
