/**
 * Compares this host's rows with what the catalog holds for its node and marks what differs, in both directions.
 * Pure bookkeeping over `Rows`; sending is batches.ts and anti-entropy.ts.
 */
import { type Check, memberCheckId } from '../../model/check.ts'
import { sameValue } from '../../model/equality.ts'
import type { Node } from '../../model/node.ts'
import type { NodeServices } from '../../model/query.ts'
import { type RowIndexes, type Service, serverServiceId } from '../../model/service.ts'
import type { Rows } from './rows.ts'

const rowIndexes: ReadonlySet<string> = new Set(['createIndex', 'modifyIndex'])
const rowIndexesAndOutput: ReadonlySet<string> = new Set([...rowIndexes, 'output'])

export interface Comparison {
  readonly rows: Rows
  readonly node: Node
  /** Null: the catalog has no such node. */
  readonly catalog: NodeServices | null
  /** The check's new output waits for its turn, so that it must not count as a difference. */
  readonly outputWaits: (checkId: string) => boolean
}

/** Marks every row; returns whether the catalog has the node as it is. */
export function reconcile({ rows, node, catalog, outputWaits }: Comparison): boolean {
  const services = new Map(catalog?.services.map((service) => [service.id, service]))
  const checks = new Map(catalog?.checks.map((check) => [check.checkId, check]))
  for (const { service } of rows.services()) markService(rows, service, services.get(service.id))
  for (const { check } of rows.checks()) {
    const ignored = outputWaits(check.checkId) ? rowIndexesAndOutput : rowIndexes
    rows.markCheck(check, sameValue(check, checks.get(check.checkId), ignored))
  }
  for (const id of services.keys())
    if (rows.service(id) === undefined && id !== serverServiceId) rows.markForeign('services', id)
  for (const check of checks.values())
    if (rows.check(check.checkId) === undefined && isOurs(rows, check))
      rows.markForeign('checks', check.checkId)
  const pending = rows.pending()
  for (const id of [...pending.removedServices]) if (!services.has(id)) rows.markRemoved('services', id)
  for (const id of [...pending.removedChecks]) if (!checks.has(id)) rows.markRemoved('checks', id)
  return sameValue(node, catalog?.node, rowIndexes)
}

function markService(rows: Rows, service: Service, known: (Service & RowIndexes) | undefined): void {
  if (known === undefined || !service.enableTagOverride) {
    rows.markService(service, sameValue(service, known, rowIndexes))
    return
  }
  const same = sameValue({ ...service, tags: known.tags }, known, rowIndexes)
  rows.markService(service, same)
  if (same && !sameValue(service.tags, known.tags)) rows.adoptTags(service.id, known.tags)
}

/** Membership is the servers' to write; checks of a service that goes away go with it. */
function isOurs(rows: Rows, check: Check): boolean {
  if (check.checkId === memberCheckId || check.serviceId === serverServiceId) return false
  return check.serviceId === '' || rows.service(check.serviceId) !== undefined
}
