/**
 * The registrations that configuration files ask for, checked as a whole before anything is changed: one mistake and
 * the old state stands. Knows what the API registered, because ids and ports are shared with it.
 */
import type { CheckDefinition } from '../../model/check.ts'
import { failed, ok, type Result } from '../../model/errors.ts'
import { limits } from '../../model/limits.ts'
import type { ServiceDefinition } from '../../model/service.ts'
import { Ownership, type StandaloneCheck } from './ownership.ts'
import { checksOf, placeSidecar, type Registration, servicesOf } from './registration.ts'
import { checkScripts, type ScriptPolicy } from './script-policy.ts'
import type { SidecarPorts } from './sidecar-ports.ts'

export interface FileDraft {
  readonly registrations: readonly Registration[]
  readonly checks: readonly CheckDefinition[]
  readonly serviceIds: ReadonlySet<string>
  readonly checkIds: ReadonlySet<string>
}

/** What the HTTP API registered, and the rules that hold for files. */
export interface DraftContext {
  readonly registrations: readonly Registration[]
  readonly standalone: readonly StandaloneCheck[]
  readonly ports: SidecarPorts
  readonly scripts: ScriptPolicy
  readonly bindAddress: string
}

export function draftFileDefinitions(
  services: readonly ServiceDefinition[],
  checks: readonly CheckDefinition[],
  context: DraftContext,
): Result<FileDraft> {
  const ownership = Ownership.of(context.registrations, context.standalone)
  const registrations = claimAll(services, ownership, context)
  if (!registrations.ok) return registrations
  const own = claimChecks(checks, ownership, context)
  if (!own.ok) return own
  return finish(registrations.value, own.value)
}

function claimAll(
  asked: readonly ServiceDefinition[],
  ownership: Ownership,
  context: DraftContext,
): Result<readonly Registration[]> {
  const seen = new Set<string>()
  for (const { service, checks, sidecar } of asked) {
    if (seen.has(service.id))
      return failed('invalid-service', `two services in the configuration files have the id "${service.id}"`)
    seen.add(service.id)
    const scripts = checkScripts([...checks, ...(sidecar?.checks ?? [])], 'file', context.scripts)
    if (!scripts.ok) return scripts
  }
  const ports = context.ports.take(
    asked,
    context.registrations.map(({ placed }) => placed),
  )
  if (!ports.ok) return ports
  const registrations: Registration[] = []
  for (const definition of asked) {
    const placed = placeSidecar(definition, ports.value, context.bindAddress)
    const registration: Registration = { source: 'file', asked: definition, placed }
    const free = ownership.checkRegistration(registration)
    if (!free.ok) return free
    ownership.takeRegistration(registration)
    registrations.push(registration)
  }
  return ok(registrations)
}

function claimChecks(
  checks: readonly CheckDefinition[],
  ownership: Ownership,
  context: DraftContext,
): Result<readonly CheckDefinition[]> {
  const scripts = checkScripts(checks, 'file', context.scripts)
  if (!scripts.ok) return scripts
  const seen = new Set<string>()
  for (const { checkId, serviceId } of checks) {
    if (serviceId !== '' && ownership.ownerOfService(serviceId) === undefined)
      return failed('invalid-service', `check "${checkId}": ServiceID "${serviceId}" does not exist`)
    const free = ownership.checkCheck(checkId, 'file')
    if (!free.ok) return free
    if (seen.has(checkId))
      return failed('invalid-service', `two checks in the configuration files have the id "${checkId}"`)
    seen.add(checkId)
  }
  return ok(checks)
}

function finish(
  registrations: readonly Registration[],
  checks: readonly CheckDefinition[],
): Result<FileDraft> {
  const serviceIds = new Set(registrations.flatMap(servicesOf).map(({ id }) => id))
  const checkIds = new Set([...registrations.flatMap(checksOf), ...checks].map(({ checkId }) => checkId))
  if (serviceIds.size > limits.servicesPerAgent || checkIds.size > limits.checksPerAgent)
    return failed(
      'too-large',
      `the configuration files define ${serviceIds.size} services and ${checkIds.size} checks; ` +
        `one host takes ${limits.servicesPerAgent} and ${limits.checksPerAgent}`,
    )
  return ok({ registrations, checks, serviceIds, checkIds })
}
