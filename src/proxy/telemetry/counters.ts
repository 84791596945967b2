/**
 * Counters of a worker per pair of services and direction, in typed arrays: counting on the byte path makes no object.
 * Sums since the worker started; the agent turns them into metrics. Knows no names of metrics.
 */
import { limits } from '../../model/limits.ts'
import { type RefusalCode, refusalCatalogue, refusalCodes } from '../../model/refusal.ts'
import { durationBoundsMs, type PairStats } from '../../wire/link/message.ts'

export type Direction = PairStats['direction']

/** Row of a pair. */
export type PairSlot = number

/** Columns before those of the refusal codes. */
const columns = {
  connections: 0,
  toDestination: 1,
  toSource: 2,
  durationMs: 3,
  datagramsToDestination: 4,
  datagramsToSource: 5,
  datagramsDropped: 6,
} as const
const firstDuration = 7
const firstRefusal = firstDuration + durationBoundsMs.length + 1
const width = firstRefusal + Math.max(...refusalCodes.map((code) => refusalCatalogue[code].wire)) + 1
const firstRows = 64

interface PairName {
  readonly direction: Direction
  readonly source: string
  readonly destination: string
}

/** Stands for all pairs beyond the limit. */
const otherName = '(other)'

export class PairCounters {
  private cells = new Float64Array(firstRows * width)
  private changed = new Uint8Array(firstRows)
  private readonly names: PairName[] = []
  private readonly slots = new Map<string, PairSlot>()
  private changedSlots: PairSlot[] = []

  /** The row of a pair, made when it is new. `source` is '' where the peer never proved who it is. */
  slot(direction: Direction, source: string, destination: string): PairSlot {
    const key = `${direction}\n${source}\n${destination}`
    const known = this.slots.get(key)
    if (known !== undefined) return known
    if (this.names.length >= limits.telemetryPairs && source !== otherName)
      return this.slot(direction, otherName, otherName)
    const slot = this.names.push({ direction, source, destination }) - 1
    this.slots.set(key, slot)
    this.growTo(slot + 1)
    return slot
  }

  connection(slot: PairSlot): void {
    this.add(slot, columns.connections, 1)
  }

  toDestination(slot: PairSlot, bytes: number): void {
    this.add(slot, columns.toDestination, bytes)
  }

  toSource(slot: PairSlot, bytes: number): void {
    this.add(slot, columns.toSource, bytes)
  }

  datagram(slot: PairSlot, to: 'destination' | 'source'): void {
    this.add(slot, to === 'destination' ? columns.datagramsToDestination : columns.datagramsToSource, 1)
  }

  /** One for which there was no room, or nobody. */
  datagramDropped(slot: PairSlot): void {
    this.add(slot, columns.datagramsDropped, 1)
  }

  refused(slot: PairSlot, code: RefusalCode): void {
    this.add(slot, firstRefusal + refusalCatalogue[code].wire, 1)
  }

  /** A connection that was carried is over. */
  ended(slot: PairSlot, durationMs: number): void {
    let bucket = 0
    while (bucket < durationBoundsMs.length && durationMs > (durationBoundsMs[bucket] ?? 0)) bucket += 1
    this.add(slot, firstDuration + bucket, 1)
    this.add(slot, columns.durationMs, durationMs)
  }

  /** Rows that changed since the last call. */
  takeChanged(): readonly PairStats[] {
    const taken = this.changedSlots.map((slot) => this.read(slot))
    for (const slot of this.changedSlots) this.changed[slot] = 0
    this.changedSlots = []
    return taken
  }

  /** All rows, as if each had changed: what a new listener needs. */
  all(): readonly PairStats[] {
    this.takeChanged()
    return this.names.map((_, slot) => this.read(slot))
  }

  private add(slot: PairSlot, column: number, by: number): void {
    const cell = slot * width + column
    this.cells[cell] = (this.cells[cell] ?? 0) + by
    if (this.changed[slot] !== 0) return
    this.changed[slot] = 1
    this.changedSlots.push(slot)
  }

  private cell(slot: PairSlot, column: number): number {
    return this.cells[slot * width + column] ?? 0
  }

  private read(slot: PairSlot): PairStats {
    const { direction, source, destination } = this.names[slot] ?? {
      direction: 'inbound',
      source: '',
      destination: '',
    }
    const refusals: Record<string, number> = {}
    for (const code of refusalCodes) {
      const count = this.cell(slot, firstRefusal + refusalCatalogue[code].wire)
      if (count > 0) refusals[code] = count
    }
    return {
      direction,
      source,
      destination,
      connections: this.cell(slot, columns.connections),
      bytesToDestination: this.cell(slot, columns.toDestination),
      bytesToSource: this.cell(slot, columns.toSource),
      refusals,
      durations: Array.from({ length: durationBoundsMs.length + 1 }, (_, bucket) =>
        this.cell(slot, firstDuration + bucket),
      ),
      durationMs: Math.round(this.cell(slot, columns.durationMs)),
      ...this.datagrams(slot),
    }
  }

  /** Most pairs never see one. */
  private datagrams(slot: PairSlot): Pick<PairStats, 'datagrams'> {
    const toDestination = this.cell(slot, columns.datagramsToDestination)
    const toSource = this.cell(slot, columns.datagramsToSource)
    const dropped = this.cell(slot, columns.datagramsDropped)
    return toDestination + toSource + dropped === 0 ? {} : { datagrams: { toDestination, toSource, dropped } }
  }

  private growTo(rows: number): void {
    if (rows * width <= this.cells.length) return
    const cells = new Float64Array(this.cells.length * 2)
    cells.set(this.cells)
    this.cells = cells
    const changed = new Uint8Array(this.changed.length * 2)
    changed.set(this.changed)
    this.changed = changed
  }
}
