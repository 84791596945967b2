/**
 * Builds the agent's rooms and joins them. Order matters in two places: whoever observes rows exists before rows are
 * loaded, and everything is loaded before the first plan, because what a plan lacks, proxies take down.
 */
import type { Settings } from '../config/settings.ts'
import { ok } from '../model/errors.ts'
import { meshNameOf } from '../model/service.ts'
import type { ProgramLog } from '../platform/log.ts'
import type { ProgramMetrics } from '../platform/metrics.ts'
import type { Clock, Random, StateFiles } from '../platform/ports.ts'
import { systemSourceFiles } from '../platform/source-files.ts'
import type { Reply, ServerClient } from '../rpc/contract.ts'
import type { OperatorClient } from '../rpc/operator.ts'
import type { ApiDependencies } from './api/contract.ts'
import type { Exposures } from './checks/exposures.ts'
import type { Standing, View, Views } from './contract.ts'
import { ControlStream } from './control/control-stream.ts'
import { SharedWants } from './control/shared-wants.ts'
import { ViewStore } from './control/view-store.ts'
import { DefinitionFiles } from './definitions/definition-files.ts'
import { Drains } from './drain/drains.ts'
import { leaveHost, returnHost } from './drain/leaving.ts'
import type { HostEnrollment } from './enrollment/enrollment.ts'
import { HostLeaves } from './leaves/leaves.ts'
import type { RunningProxyLink } from './link/proxy-link.ts'
import type { LanMembership } from './membership/lan-membership.ts'
import { PlanDriver, type PlanDriverOptions } from './plan/driver.ts'
import { hostOf } from './plan/endpoints.ts'
import { ClusterReader } from './query/cluster-reader.ts'
import { AntiEntropy } from './registry/anti-entropy.ts'
import { localNode } from './registry/local-node.ts'
import { LocalState } from './registry/local-state.ts'
import { startChecks } from './start-checks.ts'
import { openClient } from './start-client.ts'
import { type AgentDns, openDns } from './start-dns.ts'
import { startMembership } from './start-membership.ts'
import type { AgentOptions } from './start-options.ts'

/** The machine and this host's own things: what every room may be given. */
export interface Surroundings extends AgentOptions {
  readonly files: StateFiles
  readonly log: ProgramLog
  readonly metrics: ProgramMetrics
  readonly clock: Clock
  readonly random: Random
  readonly nodeId: string
  readonly enrollment: HostEnrollment
}

export interface AgentRooms {
  readonly api: Pick<
    ApiDependencies,
    | 'registry'
    | 'drains'
    | 'leave'
    | 'views'
    | 'leaves'
    | 'standing'
    | 'read'
    | 'recall'
    | 'follow'
    | 'write'
    | 'operate'
    | 'reload'
    | 'membership'
    | 'userEvents'
  >
  readonly dns: AgentDns
  /** This host is enrolled: connect, synchronise, renew. */
  join(): void
  /** Reads the configuration again; mistakes are logged and leave everything as it is. */
  reload(): void
  stop(): void
}

export function openRooms(surroundings: Surroundings, link: RunningProxyLink): AgentRooms {
  const { enrollment } = surroundings
  const servers = openClient(surroundings)
  const { client, renew, moveOn } = servers
  const registry = openRegistry(surroundings)
  const views = new ViewStore(surroundings)
  const leaves = new HostLeaves({ ...surroundings, client })
  const wants = new SharedWants(views)
  const wantForPlan = wants.part()
  const reader = new ClusterReader({ ...surroundings, client, views, want: wants.part() })
  const read: ServerClient['read'] = (request, reply) => reader.read(request, reply)
  const { rooms: checks, exposures } = startChecks(surroundings, registry, read)
  const gossip = startMembership(surroundings, servers, registry)
  const { membership, failedHosts } = gossip
  const { sync, control } = openStreams(surroundings, { client, registry, views, membership, moveOn })
  link.onEnforced((byDestination) => control.enforced(byDestination))
  followRoots(views, leaves)
  retryWhenRegistered(registry, leaves)
  enrollment.onChange(() => {
    leaves.retry()
    control.retry()
  })
  const forPlan = { ...viewing(views), want: wantForPlan }
  const plan = { registry, views: forPlan, leaves, link, read, exposures, failedHosts }
  const { driver, drains } = openPlan(surroundings, plan)
  const dns = openDns(surroundings, {
    views,
    want: wants.part(),
    read,
    control,
    settings: () => definitions.settings(),
  })
  const definitions = followDefinitions(surroundings, { registry, sync, dns, driver })
  driver.start()
  return {
    dns,
    api: {
      registry,
      drains,
      leave: (done) => leaveHost({ ...surroundings, drains }, () => gossip.leave(done)),
      membership,
      userEvents: gossip.userEvents,
      views,
      leaves,
      standing: standingOf(surroundings, { control, link, leaves, failedHosts }),
      ...clusterDoors(reader, client),
      reload: reloading(definitions),
    },
    join: () => {
      renew()
      leaves.retry()
      enrollment.start(client)
      gossip.join()
      control.start()
      sync.start()
    },
    reload: () => {
      definitions.reload()
    },
    stop: () => {
      for (const room of [definitions, driver, drains, control, sync, enrollment, leaves, gossip, ...checks])
        room.stop()
      views.close()
      registry.close()
      client.close()
    },
  }
}

/** How this host stands in the mesh, as each room knows it. */
const standingOf = (
  { enrollment }: Surroundings,
  rooms: {
    readonly control: ControlStream
    readonly link: RunningProxyLink
    readonly leaves: HostLeaves
    readonly failedHosts: { nodes(): ReadonlySet<string> }
  },
): Standing => ({
  enrolledUntilMs: () => enrollment.identity()?.notAfterMs,
  refusal: () => enrollment.refusal(),
  server: () => rooms.control.server(),
  outage: () => rooms.control.outage(),
  proxies: () => rooms.link.proxies(),
  leafFailure: (service) => rooms.leaves.failure(service),
  failedHosts: () => rooms.failedHosts.nodes(),
})

/** Ways from the API to the servers. */
const clusterDoors = (
  reader: ClusterReader,
  client: ServerClient & OperatorClient,
): Pick<ApiDependencies, 'read' | 'recall' | 'follow' | 'write' | 'operate'> => ({
  read: (request, reply) => reader.read(request, reply),
  recall: (question) => reader.recall(question),
  follow: (question) => reader.follow(question),
  write: (request, reply) => client.write(request, reply),
  operate: (request, reply) => client.operate(request, reply),
})

function openRegistry(surroundings: Surroundings): LocalState {
  const { settings } = surroundings.configuration
  return new LocalState({
    ...surroundings,
    node: settings.nodeName,
    sidecarPorts: { min: settings.ports.sidecarMin, max: settings.ports.sidecarMax },
    bindAddress: settings.bindAddress,
    scripts: { everywhere: settings.enableScriptChecks, files: settings.enableLocalScriptChecks },
    discardOutput: settings.discardCheckOutput,
  })
}

/** What proxies shall do, and what of it is on its way out of use. */
function openPlan(
  surroundings: Surroundings,
  rooms: Pick<PlanDriverOptions, 'views' | 'leaves' | 'failedHosts'> & {
    readonly registry: LocalState
    readonly link: RunningProxyLink
    readonly read: ServerClient['read']
    readonly exposures: Exposures
  },
): { readonly driver: PlanDriver; readonly drains: Drains } {
  const { settings } = surroundings.configuration
  const { nodeName: node, bindAddress, datacenter } = settings
  const host = hostOf(settings)
  const drains = new Drains({ ...surroundings, ...rooms, node, bindAddress })
  return {
    drains,
    driver: new PlanDriver({ ...surroundings, ...rooms, drains, bindAddress, datacenter, host }),
  }
}

interface Streams {
  readonly sync: AntiEntropy
  readonly control: ControlStream
}

/** What this host tells the servers, and what they tell it. */
function openStreams(
  surroundings: Surroundings,
  rooms: {
    readonly client: ServerClient
    readonly registry: LocalState
    readonly views: ViewStore
    readonly membership: LanMembership
    readonly moveOn: () => void
  },
): Streams {
  const { configuration, enrollment, nodeId, version } = surroundings
  const { settings } = configuration
  const { client, registry, views, membership, moveOn } = rooms
  const sync = new AntiEntropy({
    ...surroundings,
    client,
    rows: registry.rows,
    node: localNode(settings, nodeId),
    checkUpdateIntervalMs: settings.checkUpdateIntervalMs,
    clusterSize: () => membership.size,
  })
  const control = new ControlStream({
    ...surroundings,
    client,
    views,
    node: settings.nodeName,
    version,
    onUp: () => sync.serverUp(),
    onServers: (addresses) => enrollment.useServers(addresses),
    onGossipKeys: (keys) => enrollment.useGossipKeys(keys),
    onEvicted: () => enrollment.awaitNewKey(),
    onSentAway: moveOn,
  })
  return { sync, control }
}

/** Views for a room that says by other means what it wants. */
const viewing = (views: ViewStore): Pick<Views, 'view' | 'onChange'> => ({
  view: (subject) => views.view(subject),
  onChange: (listener) => views.onChange(listener),
})

/** Leaves are replaced when another root becomes the active one. */
function followRoots(views: ViewStore, leaves: HostLeaves): void {
  const use = (view: View | undefined): void => {
    for (const body of view?.bodies ?? []) {
      if (body.topic !== 'roots') continue
      leaves.useRoots(body.roots)
      leaves.useEvictions(new Set(body.evicted))
    }
  }
  const subject = { topic: 'roots', key: '' } as const
  use(views.view(subject))
  views.onChange((changed) => {
    if (changed.topic === 'roots') use(views.view(subject))
  })
}

/** A leaf that was refused because the catalog did not know the service yet is asked for again once it does. */
function retryWhenRegistered(registry: LocalState, leaves: HostLeaves): void {
  registry.onChange(() => {
    const isWaiting = registry
      .services()
      .some(
        ({ service, synced }) =>
          synced && leaves.failure(meshNameOf(service))?.code === 'service-not-registered',
      )
    if (isWaiting) leaves.retry()
  })
}

/** Loads saved registrations and the configuration's definitions, and follows the files. */
function followDefinitions(
  surroundings: Surroundings,
  rooms: {
    readonly registry: LocalState
    readonly sync: AntiEntropy
    readonly dns: AgentDns
    readonly driver: PlanDriver
  },
): DefinitionFiles {
  const { registry, sync, dns, driver } = rooms
  const { configuration, configurationPaths, nodeId, log } = surroundings
  const onSettings = (settings: Settings): void => {
    log.setLevel(settings.log.level)
    sync.update(localNode(settings, nodeId), settings.checkUpdateIntervalMs)
    dns.settingsChanged()
    driver.moveTo(hostOf(settings))
  }
  const definitions = new DefinitionFiles(
    { ...surroundings, files: systemSourceFiles, paths: configurationPaths, registry, onSettings },
    configuration.settings,
  )
  registry.load()
  returnHost(registry)
  definitions.start(configuration)
  return definitions
}

const reloading =
  (definitions: DefinitionFiles) =>
  (done: Reply<true>): void => {
    const reloaded = definitions.reload()
    done(reloaded.ok ? ok(true) : reloaded)
  }
