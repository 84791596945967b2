/**
 * Health checks: what is checked (definition) and what was seen (state), plus how states combine.
 * Running a check is the agent's business; this file only knows the words and the rules.
 */
export type CheckStatus = 'passing' | 'warning' | 'critical'
export type CheckType = 'http' | 'tcp' | 'ttl' | 'script' | 'alias' | 'member' | 'maintenance'

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
  | { readonly type: 'tcp'; readonly address: string; readonly useTls: boolean }
  | { readonly type: 'ttl'; readonly ttlMs: number }
  | { readonly type: 'script'; readonly args: readonly string[] }
  | { readonly type: 'alias'; readonly node: string; readonly serviceId: string }

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
}

/** Shown in catalogs of Consul under this id; made by the servers from membership, never by an agent. */
export const memberCheckId = 'serfHealth'
export const serviceMaintenancePrefix = '_service_maintenance:'
export const nodeMaintenanceId = '_node_maintenance'

export type AggregatedStatus = CheckStatus | 'maintenance'

/** Worst of several checks; maintenance outranks critical. No check at all means passing. */
export function aggregateStatus(checks: Iterable<Pick<Check, 'checkId' | 'status'>>): AggregatedStatus {
  let worst: CheckStatus = 'passing'
  for (const check of checks) {
    if (check.checkId === nodeMaintenanceId || check.checkId.startsWith(serviceMaintenancePrefix))
      return 'maintenance'
    if (check.status === 'critical') worst = 'critical'
    else if (check.status === 'warning' && worst === 'passing') worst = 'warning'
  }
  return worst
}
