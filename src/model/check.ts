/**
 * Health checks: what is checked (definition) and what was seen (state), plus how states combine.
 * Running a check is the agent's business; this file only knows the words and the rules.
 */
export type CheckStatus = 'passing' | 'warning' | 'critical'
export const checkTypes = [
  'http',
  'h2ping',
  'tcp',
  'udp',
  'grpc',
  'ttl',
  'script',
  'docker',
  'alias',
  'os_service',
  'member',
  'maintenance',
] as const
export type CheckType = (typeof checkTypes)[number]

export interface CheckDefinition {
  /** Unique on its agent; `service:<id>` or `service:<id>:<n>` when not given. */
  readonly checkId: string
  readonly name: string
  readonly notes: string
  /** Empty: a check of the whole node. */
  readonly serviceId: string
  readonly initialStatus: CheckStatus
  readonly intervalMs: number
  readonly timeoutMs: number
  /** Successes in a row wanted before passing, beyond the first. 0: at once. */
  readonly successBeforePassing: number
  readonly failuresBeforeWarning: number
  readonly failuresBeforeCritical: number
  /** 0: never. */
  readonly deregisterCriticalServiceAfterMs: number
  /** Bytes of output kept. */
  readonly outputMaxBytes: number
  readonly probe: Probe
}

export type Probe =
  | {
      readonly type: 'http'
      readonly url: string
      readonly method: string
      readonly header: Readonly<Record<string, readonly string[]>>
      readonly body: string
      readonly followRedirects: boolean
      readonly tlsServerName: string
      readonly tlsSkipVerify: boolean
    }
  /** An HTTP/2 connection that answers a PING frame. */
  | ({ readonly type: 'h2ping'; readonly address: string } & ProbeTls)
  | ({ readonly type: 'tcp'; readonly address: string; readonly useTls: boolean } & Partial<ProbeTlsNames>)
  /** One empty datagram; only an answer "port unreachable" is a failure, silence is none. */
  | { readonly type: 'udp'; readonly address: string }
  /** The standard health service, grpc.health.v1; `service` '' asks for the server as a whole. */
  | ({ readonly type: 'grpc'; readonly address: string; readonly service: string } & ProbeTls)
  | { readonly type: 'ttl'; readonly ttlMs: number }
  | { readonly type: 'script'; readonly args: readonly string[] }
  /** A program inside a container; with a `shell`, `args` are one line for it. */
  | {
      readonly type: 'docker'
      readonly container: string
      readonly shell: string
      readonly args: readonly string[]
    }
  /** A unit of systemd. */
  | { readonly type: 'os_service'; readonly service: string }
  /** Nothing is looked at: critical for as long as an operator leaves it there. */
  | { readonly type: 'maintenance' }
  | { readonly type: 'alias'; readonly node: string; readonly serviceId: string }

export interface ProbeTlsNames {
  /** Name to ask for and to find in the certificate; '': the host of the address. */
  readonly tlsServerName: string
  readonly tlsSkipVerify: boolean
}

export interface ProbeTls extends ProbeTlsNames {
  readonly useTls: boolean
}

/** A check as the catalog shows it. */
export interface Check {
  readonly node: string
  readonly checkId: string
  readonly name: string
  readonly status: CheckStatus
  readonly notes: string
  readonly output: string
  readonly serviceId: string
  readonly serviceName: string
  readonly serviceTags: readonly string[]
  readonly type: CheckType | ''
  /** Go duration text, empty where the check has none. */
  readonly interval: string
  readonly timeout: string
  /** Port of the proxy's listener that the check is asked through; absent: it is asked directly. */
  readonly exposedPort?: number
  /** How a check of an external node is to be run, for whoever runs it (consul-esm); kept and shown as it was written. */
  readonly definition?: Readonly<Record<string, unknown>>
}

/** Shown in catalogs of Consul under this id; made by the servers from membership, never by an agent. */
export const memberCheckId = 'serfHealth'
export const serviceMaintenancePrefix = '_service_maintenance:'
export const nodeMaintenanceId = '_node_maintenance'

export const isMaintenance = (checkId: string): boolean =>
  checkId === nodeMaintenanceId || checkId.startsWith(serviceMaintenancePrefix)

export type AggregatedStatus = CheckStatus | 'maintenance'

/** Worst of several checks; maintenance outranks critical. No check at all means passing. */
export function aggregateStatus(checks: Iterable<Pick<Check, 'checkId' | 'status'>>): AggregatedStatus {
  let worst: CheckStatus = 'passing'
  for (const check of checks) {
    if (isMaintenance(check.checkId)) return 'maintenance'
    if (check.status === 'critical') worst = 'critical'
    else if (check.status === 'warning' && worst === 'passing') worst = 'warning'
  }
  return worst
}
