/**
 * What a leader does for the other servers: gives new ones their vote when they are well for a while, removes those that
 * are gone for good, raises the feature level when all support it. One change at a time, and never one that costs the
 * majority. Contact is what Raft itself hears; gossip decides nothing here.
 */
import { type AutopilotConfig, leastVotersKept } from '../../model/autopilot.ts'
import { type ClusterServer, votersOf } from '../../model/cluster.ts'
import type { Command } from '../../model/command.ts'
import { baseFeatureLevel, maxFeatureLevel } from '../../model/feature.ts'
import type { NodeId } from '../../model/ids.ts'
import { limits } from '../../model/limits.ts'
import type { Clock, Log, Metrics, Timer } from '../../platform/ports.ts'
import type { Reply } from '../../rpc/contract.ts'
import type { ClusterOperations, Consensus } from '../consensus/contract.ts'
import type { Store } from '../store/store.ts'
import { type Contact, contactsOf, failureTolerance, removalFault } from './server-health.ts'

export interface AutopilotPorts {
  readonly store: Store
  readonly consensus: Pick<Consensus, 'onLeadership' | 'status'> &
    Pick<ClusterOperations, 'change' | 'configuration' | 'followers'>
  /** Proposes as this server. */
  readonly write: (command: Command, reply: Reply<unknown>) => void
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
  /** Becomes the cluster's where it has none yet. */
  readonly seed: AutopilotConfig
  readonly heartbeatMs: number
}

/** What autopilot does to the list of servers. */
interface Change {
  readonly kind: 'promote' | 'remove'
  readonly id: NodeId
}

interface Stability {
  readonly isHealthy: boolean
  readonly sinceMs: number
  readonly sinceWallMs: number
}

export class Autopilot {
  readonly #ports: AutopilotPorts
  readonly #stability = new Map<NodeId, Stability>()
  #timer: Timer | undefined
  #leading: boolean = false
  #changing: boolean = false
  #writing: boolean = false

  constructor(ports: AutopilotPorts) {
    this.#ports = ports
    ports.consensus.onLeadership((leading) => {
      this.#leading = leading
      this.#stability.clear()
      this.#timer?.cancel()
      this.#timer = undefined
      if (leading) this.#tick()
    })
  }

  /** Before the cluster has rules, those that it will begin with. */
  config(): AutopilotConfig {
    return this.#ports.store.view().autopilot() ?? this.#ports.seed
  }

  /** Of all servers in the cluster; the leader alone knows them. */
  contacts(): ReadonlyMap<NodeId, Contact> {
    const { consensus, heartbeatMs } = this.#ports
    return contactsOf(consensus.status(), consensus.followers(), { config: this.config(), heartbeatMs })
  }

  /** Wall clock since when the server is as healthy as it is. */
  stableSinceMs(id: NodeId): number {
    return this.#stability.get(id)?.sinceWallMs ?? this.#ports.clock.wallMs()
  }

  #tick(): void {
    this.#timer = this.#ports.clock.after(limits.autopilotEveryMs, () => this.#tick())
    const contacts = this.contacts()
    this.#noteStability(contacts)
    this.#report(contacts)
    if (!this.#changing) {
      const change = this.#promotion() ?? this.#cleanUp(contacts)
      if (change !== undefined) this.#change(change)
    }
    if (!this.#writing) this.#writeWhatIsDue()
  }

  #noteStability(contacts: ReadonlyMap<NodeId, Contact>): void {
    const { clock } = this.#ports
    for (const id of this.#stability.keys()) if (!contacts.has(id)) this.#stability.delete(id)
    for (const { id, isHealthy } of contacts.values())
      if (this.#stability.get(id)?.isHealthy !== isHealthy)
        this.#stability.set(id, { isHealthy, sinceMs: clock.monotonicMs(), sinceWallMs: clock.wallMs() })
  }

  #report(contacts: ReadonlyMap<NodeId, Contact>): void {
    const { metrics, consensus } = this.#ports
    const isHealthy = [...contacts.values()].every((contact) => contact.isHealthy)
    metrics.gauge('mesh_autopilot_healthy', isHealthy ? 1 : 0)
    metrics.gauge('mesh_autopilot_failure_tolerance', failureTolerance(consensus.configuration(), contacts))
  }

  /** A learner that was well for long enough. */
  #promotion(): Change | undefined {
    const { clock, consensus } = this.#ports
    const { serverStabilizationTimeMs } = this.config()
    const isReady = ({ id, suffrage }: ClusterServer): boolean => {
      const stability = this.#stability.get(id)
      return (
        suffrage === 'learner' &&
        stability?.isHealthy === true &&
        clock.monotonicMs() - stability.sinceMs >= serverStabilizationTimeMs
      )
    }
    const ready = consensus.configuration().servers.find(isReady)
    return ready === undefined ? undefined : { kind: 'promote', id: ready.id }
  }

  /** A server that was silent for so long that nobody waits for it any more. */
  #cleanUp(contacts: ReadonlyMap<NodeId, Contact>): Change | undefined {
    const { cleanupDeadServers, deadServerLastContactMs, minQuorum } = this.config()
    if (!cleanupDeadServers) return undefined
    const configuration = this.#ports.consensus.configuration()
    const kept = minQuorum === 0 ? leastVotersKept : minQuorum
    const mayGo = ({ id, suffrage }: ClusterServer): boolean =>
      (contacts.get(id)?.silentMs ?? 0) >= deadServerLastContactMs &&
      (suffrage === 'learner' || votersOf(configuration).length - 1 >= kept) &&
      removalFault(configuration, contacts, id) === undefined
    const gone = configuration.servers.find(mayGo)
    return gone === undefined ? undefined : { kind: 'remove', id: gone.id }
  }

  #change(change: Change): void {
    const { consensus, log, metrics } = this.#ports
    this.#changing = true
    const why = change.kind === 'promote' ? 'it is well for long enough' : 'it is silent for too long'
    log.info('autopilot changes the cluster', { change: change.kind, server: change.id, why })
    consensus.change(change, (result) => {
      this.#changing = false
      metrics.count('mesh_autopilot_changes_total', { kind: change.kind, ok: String(result.ok) })
      if (!result.ok) log.warn('the cluster could not be changed, will be repeated', { ...result.failure })
    })
  }

  #writeWhatIsDue(): void {
    const command = this.#due()
    if (command === undefined) return
    const { write, log } = this.#ports
    this.#writing = true
    write(command, (result) => {
      this.#writing = false
      if (result.ok) log.info('autopilot wrote', { command: command.type })
      else
        log.warn('autopilot could not write, will be repeated', { command: command.type, ...result.failure })
    })
  }

  #due(): Command | undefined {
    const { store, clock, seed } = this.#ports
    const view = store.view()
    if (!this.#leading || view.settings() === undefined) return undefined
    const level = this.#supportedLevel()
    if (level > view.featureLevel) return { type: 'feature.raise', level }
    if (view.autopilot() === undefined && view.featureLevel >= 2)
      return { type: 'autopilot.set', config: seed, casIndex: 0 }
    const { staged } = view
    if (staged !== undefined && clock.wallMs() - staged.atMs > limits.restoreIdleMs)
      return { type: 'restore.abort', id: staged.id }
    return undefined
  }

  /** What every server of the cluster can read, learners too: they apply the same log. */
  #supportedLevel(): number {
    const view = this.#ports.store.view()
    const levels = this.#ports.consensus
      .configuration()
      .servers.map(({ id }) => view.serverInfo(id)?.maxFeatureLevel ?? baseFeatureLevel)
    return Math.min(maxFeatureLevel, ...levels)
  }
}
