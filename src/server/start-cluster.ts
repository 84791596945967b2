/**
 * Opens this server's part of the cluster: state, log, consensus, and the transport to the other servers. A server without a
 * log founds a cluster, or it was admitted to one before; founding.ts decides, start.ts asks.
 */
import type { Settings } from '../config/settings.ts'
import type { Failure, Result } from '../model/errors.ts'
import { ok } from '../model/errors.ts'
import { maxFeatureLevel } from '../model/feature.ts'
import { nodeId as asNodeId } from '../model/ids.ts'
import { limits } from '../model/limits.ts'
import { createDisk } from '../platform/disk.ts'
import type { Clock, Log, Metrics, Random, StateFiles } from '../platform/ports.ts'
import { GrpcRaftTransport } from '../rpc/raft-transport.ts'
import type { TlsIdentity } from '../rpc/tls.ts'
import { publicKeyPem } from '../wire/x509/keys.ts'
import { Admission } from './admission/admission.ts'
import { Machine } from './apply/machine.ts'
import { makeGenesis, prepareSecrets, readClusterKey } from './ca/genesis.ts'
import { openServerKey } from './ca/own-certificate.ts'
import { PeerServers } from './ca/peer-servers.ts'
import { readServerFiles } from './ca/server-files.ts'
import type { Driver } from './consensus/driver.ts'
import { DurableWriter } from './consensus/durable-writer.ts'
import { readFormat } from './consensus/format.ts'
import { openConsensus } from './consensus/open.ts'
import { Publisher } from './events/publisher.ts'
import { raiseFormat } from './format-raise.ts'
import { ownAddress } from './founding.ts'
import { Store } from './store/store.ts'

export interface ClusterOptions {
  readonly settings: Settings
  readonly version: string
  readonly directory: string
  readonly id: string
  readonly files: StateFiles
  readonly log: Log
  readonly clock: Clock
  readonly random: Random
  readonly metrics: Metrics
  /** What this server shows to the others now. */
  readonly identity: () => TlsIdentity | undefined
}

/** The log is open and consensus runs; the state may not hold a cluster yet. */
export interface OpenLog {
  readonly store: Store
  readonly machine: Machine
  readonly publisher: Publisher
  readonly consensus: Driver
  readonly admission: Admission
  /** To the other servers: Raft's messages, and streams and calls for whoever needs them. */
  readonly transport: GrpcRaftTransport
  /** Who of the callers is which server. */
  readonly peerServers: PeerServers
}

export interface Cluster extends OpenLog {
  readonly clusterKey: Uint8Array
}

/** Fails where the log is damaged or of a newer version. `onFatal`: the disk failed, and the process must end. */
export async function openLog(
  options: ClusterOptions,
  onFatal: (failure: Failure) => void,
): Promise<Result<OpenLog>> {
  const { clock, random, log, metrics } = options
  const store = new Store()
  const machine = new Machine(store)
  // Before anything else that listens: events have to be marked before sessions hear of a commit.
  const publisher = new Publisher(store)
  const { transport, peerServers, serve } = openTransport(options, store)
  const disk = createDisk(options.directory)
  const opened = await new Promise<Result<Driver>>((resolve) => {
    openConsensus(
      {
        id: asNodeId(options.id),
        disk,
        clock,
        random,
        log,
        metrics,
        transport,
        stateMachine: machine,
        reserveBytes: limits.diskReserveBytes,
        onFatal,
      },
      resolve,
    )
  })
  if (!opened.ok) return opened
  const format = readFormat(disk)
  if (!format.ok) return format
  const writer = new DurableWriter({ disk, clock, onFull: () => undefined, onFatal })
  raiseFormat({ store, writer, written: format.value, log })
  const consensus = opened.value
  serve(consensus)
  const admission = new Admission({
    consensus,
    clock,
    log,
    metrics,
    featureLevel: () => store.view().featureLevel,
  })
  return ok({ store, machine, publisher, consensus, admission, transport, peerServers })
}

function openTransport(
  { settings, version, id, files, clock, random, log, metrics, identity }: ClusterOptions,
  store: Store,
): Pick<OpenLog, 'transport' | 'peerServers'> & { serve(consensus: Driver): void } {
  let consensus: Driver | undefined
  let stored = readServerFiles(files)
  const peerServers = new PeerServers({
    view: () => store.view(),
    files: () => {
      // A server that waits to be admitted gets them while it runs.
      if (!stored.ok || stored.value === undefined) stored = readServerFiles(files)
      return stored.ok ? stored.value : undefined
    },
    servers: () => consensus?.configuration().servers ?? [],
    clock,
  })
  const transport = new GrpcRaftTransport({
    id: asNodeId(id),
    address: ownAddress(settings),
    version,
    featureLevel: maxFeatureLevel,
    identity,
    judge: peerServers.judge,
    clock,
    random,
    log,
    metrics,
  })
  return {
    transport,
    peerServers,
    serve: (opened) => {
      consensus = opened
    },
  }
}

/** Makes this server the only voter of a new cluster. */
export async function found(options: ClusterOptions, { consensus }: OpenLog): Promise<Result<unknown>> {
  const { settings, files, id } = options
  const key = openServerKey(files)
  if (!key.ok) return key
  const server = {
    id: asNodeId(id),
    address: ownAddress(settings),
    suffrage: 'voter',
    publicKey: publicKeyPem(key.value),
  } as const
  return new Promise((resolve) => {
    consensus.bootstrap({ servers: [server] }, resolve)
  })
}

/** Resolves when the state holds a cluster's settings: after genesis, or after a leader was heard. */
export async function settle(options: ClusterOptions, open: OpenLog): Promise<Result<Cluster>> {
  const { settings, files, random, clock, log } = options
  // A crash may have come between the first configuration and the genesis: then the log is read, and there is no cluster.
  if (await hasCluster(open)) {
    const clusterKey = readClusterKey(files)
    return clusterKey.ok ? ok({ ...open, clusterKey: clusterKey.value }) : clusterKey
  }
  const secrets = prepareSecrets(files, random)
  if (!secrets.ok) return secrets
  const { defaultIntentionAction, datacenter } = settings
  const nowMs = clock.wallMs()
  const genesis = makeGenesis({ datacenter, defaultIntentionAction, secrets: secrets.value, random, nowMs })
  const principal = { kind: 'server', node: settings.nodeName } as const
  const written = await new Promise<Result<unknown>>((resolve) => {
    open.admission.write(principal, genesis, resolve)
  })
  if (!written.ok) return written
  log.info('a new cluster', { clusterId: genesis.settings.clusterId, datacenter })
  return ok({ ...open, clusterKey: secrets.value.clusterKey })
}

/** Resolves when the state has a cluster's settings, or when this server leads and everything that was committed has none. */
function hasCluster({ consensus, store }: OpenLog): Promise<boolean> {
  const isSettled = (): boolean => store.view().settings() !== undefined
  return new Promise((resolve) => {
    store.onCommit(() => {
      if (isSettled()) resolve(true)
    })
    const forget = store.onReplaced(() => {
      if (!isSettled()) return
      forget()
      resolve(true)
    })
    consensus.onLeadership((leading) => {
      if (leading || isSettled()) resolve(isSettled())
    })
  })
}
