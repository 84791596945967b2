/**
 * Writes to settings, roots, enrollments, hosts, evictions, gossip keys and operators. Each does nothing where the state says the same already.
 * Who may enroll under which conditions was decided in apply/enrollment.ts.
 */
import type { CaRoot, Enrollment, Eviction, GossipKeyring, Host, Operator } from '../../model/authority.ts'
import type { ClusterSettings } from '../../model/config-entry.ts'
import type { CountedTable } from './indexes.ts'
import { key1, key2, settingsKey } from './keys.ts'
import { type Row, sameRow, stamped } from './row.ts'
import type { Transaction } from './transaction.ts'
import type { TreeEdit } from './tree-edit.ts'

export function putSettings(tx: Transaction, settings: ClusterSettings): void {
  if (put(tx, tx.edits.settings, settingsKey, settings)) tx.settingsChanged()
}

export function putRoot(tx: Transaction, root: CaRoot): void {
  if (put(tx, tx.edits.roots, key2(root.plane, root.id), root)) tx.rootsChanged()
}

export function removeRoot(tx: Transaction, { plane, id }: Pick<CaRoot, 'plane' | 'id'>): void {
  tx.edits.roots.delete(key2(plane, id))
  tx.rootsChanged()
}

export function putEnrollment(tx: Transaction, enrollment: Enrollment): void {
  putCounted(tx, tx.edits.enrollments, enrollment, 'enrollments')
}

export function putOperator(tx: Transaction, operator: Operator): void {
  putCounted(tx, tx.edits.operators, operator, 'operators')
}

export function putHost(tx: Transaction, host: Host): void {
  if (put(tx, tx.edits.hosts, key1(host.node), host)) tx.hostChanged(host.node)
}

export function putEviction(tx: Transaction, eviction: Eviction): void {
  if (put(tx, tx.edits.evictions, key1(eviction.hostTag), eviction)) tx.rootsChanged()
}

/** Evictions from before that time are of no use any more: no leaf of those keys is valid. */
export function forgetEvictions(tx: Transaction, beforeMs: number): void {
  for (const { hostTag, evictedAtMs } of [...tx.edits.evictions.scan('')])
    if (evictedAtMs < beforeMs) tx.edits.evictions.delete(key1(hostTag))
}

export function putGossipKeys(tx: Transaction, keyring: GossipKeyring): void {
  if (put(tx, tx.edits.gossipKeys, settingsKey, keyring)) tx.gossipKeysChanged()
}

function putCounted<Content extends { readonly tokenHash: string }>(
  tx: Transaction,
  edit: TreeEdit<Row<Content>>,
  content: Content,
  table: CountedTable,
): void {
  if (put(tx, edit, key1(content.tokenHash), content)) tx.touchTable(table)
}

function put<Content extends object>(
  tx: Transaction,
  edit: TreeEdit<Row<Content>>,
  key: string,
  content: Content,
): boolean {
  const before = edit.get(key)
  if (before !== undefined && sameRow(before, content)) return false
  edit.set(key, stamped(tx.index, content, before))
  return true
}
