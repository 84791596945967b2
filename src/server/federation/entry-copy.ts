/**
 * Copies the config entries of one kind from the primary datacenter into this one's state: what differs is written, what the
 * primary does not have is removed. While the road is cut the last copy stays in force.
 */
import type { Command } from '../../model/command.ts'
import type { ConfigEntry, ConfigEntryKind } from '../../model/config-entry.ts'
import { sameValue } from '../../model/equality.ts'
import type { Failure } from '../../model/errors.ts'
import { limits } from '../../model/limits.ts'
import type { Reply } from '../../rpc/contract.ts'
import { configEntryShape } from '../../rpc/shape/intention.ts'
import { withoutIndexes } from '../store/row.ts'
import type { Store } from '../store/store.ts'
import type { View } from '../store/view.ts'
import type { FarRead, FederationSurroundings } from './contract.ts'
import { Following } from './following.ts'

export interface EntryCopyPorts extends FederationSurroundings {
  readonly store: Pick<Store, 'view'>
  readonly read: FarRead
  /** Proposes as this server. */
  readonly write: (command: Command, reply: Reply<unknown>) => void
}

interface Round {
  readonly commands: Command[]
  readonly next: () => void
  underWay: number
  failure: Failure | undefined
}

export class EntryCopy {
  readonly #ports: EntryCopyPorts
  readonly #kind: ConfigEntryKind
  readonly #primary: string
  readonly #following: Following<'config.list'>
  #isStopped = false
  #isCutTold = false

  constructor(ports: EntryCopyPorts, kind: ConfigEntryKind, primary: string) {
    this.#ports = ports
    this.#kind = kind
    this.#primary = primary
    const question = { datacenter: primary, name: 'config.list', args: { kind } } as const
    this.#following = new Following(ports, question, {
      answered: (answer, _index, next) => this.#answered(answer, next),
      failed: (failure) => this.#tellCut(failure),
    })
  }

  stop(): void {
    this.#isStopped = true
    this.#following.stop()
  }

  #answered(answer: readonly unknown[], next: () => void): void {
    const { store, log, metrics } = this.#ports
    const fields = { kind: this.#kind, primary: this.#primary }
    if (this.#isCutTold) log.info('entries are copied from the primary datacenter again', fields)
    this.#isCutTold = false
    metrics.gauge('mesh_federation_copying', 1, { kind: this.#kind })
    const read = answer.map((each) => configEntryShape.safeParse(each))
    if (!read.every(({ success, data }) => success && data.kind === this.#kind)) {
      // What cannot be read may be a rule that denies: better the last copy than a part of this one.
      log.error('entries of the primary datacenter are not well formed; it may be of a newer version', fields)
      this.#following.startOver()
      return
    }
    const wanted = read.flatMap(({ data }) => data ?? [])
    const commands = differences(store.view(), this.#kind, wanted)
    this.#step({ commands, next, underWay: 0, failure: undefined })
  }

  /** A few writes at a time; the next question waits for all of them. */
  #step(round: Round): void {
    const { write, log } = this.#ports
    if (this.#isStopped) return
    while (round.underWay < limits.entryWritesInFlight && round.failure === undefined) {
      const command = round.commands.shift()
      if (command === undefined) break
      round.underWay += 1
      write(command, (result) => {
        round.underWay -= 1
        if (!result.ok) round.failure ??= result.failure
        this.#step(round)
      })
    }
    if (round.underWay > 0) return
    if (round.failure === undefined) round.next()
    else {
      log.warn('entries of the primary datacenter could not be written, will be repeated', {
        kind: this.#kind,
        ...round.failure,
      })
      this.#following.startOver()
    }
  }

  /** One line per cut; the attempts after it would fill the log. */
  #tellCut({ code, message: reason }: Failure): void {
    const { log, metrics } = this.#ports
    metrics.gauge('mesh_federation_copying', 0, { kind: this.#kind })
    const fields = { kind: this.#kind, primary: this.#primary, code, reason }
    if (this.#isCutTold) log.debug('the primary datacenter is not reached', fields)
    else log.warn('entries are not copied from the primary datacenter; the last copy stays in force', fields)
    this.#isCutTold = true
  }
}

/** What makes the entries of a kind those of the primary; removals first. */
export function differences(
  view: Pick<View, 'configEntries' | 'configEntry'>,
  kind: ConfigEntryKind,
  wanted: readonly ConfigEntry[],
): Command[] {
  const names = new Set(wanted.map(({ name }) => name))
  const removed = [...view.configEntries(kind)].filter(({ name }) => !names.has(name))
  const changed = wanted.filter((entry) => {
    const known = view.configEntry(kind, entry.name)
    return known === undefined || !sameValue(withoutIndexes(known), entry)
  })
  return [
    ...removed.map(({ name }): Command => ({ type: 'config-entry.delete', kind, name })),
    ...changed.map((entry): Command => ({ type: 'config-entry.upsert', entry })),
  ]
}
