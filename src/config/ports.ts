/**
 * Ports for sidecars that did not ask for one. Pure: which ports were given before is told by the caller, who keeps the
 * answer, so that a sidecar has the same port after a restart and remote proxies need not learn another.
 */
import { failed, ok, type Result } from '../model/errors.ts'
import type { Service, ServiceAddress, ServiceDefinition } from '../model/service.ts'

export interface PortRange {
  readonly min: number
  readonly max: number
}

/**
 * A port for each sidecar id of `wanted`: the remembered one where it lies in the range and is free, else the lowest free
 * one. `used` are ports that anything else of this host has. Fails where the range has too few.
 */
export function allocateSidecarPorts(
  wanted: readonly string[],
  remembered: ReadonlyMap<string, number>,
  range: PortRange,
  used: ReadonlySet<number>,
): Result<ReadonlyMap<string, number>> {
  const taken = new Set(used)
  const ports = new Map<string, number>()
  for (const id of wanted) {
    const port = remembered.get(id)
    if (port === undefined || port < range.min || port > range.max || taken.has(port)) continue
    ports.set(id, port)
    taken.add(port)
  }
  let next = range.min
  for (const id of wanted) {
    if (ports.has(id)) continue
    while (next <= range.max && taken.has(next)) next++
    if (next > range.max)
      return failed(
        'invalid-service',
        `no port is left for "${id}" between ${range.min} and ${range.max}, all of them are used; widen the range with ports { sidecar_min_port, sidecar_max_port } or give the sidecar a port of its own`,
      )
    ports.set(id, next)
    taken.add(next)
  }
  return ok(ports)
}

/** Where a proxy listens for other hosts: Consul's `bind_address` and `bind_port` in its `config` go before its own port. */
export function publicListenerOf(proxy: Service, bindAddress: string): ServiceAddress {
  const { bind_address: address, bind_port: port } = proxy.proxy?.config ?? {}
  return {
    address: typeof address === 'string' ? address : bindAddress,
    port: typeof port === 'number' ? port : proxy.port,
  }
}

/** Ports that services, explicit sidecars and upstreams have already: no sidecar may be put there. */
export function portsInUse(services: Iterable<ServiceDefinition>): ReadonlySet<number> {
  const used = new Set<number>()
  for (const { service, sidecar } of services) {
    for (const instance of sidecar === undefined ? [service] : [service, sidecar.service]) {
      used.add(instance.port)
      used.add(publicListenerOf(instance, '').port)
      used.add(instance.proxy?.localServicePort ?? 0)
      for (const upstream of instance.proxy?.upstreams ?? []) used.add(upstream.localBindPort)
      for (const path of instance.proxy?.expose.paths ?? []) used.add(path.listenerPort)
    }
  }
  used.delete(0)
  return used
}
