/**
 * Cuts what the catalog lacks into commands of bounded size. A service always travels with its checks: alone it would
 * count as healthy until they follow.
 */
import type { Command } from '../../model/command.ts'
import { limits } from '../../model/limits.ts'
import type { Node } from '../../model/node.ts'
import type { Rows } from './rows.ts'

/** A service id with ids of its checks, or (without service) checks whose service the catalog has already. */
export interface RowGroup {
  readonly service: string | undefined
  readonly checks: readonly string[]
}

export type Step =
  | { readonly kind: 'register'; readonly groups: readonly RowGroup[] }
  | { readonly kind: 'remove-service'; readonly id: string }
  | { readonly kind: 'remove-check'; readonly id: string }

/** Room for the envelope and the node around the rows of one command. */
const envelopeBytes = 32 * 1024

/**
 * Everything pending as steps in order; registrations first, so that a renamed service is never away in between.
 * `barred` holds versions of rows that the catalog refused: they wait for the next comparison or for a change.
 */
export function pendingSteps(rows: Rows, barred: WeakSet<object>): readonly Step[] {
  const { services, checks, removedServices, removedChecks } = rows.pending()
  const groups: RowGroup[] = []
  const isSendable = (checkId: string): boolean => {
    const row = rows.check(checkId)
    return row !== undefined && checks.has(checkId) && !barred.has(row.check)
  }
  for (const id of services) {
    const row = rows.service(id)
    if (row !== undefined && !barred.has(row.service))
      groups.push({ service: id, checks: [...rows.checkIdsOf(id)].filter(isSendable) })
  }
  for (const checkId of checks) {
    const serviceId = rows.check(checkId)?.check.serviceId ?? ''
    if (!services.has(serviceId) && isSendable(checkId))
      groups.push({ service: undefined, checks: [checkId] })
  }
  return [
    ...pack(rows, groups),
    ...Array.from(removedServices, (id): Step => ({ kind: 'remove-service', id })),
    ...Array.from(removedChecks, (id): Step => ({ kind: 'remove-check', id })),
  ]
}

function pack(rows: Rows, groups: readonly RowGroup[]): readonly Step[] {
  const steps: Step[] = []
  let batch: RowGroup[] = []
  let bytes = 0
  let count = 0
  const close = (): void => {
    if (batch.length > 0) steps.push({ kind: 'register', groups: batch })
    batch = []
    bytes = 0
    count = 0
  }
  for (const group of groups.flatMap((whole) => fitting(rows, whole))) {
    const size = bytesOf(rows, group)
    const length = group.checks.length + 1
    if (bytes + size > limits.commandBytes - envelopeBytes || count + length > limits.rowsPerRegistration)
      close()
    batch.push(group)
    bytes += size
    count += length
  }
  close()
  return steps
}

/** A group that is too large for one command by itself: the service with its first checks, then the others. */
function fitting(rows: Rows, group: RowGroup): readonly RowGroup[] {
  const fits =
    group.checks.length < limits.rowsPerRegistration &&
    bytesOf(rows, group) <= limits.commandBytes - envelopeBytes
  if (fits || group.checks.length < 2) return [group]
  const half = Math.ceil(group.checks.length / 2)
  return [
    ...fitting(rows, { ...group, checks: group.checks.slice(0, half) }),
    ...fitting(rows, { service: undefined, checks: group.checks.slice(half) }),
  ]
}

function bytesOf(rows: Rows, group: RowGroup): number {
  let bytes = group.service === undefined ? 0 : jsonBytes(rows.service(group.service)?.service)
  for (const checkId of group.checks) bytes += jsonBytes(rows.check(checkId)?.check)
  return bytes
}

function jsonBytes(value: object | undefined): number {
  return value === undefined ? 0 : Buffer.byteLength(JSON.stringify(value))
}

/** The command for rows as they are now, or undefined where nothing of the step is left to do. */
export function commandOf(rows: Rows, step: Step, node: Node, nodeSynced: boolean): Command | undefined {
  switch (step.kind) {
    case 'remove-service':
      if (!rows.pending().removedServices.has(step.id)) return undefined
      return { type: 'catalog.deregister', node: node.name, serviceId: step.id }
    case 'remove-check':
      if (!rows.pending().removedChecks.has(step.id)) return undefined
      return { type: 'catalog.deregister', node: node.name, checkId: step.id }
    case 'register': {
      const services = step.groups.flatMap(({ service }) => rows.service(service ?? '') ?? [])
      const checks = step.groups.flatMap((group) => group.checks.flatMap((id) => rows.check(id) ?? []))
      const command: Command = {
        type: 'catalog.register',
        node: nodeSynced ? node.name : node,
        services: services.filter((row) => !row.synced).map((row) => row.service),
        checks: checks.filter((row) => !row.synced).map((row) => row.check),
      }
      return nodeSynced && command.services.length + command.checks.length === 0 ? undefined : command
    }
  }
}

/** Two halves of a refused registration, to find the row that is at fault; undefined where it is one group. */
export function halves(step: Step): readonly [Step, Step] | undefined {
  if (step.kind !== 'register' || step.groups.length < 2) return undefined
  const half = Math.ceil(step.groups.length / 2)
  return [
    { kind: 'register', groups: step.groups.slice(0, half) },
    { kind: 'register', groups: step.groups.slice(half) },
  ]
}
