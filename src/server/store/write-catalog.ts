/**
 * Writes to nodes, services and checks, with everything that follows from them in the same transaction. Each function
 * does nothing at all where the state says the same already. Whether a write is allowed was decided in apply/catalog.ts.
 */
import type { Check } from '../../model/check.ts'
import { sameValue } from '../../model/equality.ts'
import { assert } from '../../model/errors.ts'
import type { Node } from '../../model/node.ts'
import type { Service } from '../../model/service.ts'
import { placeAddress } from './address-holders.ts'
import { namesRow, nodeRow, statusRow } from './indexes.ts'
import { key1, key2 } from './keys.ts'
import { sameRow, stamped, withoutIndexes } from './row.ts'
import { type Placed, placeCheck, placeInstance } from './tables.ts'
import type { Transaction } from './transaction.ts'
import { endSessionsOfCheck, endSessionsOfNode } from './write-session.ts'

export function putNode(tx: Transaction, node: Node): void {
  const before = tx.edits.nodes.get(key1(node.name))
  if (before !== undefined && sameRow(before, node)) return
  tx.edits.nodes.set(key1(node.name), stamped(tx.index, node, before))
  placeNodeAddress(tx, node.name, before?.address ?? '', node.address)
  tx.touchTable('nodes')
  tx.nodeChanged(node.name)
  tx.memberChanged(node.name)
  // Every answer about an instance holds its node.
  touchInstancesOf(tx, node.name)
}

/** The node's row must exist. */
export function putService(tx: Transaction, node: string, service: Service): void {
  assert(tx.edits.nodes.get(key1(node)) !== undefined, `service "${service.id}" on a node that is not there`)
  const before = tx.edits.services.get(key2(node, service.id))
  if (before !== undefined && sameRow(before.service, service)) return
  const after: Placed = { node, service: stamped(tx.index, service, before?.service) }
  if (placeInstance(tx.edits, before, after)) tx.touch(namesRow)
  tx.touchTable('services')
  tx.nodeChanged(node)
  if (before !== undefined) tx.instanceChanged(node, before.service)
  tx.instanceChanged(node, after.service)
  renameChecks(tx, node, service)
}

/** The node must exist, and the service too where the check names one. */
export function putCheck(tx: Transaction, check: Check): void {
  const service = tx.edits.services.get(key2(check.node, check.serviceId))?.service
  assert(check.serviceId === '' || service !== undefined, `check "${check.checkId}" of a service not there`)
  const content: Check = { ...check, serviceName: service?.name ?? '', serviceTags: service?.tags ?? [] }
  const before = tx.edits.checks.get(key2(check.node, check.checkId))
  if (before !== undefined && sameRow(before, content)) return
  const after = stamped(tx.index, content, before)
  placeCheck(tx.edits, before, after)
  if (before !== undefined) checkChanged(tx, before)
  checkChanged(tx, after)
  if (after.status === 'critical') endSessionsOfCheck(tx, after.node, after.checkId)
}

/** Returns false where there was no such check. */
export function removeCheck(tx: Transaction, node: string, checkId: string): boolean {
  const before = tx.edits.checks.get(key2(node, checkId))
  if (before === undefined) return false
  placeCheck(tx.edits, before, undefined)
  checkChanged(tx, before)
  endSessionsOfCheck(tx, node, checkId)
  return true
}

/** Removes the service and its checks. Returns false where there was no such service. */
export function removeService(tx: Transaction, node: string, serviceId: string): boolean {
  const before = tx.edits.services.get(key2(node, serviceId))
  if (before === undefined) return false
  for (const check of [...tx.edits.serviceChecks.scan(key2(node, serviceId))])
    removeCheck(tx, node, check.checkId)
  if (placeInstance(tx.edits, before, undefined)) tx.touch(namesRow)
  tx.touchTable('services')
  tx.nodeChanged(node)
  tx.instanceChanged(node, before.service)
  return true
}

/** Removes the node and everything on it. Returns false where there was no such node. */
export function removeNode(tx: Transaction, node: string): boolean {
  const before = tx.edits.nodes.get(key1(node))
  if (before === undefined) return false
  for (const placed of [...tx.edits.services.scan(key1(node))]) removeService(tx, node, placed.service.id)
  for (const check of [...tx.edits.checks.scan(key1(node))]) removeCheck(tx, node, check.checkId)
  endSessionsOfNode(tx, node)
  tx.edits.nodes.delete(key1(node))
  placeNodeAddress(tx, node, before.address, '')
  tx.touchTable('nodes')
  tx.memberChanged(node)
  tx.extinguish(nodeRow(node))
  return true
}

function checkChanged(tx: Transaction, check: Check): void {
  tx.touchTable('checks')
  tx.touch(statusRow(check.status))
  tx.nodeChanged(check.node)
  if (check.serviceId === '') {
    tx.memberChanged(check.node)
    touchInstancesOf(tx, check.node)
    return
  }
  const placed = tx.edits.services.get(key2(check.node, check.serviceId))
  if (placed !== undefined) tx.instanceChanged(check.node, placed.service)
}

function placeNodeAddress(tx: Transaction, node: string, before: string, after: string): void {
  placeAddress(tx.edits.addresses, { node, serviceId: '', service: '' }, before, after)
}

function touchInstancesOf(tx: Transaction, node: string): void {
  for (const placed of tx.edits.services.scan(key1(node))) tx.instanceChanged(node, placed.service)
}

/** Check rows repeat the name and tags of their service. */
function renameChecks(tx: Transaction, node: string, service: Service): void {
  for (const check of [...tx.edits.serviceChecks.scan(key2(node, service.id))])
    if (check.serviceName !== service.name || !sameValue(check.serviceTags, service.tags))
      putCheck(tx, withoutIndexes(check))
}
