/**
 * Keeps this datacenter's config entries, intentions with them, those of the primary, where that is another one. Only the
 * leader copies (entry-copy.ts); every server sends writes of entries to the primary.
 */
import { configEntryKinds } from '../../model/config-entry.ts'
import type { Consensus } from '../consensus/contract.ts'
import type { Store } from '../store/store.ts'
import { EntryCopy, type EntryCopyPorts } from './entry-copy.ts'

export interface ReplicationPorts extends EntryCopyPorts {
  readonly store: Pick<Store, 'view' | 'onCommit' | 'onReplaced'>
  readonly consensus: Pick<Consensus, 'onLeadership'>
}

export class Replication {
  readonly #ports: ReplicationPorts
  #isLeading: boolean = false
  #primary = ''
  #copies: readonly EntryCopy[] = []

  constructor(ports: ReplicationPorts) {
    this.#ports = ports
    ports.consensus.onLeadership((leading) => {
      this.#isLeading = leading
      this.#look()
    })
    ports.store.onCommit((_view, changes) => {
      if (changes.roots) this.#look()
    })
    ports.store.onReplaced(() => this.#look())
  }

  stop(): void {
    this.#isLeading = false
    this.#look()
  }

  #look(): void {
    const primary = this.#isLeading ? (this.#ports.store.view().primary()?.name ?? '') : ''
    if (primary === this.#primary) return
    this.#primary = primary
    for (const copy of this.#copies) copy.stop()
    this.#copies =
      primary === '' ? [] : configEntryKinds.map((kind) => new EntryCopy(this.#ports, kind, primary))
  }
}
