/**
 * Maintenance: a check that is critical for as long as it is there, which takes a service or the whole host out of every
 * answer about healthy instances. Ids, names and texts are Consul's. A service's proxies go with it, because what the mesh
 * balances over are proxies, and one with checks of its own would not follow.
 */
import { type CheckDefinition, nodeMaintenanceId, serviceMaintenancePrefix } from '../../model/check.ts'
import { failed, ok, type Result } from '../../model/errors.ts'
import { limits } from '../../model/limits.ts'
import type { LocalRegistry } from '../contract.ts'

type Registry = Pick<LocalRegistry, 'services' | 'service' | 'check' | 'registerCheck' | 'deregisterCheck'>

/** The id of the check that stands for the maintenance of a service, or of the host for ''. */
export function maintenanceCheckId(serviceId: string): string {
  return serviceId === '' ? nodeMaintenanceId : `${serviceMaintenancePrefix}${serviceId}`
}

/** Idempotent; a new reason replaces the old one. Fails for a service that is not registered here. */
export function changeMaintenance(
  registry: Registry,
  serviceId: string,
  maintenance: { readonly reason: string } | undefined,
): Result<true> {
  if (serviceId !== '' && registry.service(serviceId) === undefined)
    return failed(
      'not-found',
      `Unknown service ID "${serviceId}". Ensure that the service ID is passed, not the service name.`,
    )
  // The service itself first when it goes, so that DNS and the health API know as early as proxies do.
  for (const id of [serviceId, ...proxiesOf(registry, serviceId)]) {
    const changed =
      maintenance === undefined
        ? remove(registry, maintenanceCheckId(id))
        : registry.registerCheck(maintenanceCheck(id, maintenance.reason), 'api')
    if (!changed.ok) return changed
  }
  return ok(true)
}

/** Ids of the proxies of this host that speak for the service. */
export function proxiesOf(registry: Pick<LocalRegistry, 'services'>, serviceId: string): readonly string[] {
  if (serviceId === '') return []
  return registry
    .services()
    .flatMap(({ service }) =>
      service.proxy?.destinationServiceId === serviceId && service.id !== serviceId ? [service.id] : [],
    )
}

function remove(registry: Registry, checkId: string): Result<true> {
  return registry.check(checkId) === undefined ? ok(true) : registry.deregisterCheck(checkId)
}

function maintenanceCheck(serviceId: string, reason: string): CheckDefinition {
  const [what, name] = serviceId === '' ? ['node', 'Node'] : ['service', 'Service']
  return {
    checkId: maintenanceCheckId(serviceId),
    name: `${name} Maintenance Mode`,
    notes:
      reason.slice(0, limits.descriptionChars) ||
      `Maintenance mode is enabled for this ${what}, but no reason was provided. This is a default message.`,
    serviceId,
    initialStatus: 'critical',
    intervalMs: 0,
    timeoutMs: 0,
    successBeforePassing: 0,
    failuresBeforeWarning: 0,
    failuresBeforeCritical: 0,
    deregisterCriticalServiceAfterMs: 0,
    outputMaxBytes: limits.checkOutputBytes,
    probe: { type: 'maintenance' },
  }
}
