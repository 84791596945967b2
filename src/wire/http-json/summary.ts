/** Rows of `/v1/mesh/services`, an endpoint of our own: a list of services without their instances. */
import type { ServiceSummary } from '../../model/query.ts'

export interface ServiceSummaryJson {
  readonly Name: string
  readonly Kind: string
  readonly Tags: readonly string[]
  readonly Instances: number
  readonly Passing: number
  readonly Warning: number
  readonly Critical: number
  readonly MeshInstances: number
}

export function serviceSummaryJson(row: ServiceSummary): ServiceSummaryJson {
  return {
    Name: row.name,
    Kind: row.kind,
    Tags: row.tags,
    Instances: row.instances,
    Passing: row.passing,
    Warning: row.warning,
    Critical: row.critical,
    MeshInstances: row.meshInstances,
  }
}
