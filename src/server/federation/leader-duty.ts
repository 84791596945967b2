/** A duty of the leader that depends on which datacenters there are: acquaintance.ts and replication.ts. */
import type { Consensus } from '../consensus/contract.ts'
import type { Store } from '../store/store.ts'
import type { View } from '../store/view.ts'

export interface LeaderDutyPorts {
  readonly store: Pick<Store, 'view' | 'onCommit' | 'onReplaced'>
  readonly consensus: Pick<Consensus, 'onLeadership'>
}

/**
 * Calls `look` whenever leadership or the datacenters may have changed: with the state while this server leads, with undefined
 * while it does not, and once more at the stop.
 */
export function whileLeading(
  { store, consensus }: LeaderDutyPorts,
  look: (view: View | undefined) => void,
): { stop(): void } {
  let isLeading = false
  const tell = (): void => look(isLeading ? store.view() : undefined)
  const lead = (leading: boolean): void => {
    isLeading = leading
    tell()
  }
  consensus.onLeadership(lead)
  store.onCommit((_view, changes) => {
    if (changes.roots) tell()
  })
  store.onReplaced(tell)
  return { stop: () => lead(false) }
}
