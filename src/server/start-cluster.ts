/**
 * Opens this server's part of the cluster: state, log and consensus, and makes a new cluster where there is none. A server
 * that has no log yet founds a cluster of one: itself.
 */
import type { Settings } from '../config/settings.ts'
import type { Failure, Result } from '../model/errors.ts'
import { ok } from '../model/errors.ts'
import { nodeId as asNodeId } from '../model/ids.ts'
import { createDisk } from '../platform/disk.ts'
import type { Clock, Log, Metrics, Random, StateFiles } from '../platform/ports.ts'
import { publicKeyPem } from '../wire/x509/keys.ts'
import { Admission } from './admission/admission.ts'
import { Machine } from './apply/machine.ts'
import { makeGenesis, prepareSecrets, readClusterKey } from './ca/genesis.ts'
import { openServerKey } from './ca/own-certificate.ts'
import type { RaftTransport } from './consensus/contract.ts'
import type { Driver } from './consensus/driver.ts'
import { openConsensus } from './consensus/open.ts'
import { Publisher } from './events/publisher.ts'
import { Store } from './store/store.ts'

export interface ClusterOptions {
  readonly settings: Settings
  readonly directory: string
  readonly id: string
  readonly files: StateFiles
  readonly log: Log
  readonly clock: Clock
  readonly random: Random
  readonly metrics: Metrics
}

export interface Cluster {
  readonly store: Store
  readonly publisher: Publisher
  readonly consensus: Driver
  readonly admission: Admission
  readonly clusterKey: Uint8Array
}

/** A cluster of one server has nobody to talk to. */
const alone: RaftTransport = {
  send: () => undefined,
  onMessage: () => undefined,
  setServers: () => undefined,
}

/** Resolves when the state holds a cluster's settings: after genesis, or after the log was read. */
export async function openCluster(
  options: ClusterOptions,
  onFatal: (failure: Failure) => void,
): Promise<Result<Cluster>> {
  const { settings, files, random, clock, log, metrics } = options
  const store = new Store()
  // Before anything else that listens: events have to be marked before sessions hear of a commit.
  const publisher = new Publisher(store)
  const opened = await new Promise<Result<Driver>>((resolve) => {
    openConsensus(
      {
        id: asNodeId(options.id),
        disk: createDisk(options.directory),
        clock,
        random,
        log,
        metrics,
        transport: alone,
        stateMachine: new Machine(store),
        onFatal,
      },
      resolve,
    )
  })
  if (!opened.ok) return opened
  const consensus = opened.value
  const admission = new Admission({ consensus, clock, log, metrics })
  const cluster = { store, publisher, consensus, admission }
  if (consensus.isNew()) {
    const bootstrapped = await bootstrap(options, cluster)
    if (!bootstrapped.ok) return bootstrapped
  }
  // A crash may have come between the first configuration and the genesis: then the log is read, and there is no cluster.
  if (await hasCluster(cluster)) {
    const clusterKey = readClusterKey(files)
    return clusterKey.ok ? ok({ ...cluster, clusterKey: clusterKey.value }) : clusterKey
  }
  const secrets = prepareSecrets(files, random)
  if (!secrets.ok) return secrets
  const { defaultIntentionAction, datacenter } = settings
  const nowMs = clock.wallMs()
  const genesis = makeGenesis({ datacenter, defaultIntentionAction, secrets: secrets.value, random, nowMs })
  const principal = { kind: 'server', node: settings.nodeName } as const
  const written = await new Promise<Result<unknown>>((resolve) => {
    admission.write(principal, genesis, resolve)
  })
  if (!written.ok) return written
  log.info('a new cluster', { clusterId: genesis.settings.clusterId, datacenter })
  return ok({ ...cluster, clusterKey: secrets.value.clusterKey })
}

/** Makes this server the only voter of a new cluster. */
async function bootstrap(
  options: ClusterOptions,
  { consensus }: Pick<Cluster, 'consensus'>,
): Promise<Result<unknown>> {
  const { settings, files, id } = options
  const key = openServerKey(files)
  if (!key.ok) return key
  const server = {
    id: asNodeId(id),
    address: `${settings.advertiseAddress}:${settings.ports.server}`,
    suffrage: 'voter',
    publicKey: publicKeyPem(key.value),
  } as const
  return new Promise((resolve) => {
    consensus.bootstrap({ servers: [server] }, resolve)
  })
}

/** Resolves when the state has a cluster's settings, or when this server leads and everything that was committed has none. */
function hasCluster({ consensus, store }: Pick<Cluster, 'consensus' | 'store'>): Promise<boolean> {
  const isSettled = (): boolean => store.view().settings() !== undefined
  return new Promise((resolve) => {
    store.onCommit(() => {
      if (isSettled()) resolve(true)
    })
    consensus.onLeadership((leading) => {
      if (leading || isSettled()) resolve(isSettled())
    })
  })
}
