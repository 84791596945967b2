/**
 * Keeps this datacenter's config entries, intentions with them, those of the primary, where that is another one. Only the
 * leader copies (entry-copy.ts); every server sends writes of entries to the primary.
 */
import { configEntryKinds } from '../../model/config-entry.ts'
import type { View } from '../store/view.ts'
import { EntryCopy, type EntryCopyPorts } from './entry-copy.ts'
import { type LeaderDutyPorts, whileLeading } from './leader-duty.ts'

export type ReplicationPorts = EntryCopyPorts & LeaderDutyPorts

export class Replication {
  readonly #ports: ReplicationPorts
  readonly #duty: { stop(): void }
  #primary = ''
  #copies: readonly EntryCopy[] = []

  constructor(ports: ReplicationPorts) {
    this.#ports = ports
    this.#duty = whileLeading(ports, (view) => this.#look(view))
  }

  stop(): void {
    this.#duty.stop()
  }

  #look(view: View | undefined): void {
    const primary = view?.primary()?.name ?? ''
    if (primary === this.#primary) return
    this.#primary = primary
    for (const copy of this.#copies) copy.stop()
    this.#copies =
      primary === '' ? [] : configEntryKinds.map((kind) => new EntryCopy(this.#ports, kind, primary))
  }
}
