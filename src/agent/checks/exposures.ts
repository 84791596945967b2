/**
 * Checks that go through the proxy of their service, where the proxy says `expose { checks = true }`: each gets a port of the
 * exposed range, where the proxy lets exactly its path through, and is asked there. Ports are of this run only, because nobody
 * but this agent uses them.
 */
import { joinHostPort } from '../../config/address.ts'
import type { PortRange } from '../../config/ports.ts'
import type { CheckDefinition, Probe } from '../../model/check.ts'
import type { ExposedResource } from '../../model/proxy-config.ts'
import type { Service } from '../../model/service.ts'
import type { Log } from '../../platform/ports.ts'
import type { RegistryEvent } from '../registry/events.ts'
import { listenerOf, reachable } from '../registry/registration.ts'
import type { Rows } from '../registry/rows.ts'
import { exposedTargetOf, probeThrough } from './exposed-probe.ts'

export interface ExposuresOptions {
  readonly rows: Rows
  /** `expose_min_port` and `expose_max_port`. */
  readonly ports: PortRange
  readonly bindAddress: string
  readonly log: Log
}

interface Exposure {
  readonly resource: ExposedResource
  readonly definition: CheckDefinition
  readonly probe: Probe
}

export class Exposures {
  readonly #options: ExposuresOptions
  readonly #byCheck = new Map<string, Exposure>()
  /** Proxies that expose the checks of their service, by the service's id, and back. */
  readonly #proxyOf = new Map<string, string>()
  readonly #serviceOf = new Map<string, string>()
  readonly #used = new Set<number>()
  #resources: readonly ExposedResource[] = []

  /** Follows `rows` from now on. */
  constructor(options: ExposuresOptions) {
    this.#options = options
    options.rows.observe((event) => this.#follow(event))
  }

  /** What is asked in place of the check's own probe. */
  probeOf(definition: CheckDefinition): Probe {
    return this.#byCheck.get(definition.checkId)?.probe ?? definition.probe
  }

  /** Listeners that the checks need; the same array until one changes. */
  resources(): readonly ExposedResource[] {
    return this.#resources
  }

  #follow(event: RegistryEvent): void {
    switch (event.kind) {
      case 'service':
        this.#followProxy(event.id)
        break
      case 'check-defined':
        this.#place(event.check.definition)
        break
      case 'check-removed':
        this.#remove(event.checkId)
        break
      case 'status':
      case 'output':
      case 'heartbeat':
      case 'check-renamed':
    }
  }

  #followProxy(id: string): void {
    const { rows } = this.#options
    const proxy = rows.service(id)?.service.proxy
    const before = this.#serviceOf.get(id)
    const now = proxy?.expose.checks === true ? proxy.destinationServiceId : undefined
    if (before !== undefined) this.#proxyOf.delete(before)
    this.#serviceOf.delete(id)
    if (now !== undefined) {
      this.#serviceOf.set(id, now)
      this.#proxyOf.set(now, id)
    }
    for (const serviceId of new Set([before, now]))
      if (serviceId !== undefined)
        for (const checkId of rows.checkIdsOf(serviceId)) {
          const row = rows.check(checkId)
          if (row !== undefined) this.#place(row.definition)
        }
  }

  #place(definition: CheckDefinition): void {
    const { rows } = this.#options
    const { checkId, serviceId } = definition
    const proxy = rows.service(this.#proxyOf.get(serviceId) ?? '')?.service
    const port = this.#byCheck.get(checkId)?.resource.bindPort
    this.#forget(checkId)
    const exposure = proxy === undefined ? undefined : this.#expose(definition, proxy, port)
    if (exposure !== undefined) {
      this.#used.add(exposure.resource.bindPort)
      this.#byCheck.set(checkId, exposure)
    }
    if (exposure !== undefined || port !== undefined) this.#list()
    rows.setExposedPort(checkId, exposure?.resource.bindPort)
  }

  /** `before` is the port it had. Undefined for a check that cannot go through a proxy. */
  #expose(definition: CheckDefinition, proxy: Service, before: number | undefined): Exposure | undefined {
    const target = exposedTargetOf(definition.probe)
    if (target === undefined) return undefined
    const bindPort = before ?? this.#freePort()
    if (bindPort === undefined) {
      this.#options.log.warn('No port is left for a check, which goes past the proxy now', {
        check: definition.checkId,
      })
      return undefined
    }
    const { address: bindAddress } = listenerOf(proxy, this.#options.bindAddress)
    const { protocol, path, host, port } = target
    return {
      definition,
      probe: probeThrough(definition.probe, joinHostPort(reachable(bindAddress), bindPort)),
      resource: {
        kind: 'exposed',
        name: `${proxy.id}/${bindPort}`,
        service: definition.serviceId,
        bindAddress,
        bindPort,
        protocol,
        hostOnly: true,
        paths: [{ path, localAddress: host, localPort: port }],
      },
    }
  }

  #freePort(): number | undefined {
    const { min, max } = this.#options.ports
    for (let port = min; port <= max; port++) if (!this.#used.has(port)) return port
    return undefined
  }

  #remove(checkId: string): void {
    if (!this.#byCheck.has(checkId)) return
    this.#forget(checkId)
    this.#list()
  }

  #forget(checkId: string): void {
    const exposure = this.#byCheck.get(checkId)
    if (exposure === undefined) return
    this.#used.delete(exposure.resource.bindPort)
    this.#byCheck.delete(checkId)
  }

  #list(): void {
    this.#resources = Array.from(this.#byCheck.values(), ({ resource }) => resource)
  }
}
