/**
 * Tells the cluster about this server: its name, version and what it supports. Written when it starts with something else
 * than the state says, so that the leader can wait for the oldest server and operators see names instead of ids.
 */
import type { ServerInfo } from '../../model/autopilot.ts'
import type { Command } from '../../model/command.ts'
import { sameValue } from '../../model/equality.ts'
import { limits } from '../../model/limits.ts'
import type { Clock, Log, Timer } from '../../platform/ports.ts'
import type { Reply } from '../../rpc/contract.ts'
import type { Store } from '../store/store.ts'

export interface AnnouncementPorts {
  readonly store: Store
  /** Proposes as this server, at the leader. */
  readonly write: (command: Command, reply: Reply<unknown>) => void
  readonly clock: Pick<Clock, 'after'>
  readonly log: Log
  readonly server: ServerInfo
}

const indexNames: ReadonlySet<string> = new Set(['createIndex', 'modifyIndex'])

export class Announcement {
  readonly #ports: AnnouncementPorts
  #writing: boolean = false
  #isSaid: boolean = false
  #retry: Timer | undefined

  constructor(ports: AnnouncementPorts) {
    this.#ports = ports
    ports.store.onCommit(() => this.#look())
    ports.store.onReplaced(() => {
      this.#isSaid = false
      this.#look()
    })
    this.#look()
  }

  stop(): void {
    this.#isSaid = true
    this.#retry?.cancel()
  }

  #look(): void {
    if (this.#isSaid || this.#writing || this.#retry !== undefined) return
    const { store, server, write, clock, log } = this.#ports
    const view = store.view()
    if (view.settings() === undefined) return
    const known = view.serverInfo(server.id)
    if (known !== undefined && sameValue(known, server, indexNames)) {
      this.#isSaid = true
      return
    }
    this.#writing = true
    write({ type: 'server.announce', server }, (result) => {
      this.#writing = false
      if (result.ok) return
      log.debug('this server could not tell the cluster about itself, will be repeated', {
        ...result.failure,
      })
      this.#retry = clock.after(limits.memberRetryMs, () => {
        this.#retry = undefined
        this.#look()
      })
    })
  }
}
