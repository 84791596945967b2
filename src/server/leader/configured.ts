/**
 * Brings what the leader's configuration says into the cluster: the default for intentions where it differs, and
 * config entries that do not exist yet. An entry that exists is never overwritten: it belongs to its operators.
 */
import type { Command } from '../../model/command.ts'
import type { ConfigEntry } from '../../model/config-entry.ts'
import type { ErrorCode, Failure } from '../../model/errors.ts'
import type { IntentionAction } from '../../model/intention.ts'
import { limits } from '../../model/limits.ts'
import type { Clock, Log, Timer } from '../../platform/ports.ts'
import type { Reply } from '../../rpc/contract.ts'
import type { Consensus } from '../consensus/contract.ts'
import type { Store } from '../store/store.ts'

export interface ConfiguredPorts {
  readonly store: Store
  readonly consensus: Pick<Consensus, 'onLeadership'>
  /** Proposes as this server. */
  readonly write: (command: Command, reply: Reply<unknown>) => void
  readonly clock: Pick<Clock, 'after'>
  readonly log: Log
  readonly defaultIntentionAction: IntentionAction
  readonly bootstrapEntries: readonly ConfigEntry[]
}

export class Configured {
  readonly #ports: ConfiguredPorts
  #leading: boolean = false
  #writing: boolean = false
  #retry: Timer | undefined
  /**
   * What was brought in since this server leads: first the default action, then entry after entry. Deleting an entry
   * later is the operator's right, so nothing is looked at twice.
   */
  #position = 0

  constructor(ports: ConfiguredPorts) {
    this.#ports = ports
    ports.consensus.onLeadership((leading) => {
      this.#leading = leading
      this.#position = 0
      this.#retry?.cancel()
      this.#step()
    })
    // A cluster that is founded now has no settings to compare with before that.
    ports.store.onCommit((_view, changes) => {
      if (changes.settings) this.#step()
    })
  }

  /** One write at a time; each one's end starts the next. */
  #step(): void {
    if (!this.#leading || this.#writing) return
    const command = this.#next()
    if (command === undefined) return
    this.#writing = true
    this.#ports.write(command, (result) => {
      this.#writing = false
      const again = !result.ok && passing.has(result.failure.code)
      if (!result.ok) this.#report(command, result.failure)
      if (again) {
        this.#retry?.cancel()
        this.#retry = this.#ports.clock.after(limits.memberRetryMs, () => this.#step())
      } else {
        this.#position++
        this.#step()
      }
    })
  }

  /** The next command that is needed; `#position` stays until it was written. */
  #next(): Command | undefined {
    const { store, defaultIntentionAction, bootstrapEntries } = this.#ports
    const view = store.view()
    const settings = view.settings()
    if (settings === undefined) return undefined
    if (this.#position === 0) {
      if (settings.defaultIntentionAction !== defaultIntentionAction)
        return { type: 'settings.set', settings: { defaultIntentionAction } }
      this.#position++
    }
    // They belong to the primary datacenter, which would have them removed here again.
    if (view.primary() !== undefined) return undefined
    for (; this.#position <= bootstrapEntries.length; this.#position++) {
      const entry = bootstrapEntries[this.#position - 1]
      if (entry !== undefined && view.configEntry(entry.kind, entry.name) === undefined)
        return { type: 'config-entry.upsert', entry, casIndex: 0 }
    }
    return undefined
  }

  #report(command: Command, failure: Failure): void {
    this.#ports.log.warn('configured setting could not be written', {
      command: command.type,
      code: failure.code,
      reason: failure.message,
    })
  }
}

/** Failures that pass by themselves; after others the entry is left out. */
const passing: ReadonlySet<ErrorCode> = new Set([
  'no-leader',
  'overloaded',
  'disk-full',
  'write-outcome-unknown',
])
