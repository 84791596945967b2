/**
 * From the keys of a check to its definition: one kind of probe, an interval where it is run, Consul's default ids.
 * Source of the defaults: Consul's documentation of checks, gathered in reference/consul.md, section 2.4.
 */
import type { CheckDefinition, Probe } from '../model/check.ts'
import { limits } from '../model/limits.ts'
import type { Place } from '../wire/hcl/tree.ts'
import { buildProbe, type CheckKeys } from './check-probe.ts'
import { checkSchema } from './check-schema.ts'
import type { Reader, Reading } from './reading.ts'
import { type Written, written } from './schema.ts'

export type WrittenCheck = Written<typeof checkSchema.shape>

/** A check with the places that later rules may have to name. */
export interface CheckDraft {
  readonly definition: CheckDefinition
  readonly at: Place
  readonly serviceAt: Place
  /** Where a script check names its program. */
  readonly scriptAt: Place | undefined
}

/** Reads a check before it is known whose it is. Programs that have none may send an empty one. */
export const readCheck: Reader<WrittenCheck> = (slot, reading) => {
  const check = written(checkSchema)(slot, reading)
  const isEmpty = check?.isWhole === true && Object.keys(check.keys).length === 0
  return isEmpty && reading.fromProgram ? undefined : check
}

/** A check outside services: of the whole host, or of the service that its `service_id` names. */
export const readOwnCheck: Reader<CheckDraft> = (slot, reading) => {
  const check = written(checkSchema)(slot, reading)
  return check && buildCheck(check, { serviceId: '', checkId: '', name: '' }, reading)
}

/** Whose check it is, and what it is called where it does not say. */
export interface CheckOwner {
  /** '' for a check of the node. */
  readonly serviceId: string
  readonly checkId: string
  /** '' where the check must have a name of its own. */
  readonly name: string
}

/** The owner of the `number`th of `total` checks that stand inside a service. */
export function serviceCheckOwner(
  service: { readonly id: string; readonly name: string },
  number: number,
  total: number,
): CheckOwner {
  return {
    serviceId: service.id,
    checkId: total === 1 ? `service:${service.id}` : `service:${service.id}:${number}`,
    name: `Service '${service.name}' check`,
  }
}

const defaultTimeoutMs: Readonly<Record<Probe['type'], number>> = {
  http: 10_000,
  h2ping: 10_000,
  tcp: 10_000,
  udp: 10_000,
  grpc: 10_000,
  script: 30_000,
  docker: 30_000,
  os_service: 10_000,
  ttl: 0,
  alias: 0,
  maintenance: 0,
}

export function buildCheck(check: WrittenCheck, owner: CheckOwner, reading: Reading): CheckDraft | undefined {
  const { keys, at, isWhole } = check
  const isInside = owner.serviceId !== ''
  if (isInside && keys.service_id !== undefined && !reading.fromProgram)
    reading.report(keys.service_id.keyAt, {
      what: '`service_id` does not belong here',
      why: 'the check stands inside its service',
      remedy: 'remove it',
    })
  const name = keys.name?.value ?? owner.name
  if (name === '' && keys.name === undefined && isWhole) {
    reading.report(
      at,
      {
        what: 'the check has no name',
        why: 'its state is shown under its name',
        remedy: `add \`${reading.assignment('name', '"disk space"')}\``,
      },
      'Missing check name',
    )
  }
  const probe = buildProbe(check, reading)
  if (probe === undefined) return undefined
  checkThresholds(keys, reading)
  if (isInside && keys.alias_service?.value === owner.serviceId && keys.alias_node === undefined)
    reading.report(keys.alias_service.at, {
      what: `the check of "${owner.serviceId}" takes its state from "${owner.serviceId}"`,
      why: 'it would follow itself',
      remedy: 'write the id of another service, or remove the check',
    })
  const critical = keys.failures_before_critical?.value ?? 0
  return {
    definition: {
      checkId: keys.id?.value ?? (owner.checkId || name),
      name,
      notes: keys.notes?.value ?? '',
      serviceId: isInside ? owner.serviceId : (keys.service_id?.value ?? ''),
      initialStatus: keys.status?.value ?? 'critical',
      intervalMs: keys.interval?.value ?? 0,
      timeoutMs: keys.timeout?.value ?? defaultTimeoutMs[probe.type],
      successBeforePassing: keys.success_before_passing?.value ?? 0,
      failuresBeforeWarning: keys.failures_before_warning?.value ?? critical,
      failuresBeforeCritical: critical,
      deregisterCriticalServiceAfterMs: keys.deregister_critical_service_after?.value ?? 0,
      outputMaxBytes: keys.output_max_size?.value ?? limits.checkOutputBytes,
      probe,
    },
    at: keys.id?.at ?? at,
    serviceAt: keys.service_id?.at ?? at,
    scriptAt: keys.args?.keyAt,
  }
}

function checkThresholds(keys: CheckKeys, reading: Reading): void {
  const warning = keys.failures_before_warning
  const given = keys.failures_before_critical
  const critical = given === undefined ? 0 : given.value
  if (warning?.value !== undefined && critical !== undefined && warning.value > critical)
    reading.report(warning.at, {
      what: `\`failures_before_warning\` is ${warning.value}`,
      why: `it is more than \`failures_before_critical\`, which is ${critical}, so the warning would never come`,
      remedy: `write a number up to ${critical}, or raise \`failures_before_critical\``,
    })
}
