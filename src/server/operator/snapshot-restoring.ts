/**
 * Takes a snapshot of an operator and brings it into the log: each piece is a command, so that every server puts the same
 * state together, and only when all of it was seen and its checksum is right the last command puts it into force.
 * What applying does is apply/restore.ts.
 */
import type { Principal } from '../../model/access.ts'
import type { Command } from '../../model/command.ts'
import { failed, ok, type Result } from '../../model/errors.ts'
import { uuidFromBytes } from '../../model/ids.ts'
import { limits } from '../../model/limits.ts'
import type { Clock, Log, Random, Timer } from '../../platform/ports.ts'
import type { Reply } from '../../rpc/contract.ts'
import { ArchiveReader } from '../../wire/snapshot-archive.ts'
import type { Written } from '../admission/admission.ts'
import type { RestoreFilter } from './restore-filter.ts'

export interface RestoringPorts {
  readonly write: (principal: Principal, command: Command, reply: Reply<Written>) => void
  /** Checks what comes against this cluster; `clusterKey` is what the operator gave, or empty. */
  readonly filter: (clusterKey: Uint8Array) => RestoreFilter
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

interface Open {
  readonly id: string
  readonly principal: Principal
  readonly filter: RestoreFilter
  readonly reader: ArchiveReader
  /** State text that no command has carried yet. */
  text: string
  pieces: number
  hasBegun: boolean
  isBusy: boolean
  timer: Timer
}

export class SnapshotRestoring {
  readonly #ports: RestoringPorts
  readonly #open = new Map<string, Open>()

  constructor(ports: RestoringPorts) {
    this.#ports = ports
  }

  open(principal: Principal, clusterKey: Uint8Array): Result<{ readonly id: string }> {
    if (this.#open.size >= limits.snapshotTransfers)
      return failed(
        'overloaded',
        `${limits.snapshotTransfers} snapshots are being restored through this server`,
      )
    const id = uuidFromBytes(this.#ports.random.bytes(16))
    const filter = this.#ports.filter(clusterKey)
    const open: Open = {
      id,
      principal,
      filter,
      reader: new ArchiveReader({
        onOrigin: (origin) => filter.origin(origin),
        onState: (lines) => {
          open.text += filter.lines(lines)
        },
      }),
      text: '',
      pieces: 0,
      hasBegun: false,
      isBusy: false,
      timer: this.#expiry(id),
    }
    this.#open.set(id, open)
    return ok({ id })
  }

  /** Replies when the log has what `data` completed, so that a caller cannot be ahead of the disks. */
  write(id: string, data: Uint8Array, reply: Reply<true>): void {
    const open = this.#find(id)
    if (!open.ok) {
      reply(open)
      return
    }
    const found = open.value.reader.write(data)
    const refusal = found.ok ? open.value.filter.refusal : found.failure
    if (refusal === undefined) this.#send(open.value, limits.restorePieceChars, reply)
    else this.#giveUp(open.value, { ok: false, failure: refusal }, reply)
  }

  finish(id: string, reply: Reply<Written>): void {
    const found = this.#find(id)
    if (!found.ok) {
      reply(found)
      return
    }
    const open = found.value
    const whole = open.reader.finish()
    if (!whole.ok) {
      this.#giveUp(open, whole, reply)
      return
    }
    this.#send(open, 1, (sent) => {
      if (!sent.ok) {
        reply(sent)
        return
      }
      const { pieces, principal } = open
      open.isBusy = true
      this.#ports.write(principal, { type: 'restore.commit', id, pieces }, (result) => {
        this.#close(open)
        if (result.ok)
          this.#ports.log.warn('the state was restored from a snapshot', {
            index: result.value.index,
            snapshotIndex: whole.value.origin.index,
            createdAt: whole.value.origin.createdAt,
          })
        reply(result)
      })
    })
  }

  #find(id: string): Result<Open> {
    const open = this.#open.get(id)
    if (open === undefined)
      return failed('not-found', 'this server knows no such restore any more; begin again')
    if (open.isBusy) return failed('conflict', 'the piece before is still on its way')
    open.timer.cancel()
    open.timer = this.#expiry(id)
    return ok(open)
  }

  /** One command after the other while there are `least` characters: order matters, and the log has other work too. */
  #send(open: Open, least: number, reply: Reply<true>): void {
    const { id, principal } = open
    const done = (result: Result<unknown>, next: () => void): void => {
      open.isBusy = false
      if (!result.ok) this.#giveUp(open, result, reply)
      else next()
    }
    const again = (): void => this.#send(open, least, reply)
    open.isBusy = true
    if (open.text.length < least) done(ok(true), () => reply(ok(true)))
    else if (!open.hasBegun) {
      open.hasBegun = true
      this.#ports.write(principal, { type: 'restore.begin', id }, (result) => done(result, again))
    } else {
      const text = open.text.slice(0, limits.restorePieceChars)
      open.text = open.text.slice(text.length)
      const sequence = open.pieces
      open.pieces += 1
      this.#ports.write(principal, { type: 'restore.piece', id, sequence, text }, (result) =>
        done(result, again),
      )
    }
  }

  #giveUp(open: Open, reason: Extract<Result<never>, { readonly ok: false }>, reply: Reply<never>): void {
    this.#close(open)
    this.#abort(open)
    reply(reason)
  }

  #close(open: Open): void {
    open.timer.cancel()
    this.#open.delete(open.id)
  }

  /** If this gets lost, the leader forgets the attempt later. */
  #abort({ hasBegun, principal, id }: Open): void {
    if (hasBegun) this.#ports.write(principal, { type: 'restore.abort', id }, () => undefined)
  }

  #expiry(id: string): Timer {
    return this.#ports.clock.after(limits.snapshotTransferIdleMs, () => {
      const open = this.#open.get(id)
      if (open?.isBusy === true) open.timer = this.#expiry(id)
      else if (open !== undefined) {
        this.#close(open)
        this.#abort(open)
      }
    })
  }
}
