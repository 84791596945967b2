/**
 * One registration: what was asked for, what it became, and its rows. Pure; who owns which id is decided in
 * ownership.ts. Ids, names and Consul's default checks were filled in where the definition was read (config/).
 */
import { joinHostPort } from '../../config/address.ts'
import { withSidecarPort } from '../../config/sidecar.ts'
import type { CheckDefinition } from '../../model/check.ts'
import type { Service, ServiceDefinition, SidecarDefinition } from '../../model/service.ts'
import type { RegistrationSource } from '../contract.ts'

export interface Registration {
  readonly source: RegistrationSource
  /** As it was asked for; a sidecar port of 0 stands for "find one". */
  readonly asked: ServiceDefinition
  /** The same with the port that was found. */
  readonly placed: ServiceDefinition
}

/** Checks of `before` that `definition` does not name stay, as Consul keeps them on a registration without "replace". */
export function keepChecks(definition: ServiceDefinition, before: ServiceDefinition): ServiceDefinition {
  const named = new Set(definition.checks.map((check) => check.checkId))
  const kept = before.checks.filter((check) => !named.has(check.checkId))
  return kept.length === 0 ? definition : { ...definition, checks: [...definition.checks, ...kept] }
}

/** The definition with its sidecar on its port; `bindAddress` is where sidecars of this host listen. */
export function placeSidecar(
  asked: ServiceDefinition,
  ports: ReadonlyMap<string, number>,
  bindAddress: string,
): ServiceDefinition {
  if (asked.sidecar === undefined) return asked
  const { service } = asked.sidecar
  const placed = withSidecarPort(asked.sidecar, ports.get(service.id) ?? service.port)
  return { ...asked, sidecar: withListeningCheck(placed, bindAddress) }
}

/** Name that Consul gives to the default check of a sidecar's listener. */
const listeningCheckName = 'Connect Sidecar Listening'

/**
 * The default check must look where the proxy listens. A definition alone cannot say that: the address in it is the one
 * that other hosts use, and it is usually not written at all.
 */
function withListeningCheck(sidecar: SidecarDefinition, bindAddress: string): SidecarDefinition {
  const { address, port } = listenerOf(sidecar.service, bindAddress)
  const checks = sidecar.checks.map((check): CheckDefinition => {
    if (check.name !== listeningCheckName || check.probe.type !== 'tcp') return check
    return { ...check, probe: { ...check.probe, address: joinHostPort(reachable(address), port) } }
  })
  return { ...sidecar, checks }
}

/** Where the proxy listens for a sidecar: Consul's `bind_address` and `bind_port` in the proxy's config go first. */
export function listenerOf(
  sidecar: Service,
  bindAddress: string,
): { readonly address: string; readonly port: number } {
  const config = sidecar.proxy?.config ?? {}
  const address = config['bind_address']
  const port = config['bind_port']
  return {
    address: typeof address === 'string' && address !== '' ? address : bindAddress,
    port: typeof port === 'number' && port > 0 ? port : sidecar.port,
  }
}

/** Where this host itself reaches what listens on `address`. */
export function reachable(address: string): string {
  if (address === '0.0.0.0') return '127.0.0.1'
  return address === '::' ? '::1' : address
}

export function servicesOf(registration: Registration): readonly Service[] {
  const { service, sidecar } = registration.placed
  return sidecar === undefined ? [service] : [service, sidecar.service]
}

export function checksOf(registration: Registration): readonly CheckDefinition[] {
  const { checks, sidecar } = registration.placed
  return sidecar === undefined ? checks : [...checks, ...sidecar.checks]
}
