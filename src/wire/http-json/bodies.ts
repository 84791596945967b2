/**
 * Small request bodies: intention, TTL update, catalog deregistration, enrollment token. The bodies of services and
 * checks are read by config/, the catalog registration by catalog-registration.ts.
 */

import type { EnrollmentRole } from '../../model/authority.ts'
import type { CheckStatus } from '../../model/check.ts'
import { failed, ok, type Result } from '../../model/errors.ts'
import type { IntentionAction } from '../../model/intention.ts'
import { limits } from '../../model/limits.ts'
import { decodeObject } from './fields.ts'

export interface IntentionBody {
  /** Empty where the body leaves them to the query string. */
  readonly sourceName: string
  readonly destinationName: string
  readonly action: IntentionAction
  readonly description: string
  readonly meta: Readonly<Record<string, string>>
}

/** Fields that `GET` shows and that may come back in a `PUT`; their values are ignored. */
const shownOnly = ['ID', 'Precedence', 'CreatedAt', 'UpdatedAt', 'Hash', 'CreateIndex', 'ModifyIndex']

export function parseIntentionBody(body: unknown): Result<IntentionBody> {
  const names = ['SourceNS', 'SourceName', 'DestinationNS', 'DestinationName', 'SourceType', 'Action']
  return decodeObject(
    body,
    [...names, 'Permissions', 'Description', 'Meta', 'DefaultAddr', 'DefaultPort', ...shownOnly],
    (fields) => {
      const action = fields.text('Action')
      if (fields.has('Permissions') && fields.raw('Permissions') !== null)
        fields.refuse(
          'Permissions (HTTP rules) are not supported by this version: give an Action, allow or deny',
        )
      if (action !== 'allow' && action !== 'deny')
        return fields.refuse(`Action must be set to 'allow' or 'deny', not "${action}"`)
      if (!['', 'consul'].includes(fields.text('SourceType')))
        fields.refuse(`SourceType must be set to 'consul'`)
      for (const name of ['SourceNS', 'DestinationNS'])
        if (!['', 'default'].includes(fields.text(name))) fields.refuse(`${name} must be 'default' or absent`)
      const description = fields.text('Description')
      if (description.length > limits.descriptionChars)
        fields.refuse(`Description exceeds maximum length ${limits.descriptionChars}`)
      return {
        sourceName: fields.text('SourceName'),
        destinationName: fields.text('DestinationName'),
        action,
        description,
        meta: fields.textMap('Meta'),
      }
    },
  )
}

const statuses: readonly string[] = ['passing', 'warning', 'critical']

export function parseTtlUpdate(
  body: unknown,
): Result<{ readonly status: CheckStatus; readonly output: string }> {
  return decodeObject(body, ['Status', 'Output'], (fields) => {
    const status = fields.text('Status')
    if (!statuses.includes(status))
      fields.refuse(`Invalid check status: "${status}". Use passing, warning or critical.`)
    return { status: status as CheckStatus, output: fields.text('Output') }
  })
}

export interface DeregistrationBody {
  readonly datacenter: string
  readonly node: string
  readonly serviceId: string
  readonly checkId: string
}

export function parseDeregistration(body: unknown): Result<DeregistrationBody> {
  const names = ['Datacenter', 'Node', 'Address', 'ServiceID', 'CheckID', 'Namespace', 'Partition']
  const read = decodeObject(body, [...names, 'WriteRequest', 'EnterpriseMeta'], (fields) => ({
    datacenter: fields.text('Datacenter'),
    node: fields.text('Node'),
    serviceId: fields.text('ServiceID'),
    checkId: fields.text('CheckID'),
  }))
  if (read.ok && read.value.node === '') return failed('bad-request', 'Must provide node')
  return read
}

export interface TokenBody {
  /** Empty: any node may use the token. */
  readonly node: string
  readonly services: readonly string[]
  readonly role: EnrollmentRole
  readonly ttlMs: number
}

export function parseTokenBody(body: unknown): Result<TokenBody> {
  const read = decodeObject(body, ['Node', 'Services', 'Server', 'TTL'], (fields) => ({
    node: fields.text('Node'),
    services: fields.has('Services') ? fields.texts('Services') : [],
    role: fields.has('Server') && fields.flag('Server') ? ('server' as const) : ('host' as const),
    ttlMs: fields.has('TTL') ? fields.durationMs('TTL') : limits.enrollmentTtlMs,
  }))
  if (!read.ok) return read
  const { ttlMs, services } = read.value
  if (ttlMs < 1_000 || ttlMs > limits.enrollmentTtlMaxMs)
    return failed('bad-request', 'TTL must be between 1s and 720h')
  if (services.some((service) => service === ''))
    return failed('bad-request', 'Services must not hold an empty name')
  if (read.value.role === 'server' && services.length > 0)
    return failed('bad-request', 'a token for a server names no Services')
  return ok(read.value)
}
