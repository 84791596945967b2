/**
 * Health checks as Consul shows them (`HealthCheck`), the same for agent and catalog.
 */
import type { Check } from '../../model/check.ts'
import type { RowIndexes } from '../../model/service.ts'

export interface CheckJson {
  readonly Node: string
  readonly CheckID: string
  readonly Name: string
  readonly Status: 'passing' | 'warning' | 'critical'
  readonly Notes: string
  readonly Output: string
  readonly ServiceID: string
  readonly ServiceName: string
  readonly ServiceTags: readonly string[]
  readonly Type: string
  readonly Interval: string
  readonly Timeout: string
  readonly ExposedPort: number
  /** Consul fills it only for checks of external nodes; clients expect the object to be there. */
  readonly Definition: Readonly<Record<string, unknown>>
  readonly CreateIndex: number
  readonly ModifyIndex: number
}

/** A check of the local registry has no log indexes; Consul shows 0 there. */
export function checkJson(check: Check & Partial<RowIndexes>): CheckJson {
  return {
    Node: check.node,
    CheckID: check.checkId,
    Name: check.name,
    Status: check.status,
    Notes: check.notes,
    Output: check.output,
    ServiceID: check.serviceId,
    ServiceName: check.serviceName,
    ServiceTags: check.serviceTags,
    // Membership has no type of its own in Consul.
    Type: check.type === 'member' ? '' : check.type,
    Interval: check.interval,
    Timeout: check.timeout,
    ExposedPort: check.exposedPort ?? 0,
    Definition: check.definition ?? {},
    CreateIndex: check.createIndex ?? 0,
    ModifyIndex: check.modifyIndex ?? 0,
  }
}
