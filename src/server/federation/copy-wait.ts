/**
 * Waits until what was written at the primary datacenter was copied here: whoever writes and then reads, or asks which proxies
 * enforce it, finds it. Bounded in time, because the copy is only on its way.
 */
import type { Command } from '../../model/command.ts'
import type { IntentionSource } from '../../model/config-entry.ts'
import { sameValue } from '../../model/equality.ts'
import { limits } from '../../model/limits.ts'
import type { Clock, Timer } from '../../platform/ports.ts'
import type { Store } from '../store/store.ts'
import type { View } from '../store/view.ts'

export interface CopyWaitPorts {
  readonly store: Pick<Store, 'view' | 'onCommit'>
  readonly clock: Pick<Clock, 'after'>
}

interface Waiting {
  readonly isThere: (view: View) => boolean
  readonly done: (view: View) => void
  readonly timer: Timer
}

export class CopyWait {
  readonly #ports: CopyWaitPorts
  readonly #waiting = new Set<Waiting>()

  constructor(ports: CopyWaitPorts) {
    this.#ports = ports
    ports.store.onCommit((view, changes) => {
      if (changes.destinations.size === 0) return
      for (const waiting of [...this.#waiting]) if (waiting.isThere(view)) this.#end(waiting, view)
    })
  }

  /** Calls back once, with the state that has the copy or, where that takes too long, with the newest there is. */
  wait(command: EntryCommand, done: (view: View) => void): void {
    const { store, clock } = this.#ports
    const isThere = effectOf(command)
    if (this.#waiting.size >= limits.entryCopyWaits || isThere(store.view())) {
      done(store.view())
      return
    }
    const timer = clock.after(limits.entryCopyWaitMs, () => this.#end(waiting, store.view()))
    const waiting: Waiting = { isThere, done, timer }
    this.#waiting.add(waiting)
  }

  #end(waiting: Waiting, view: View): void {
    this.#waiting.delete(waiting)
    waiting.timer.cancel()
    waiting.done(view)
  }
}

/** Commands that belong to the primary datacenter. */
export type EntryCommand = Extract<
  Command,
  { readonly type: `config-entry.${'upsert' | 'delete'}` | `intention.${'upsert' | 'delete'}` }
>

export const isEntryCommand = (command: Command): command is EntryCommand =>
  command.type.startsWith('config-entry.') || command.type.startsWith('intention.')

/** What holds of a state in which the command was done. */
function effectOf(command: EntryCommand): (view: View) => boolean {
  switch (command.type) {
    case 'intention.upsert': {
      const { sourceName, destinationName, action } = command
      return (view) => view.intention(sourceName, destinationName)?.action === action
    }
    case 'intention.delete': {
      const { sourceName, destinationName } = command
      return (view) => view.intention(sourceName, destinationName) === undefined
    }
    case 'config-entry.upsert': {
      const { entry } = command
      return (view) => {
        const known = view.configEntry(entry.kind, entry.name)
        return known !== undefined && sameValue(actionsOf(known.sources), actionsOf(entry.sources))
      }
    }
    case 'config-entry.delete': {
      const { kind, name } = command
      return (view) => view.configEntry(kind, name) === undefined
    }
  }
}

const actionsOf = (sources: readonly IntentionSource[]): Readonly<Record<string, string>> =>
  Object.fromEntries(sources.map(({ name, action }) => [name, action]))
