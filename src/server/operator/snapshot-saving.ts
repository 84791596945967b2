/**
 * Reads the state out for operators, a piece per call. The picture is that of one log index, whatever is written meanwhile;
 * who never asks for the next piece loses it, because it keeps old rows in memory.
 */
import { failed, ok, type Result } from '../../model/errors.ts'
import { uuidFromBytes } from '../../model/ids.ts'
import { limits } from '../../model/limits.ts'
import type { Clock, Random, Timer } from '../../platform/ports.ts'
import type { SnapshotOpened } from '../../rpc/operator.ts'
import { type ArchiveOrigin, ArchiveWriter } from '../../wire/snapshot-archive.ts'
import type { SnapshotReader } from '../consensus/contract.ts'
import { readSnapshot } from '../store/snapshot.ts'
import type { View } from '../store/view.ts'

export interface SavingPorts {
  readonly clock: Clock
  readonly random: Random
  /** Node name of this server, and its program's version. */
  readonly server: string
  readonly version: string
}

export interface ArchivePiece {
  readonly data: Uint8Array
  readonly isLast: boolean
}

interface Open {
  readonly writer: ArchiveWriter
  readonly origin: ArchiveOrigin
  readonly reader: SnapshotReader
  hasBegun: boolean
  timer: Timer
}

export class SnapshotSaving {
  readonly #ports: SavingPorts
  readonly #open = new Map<string, Open>()

  constructor(ports: SavingPorts) {
    this.#ports = ports
  }

  open(view: View, term: number): Result<SnapshotOpened> {
    const { clock, random, server, version } = this.#ports
    const settings = view.settings()
    if (settings === undefined) return failed('no-leader', 'this server is not part of a cluster yet')
    if (this.#open.size >= limits.snapshotTransfers)
      return failed('overloaded', `${limits.snapshotTransfers} snapshots are being read from this server`)
    const origin: ArchiveOrigin = {
      index: view.index,
      term,
      clusterId: settings.clusterId,
      datacenter: settings.datacenter,
      featureLevel: view.featureLevel,
      server,
      program: version,
      createdAt: new Date(clock.wallMs()).toISOString(),
    }
    const id = uuidFromBytes(random.bytes(16))
    const reader = readSnapshot(view)
    this.#open.set(id, {
      writer: new ArchiveWriter(),
      origin,
      reader,
      hasBegun: false,
      timer: this.#expiry(id),
    })
    return ok({ id, origin })
  }

  next(id: string): Result<ArchivePiece> {
    const open = this.#open.get(id)
    if (open === undefined)
      return failed('not-found', 'this server knows no such snapshot any more; begin again')
    open.timer.cancel()
    const piece = this.#piece(open)
    if (piece.isLast) this.#open.delete(id)
    else open.timer = this.#expiry(id)
    return ok(piece)
  }

  #piece(open: Open): ArchivePiece {
    const { writer, reader, origin } = open
    if (!open.hasBegun) {
      open.hasBegun = true
      return { data: writer.header(origin), isLast: false }
    }
    const piece = reader.next()
    return piece === undefined
      ? { data: writer.trailer(), isLast: true }
      : { data: writer.piece(piece), isLast: false }
  }

  #expiry(id: string): Timer {
    return this.#ports.clock.after(limits.snapshotTransferIdleMs, () => this.#open.delete(id))
  }
}
