/** Counts of services, instances and nodes, as `/v1/operator/usage` shows them. */
import type { ReadMeta, ServiceSummary } from '../../model/query.ts'

export interface UsageJson {
  readonly Usage: Readonly<Record<string, DatacenterUsageJson>>
  readonly Index: number
  readonly LastContact: number
  readonly KnownLeader: boolean
  readonly ConsistencyLevel: string
  readonly NotModified: false
  readonly Backend: number
  readonly ResultsFilteredByACLs: false
}

export interface DatacenterUsageJson {
  readonly Services: number
  readonly ServiceInstances: number
  /** Instances by kind; natives count as `connect-native`. */
  readonly ConnectServiceInstances: Readonly<Record<string, number>>
  readonly BillableServiceInstances: number
  readonly Nodes: number
}

export interface UsageFacts {
  readonly datacenter: string
  readonly services: readonly ServiceSummary[]
  readonly nodes: number
  readonly meta: ReadMeta
}

const kinds = ['connect-proxy', 'connect-native', 'mesh-gateway', 'ingress-gateway', 'terminating-gateway']

export function usageJson({ datacenter, services, nodes, meta }: UsageFacts): UsageJson {
  const sum = (rows: readonly ServiceSummary[], count: (row: ServiceSummary) => number): number =>
    rows.reduce((total, row) => total + count(row), 0)
  const instances = (row: ServiceSummary): number => row.instances
  const ofKind = (kind: string): readonly ServiceSummary[] => services.filter((row) => row.kind === kind)
  // Instances through which a service is in the mesh are its sidecars and its natives; sidecars are services themselves.
  const natives = sum(services, (row) => row.meshInstances) - sum(ofKind('connect-proxy'), instances)
  const inMesh = Object.fromEntries(
    kinds.map((kind) => [
      kind,
      kind === 'connect-native' ? Math.max(0, natives) : sum(ofKind(kind), instances),
    ]),
  )
  return {
    Usage: {
      [datacenter]: {
        Services: services.length,
        ServiceInstances: sum(services, instances),
        ConnectServiceInstances: inMesh,
        BillableServiceInstances: sum(ofKind(''), instances),
        Nodes: nodes,
      },
    },
    Index: meta.index,
    LastContact: meta.lastContactMs,
    KnownLeader: meta.knownLeader,
    ConsistencyLevel: meta.effective,
    NotModified: false,
    Backend: 0,
    ResultsFilteredByACLs: false,
  }
}
