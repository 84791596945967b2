/**
 * Plans again when something that a plan is made from changed, once per turn of the event loop however much changed, and
 * says what the agent has to know and hold for the next plan.
 */
import { sameValue } from '../../model/equality.ts'
import { limits } from '../../model/limits.ts'
import type { ExposedResource, InboundDrain } from '../../model/proxy-config.ts'
import type { Service } from '../../model/service.ts'
import type { Subject } from '../../model/topic.ts'
import type { Clock, Metrics, Timer } from '../../platform/ports.ts'
import type { Leaves, LocalRegistry, LocalService, ProxyLink, Views } from '../contract.ts'
import type { Host } from './endpoints.ts'
import { localProxies, meshServices, subjectsWanted } from './mesh-services.ts'
import { type Plan, plan } from './plan.ts'

export interface PlanDriverOptions {
  readonly registry: Pick<LocalRegistry, 'services' | 'onChange'>
  readonly views: Views
  readonly leaves: Leaves
  readonly link: Pick<ProxyLink, 'publish'>
  readonly bindAddress: string
  readonly datacenter: string
  readonly host: Host
  readonly clock: Clock
  readonly metrics: Metrics
  /** What is taken out of use; without it nothing ever is. */
  readonly drains?: PlanDrains
  /** Hosts that gossip found failed: their instances are chosen last from that moment on. */
  readonly failedHosts?: { nodes(): ReadonlySet<string>; onChange(listener: () => void): void }
  /** Listeners that checks of this host go through. */
  readonly exposures?: { resources(): readonly ExposedResource[] }
}

/** Instances on their way out, as far as the plan has to know them. */
export interface PlanDrains {
  /** Told of each change of the registered services, before they are planned. */
  registered(before: readonly Service[], now: readonly Service[]): void
  departing(): readonly Service[]
  drainOf(proxyId: string): InboundDrain | undefined
  onChange(listener: () => void): void
}

export class PlanDriver {
  readonly #options: PlanDriverOptions
  #timer: Timer | undefined
  #started: boolean = false
  #rows: readonly LocalService[] | undefined
  #services: readonly Service[] = []
  #plan: Plan | undefined
  #host: Host
  #wanted: readonly Subject[] = []
  #published: Plan['resources'] | undefined
  #patience: Timer | undefined

  constructor(options: PlanDriverOptions) {
    this.#options = options
    this.#host = options.host
    options.registry.onChange(() => this.#changed())
    options.views.onChange(() => this.#changed())
    options.leaves.onChange(() => this.#changed())
    options.failedHosts?.onChange(() => this.#changed())
    options.drains?.onChange(() => {
      // Departing instances need certificates and rules too, so everything is declared anew.
      this.#rows = undefined
      this.#changed()
    })
  }

  /**
   * To be called when registrations, views and leaves were loaded. What a plan lacks, proxies take down, and saved views may be
   * seconds older than what proxies that went on without this agent have in force: the first plan waits until a server has
   * confirmed all that it is made from, and when none does in time it is made from what is there.
   */
  start(): void {
    this.#started = true
    this.#patience = this.#options.clock.after(limits.firstPlanWaitMs, () => this.#open())
    this.#run()
  }

  #open(): void {
    this.#patience?.cancel()
    this.#patience = undefined
    this.#publish()
  }

  /** This host's zone may be another one now. */
  moveTo(host: Host): void {
    if (sameValue(host, this.#host)) return
    this.#host = host
    this.#changed()
  }

  stop(): void {
    this.#started = false
    this.#timer?.cancel()
    this.#timer = undefined
    this.#patience?.cancel()
    this.#patience = undefined
  }

  #changed(): void {
    if (!this.#started) return
    this.#timer ??= this.#options.clock.after(0, () => {
      this.#timer = undefined
      this.#run()
    })
  }

  #run(): void {
    const { registry, views, leaves, metrics, bindAddress, datacenter, drains } = this.#options
    const rows = registry.services()
    if (rows !== this.#rows) {
      this.#rows = rows
      const services = rows.map(({ service }) => service)
      drains?.registered(this.#services, services)
      this.#services = services
      const departing = drains?.departing() ?? []
      this.#wanted = subjectsWanted([...services, ...departing.map(withoutUpstreams)], datacenter)
      views.want(this.#wanted)
      leaves.want(meshServices(localProxies([...services, ...departing])))
    }
    const before = this.#plan
    this.#plan = plan(
      {
        services: this.#services,
        view: (subject) => views.view(subject),
        leaf: (service) => leaves.leaf(service),
        bindAddress,
        datacenter,
        host: this.#host,
        failedHosts: this.#options.failedHosts?.nodes() ?? noHosts,
        departing: drains?.departing() ?? [],
        drain: (proxyId) => drains?.drainOf(proxyId),
        exposures: this.#options.exposures?.resources() ?? [],
      },
      before,
    )
    metrics.count('mesh_plans_total')
    if (this.#patience === undefined) this.#publish()
    else if (this.#wanted.every((subject) => views.view(subject)?.live === true)) this.#open()
  }

  #publish(): void {
    const resources = this.#plan?.resources
    if (resources === undefined || resources === this.#published) return
    this.#published = resources
    this.#options.link.publish(resources)
  }
}

const noHosts: ReadonlySet<string> = new Set()

/** Nothing new is called on behalf of a service that is going. */
function withoutUpstreams(service: Service): Service {
  return service.proxy === undefined ? service : { ...service, proxy: { ...service.proxy, upstreams: [] } }
}
