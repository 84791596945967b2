/** Writes what is known of other datacenters; nothing where it is so already. Who may be one is apply/datacenter.ts. */
import type { Datacenter } from '../../model/datacenter.ts'
import { key1 } from './keys.ts'
import { type Row, sameRow, stamped } from './row.ts'
import type { Transaction } from './transaction.ts'

export function datacenterOf(tx: Transaction, name: string): Row<Datacenter> | undefined {
  return tx.edits.datacenters.get(key1(name))
}

/** True if it was news. */
export function putDatacenter(tx: Transaction, datacenter: Datacenter): boolean {
  const before = datacenterOf(tx, datacenter.name)
  if (before !== undefined && sameRow(before, datacenter)) return false
  tx.edits.datacenters.set(key1(datacenter.name), stamped(tx.index, datacenter, before))
  changed(tx)
  return true
}

/** True if it was there. */
export function dropDatacenter(tx: Transaction, name: string): boolean {
  if (datacenterOf(tx, name) === undefined) return false
  tx.edits.datacenters.delete(key1(name))
  changed(tx)
  return true
}

/** Whom proxies trust changes with it. */
function changed(tx: Transaction): void {
  tx.touchTable('datacenters')
  tx.rootsChanged()
}
