/**
 * Builds what connects this server to those of other datacenters: the lines, what is kept of the others, what is copied from
 * the primary. One part of the server's composition root (start-rooms.ts).
 */
import type { Settings } from '../config/settings.ts'
import type { Principal } from '../model/access.ts'
import type { Command } from '../model/command.ts'
import type { Datacenter } from '../model/datacenter.ts'
import type { Clock, Log, Metrics, Random } from '../platform/ports.ts'
import type { ClientIdentity } from '../rpc/channel-credentials.ts'
import type { Reply } from '../rpc/contract.ts'
import { federateAt } from '../rpc/federate-call.ts'
import { createGrpcClient } from '../rpc/grpc-client.ts'
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
import { type AfarPlaces, factsOf } from './queries/federation.ts'
import type { Cluster } from './start-cluster.ts'

export interface FederationOptions {
  readonly settings: Settings
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
  /** This server has a new certificate. */
  identityChanged(): void
  stop(): void
}

export function openFederation(options: FederationOptions): RunningFederation {
  const { settings, clock, access, cluster, write } = options
  const { store, consensus, publisher, admission } = cluster
  const lines = new Lines({ store, dial: (datacenter) => dial(options, datacenter) })
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
    ask: (target, request, reply) => federateAt({ ...target, clock }, request, reply),
    expectedPrimary: '',
  })
  return {
    federation: new Federation({ store, lines, copies: new CopyWait({ store, clock }) }),
    federating,
    identityChanged: () => lines.identityChanged(),
    stop: () => {
      acquaintance.stop()
      replication.stop()
      services.stop()
      lines.close()
    },
  }
}

/** Trusts the roots that the state names for the datacenter at the moment of each attempt, and no others. */
function dial(options: FederationOptions, datacenter: () => Datacenter | undefined): FarLine {
  const identity = (): ClientIdentity => {
    const row = datacenter()
    const roots = row?.hostRoots ?? []
    const trust = createTrust(
      roots.map(({ trustDomain, certificatePem: pem }) => ({ trustDomain, pem })),
    )
    // Nobody matches an empty pin: the connection is refused here, before anything is shown.
    if (row === undefined || !trust.ok) return { kind: 'pinned', pin: '' }
    return { kind: 'host', tls: options.identity(), trust: trust.value, datacenter: row.name }
  }
  return createGrpcClient({
    ...options,
    servers: () => datacenter()?.servers ?? [],
    identity,
    holdTimeoutMs: options.settings.rpcHoldTimeoutMs,
  })
}
