/**
 * One subject as the server last told it: rows built from events, and a snapshot that is collected aside until it is
 * whole. Pure; which subjects there are is view-store.ts's business.
 */
import { sameValue } from '../../model/equality.ts'
import type { EventBody, Subject } from '../../model/topic.ts'
import type { View } from '../contract.ts'

/** What a whole snapshot did to the rows that were there. */
export interface SnapshotChange {
  readonly before: number
  readonly removed: number
}

export type Rows = ReadonlyMap<string, EventBody>

export class SubjectView {
  readonly subject: Subject
  #rows: Map<string, EventBody> | undefined
  #aside: Map<string, EventBody> | undefined
  #index = 0
  #live: boolean = false
  /** Events are worth nothing until a snapshot begins: the subscription started over. */
  #needsSnapshot: boolean = false
  /** Keys of the rows in order; kept while rows only change, because sorting is most of the work of a large service. */
  #order: readonly string[] | undefined
  #bodies: readonly EventBody[] | undefined
  #view: View | undefined

  constructor(subject: Subject) {
    this.subject = subject
  }

  /** Index of the last event; 0 where nothing was received. What a subscription resumes after. */
  get cursor(): number {
    return this.#rows === undefined || this.#needsSnapshot ? 0 : this.#index
  }

  get live(): boolean {
    return this.#live
  }

  /** The present rows, the same object until something changes; `bodies` stay the same when only `live` does. */
  view(): View | undefined {
    if (this.#rows === undefined) return undefined
    this.#order ??= [...this.#rows.keys()].sort()
    this.#bodies ??= this.#order.flatMap((key) => this.#rows?.get(key) ?? [])
    this.#view ??= { subject: this.subject, index: this.#index, bodies: this.#bodies, live: this.#live }
    return this.#view
  }

  /** Takes over what an earlier process saved. */
  restore(index: number, bodies: readonly EventBody[]): boolean {
    const rows = new Map<string, EventBody>()
    if (!bodies.every((body) => put(rows, body, this.subject))) return false
    this.#rows = rows
    this.#index = index
    return true
  }

  /** False: the event cannot follow what is there, so the subscription has to start over. */
  event(index: number, bodies: readonly EventBody[]): boolean {
    if (this.#aside !== undefined) return bodies.every((body) => put(this.#aside, body, this.subject))
    if (this.#needsSnapshot) return true
    if (index < this.#index) return false
    this.#rows ??= new Map()
    const before = this.#rows.size
    for (const body of bodies) {
      const isRemoval = 'op' in body && body.op === 'remove'
      if (!put(this.#rows, body, this.subject)) return false
      if (isRemoval || this.#rows.size !== before) this.#order = undefined
    }
    this.#index = index
    this.#bodies = undefined
    this.#view = undefined
    return true
  }

  beginSnapshot(): void {
    this.#aside = new Map()
    this.setLive(false)
  }

  /** Puts the snapshot in place of the rows; undefined where none was begun. The bodies stay the same where all rows do. */
  endSnapshot(index: number): SnapshotChange | undefined {
    const aside = this.#aside
    if (aside === undefined) return undefined
    const old = this.#rows ?? new Map<string, EventBody>()
    let removed = 0
    for (const key of old.keys()) if (!aside.has(key)) removed += 1
    const same =
      this.#rows !== undefined &&
      removed === 0 &&
      [...aside].every(([key, body]) => sameValue(old.get(key), body))
    if (!same) {
      this.#rows = aside
      this.#order = undefined
      this.#bodies = undefined
    }
    this.#aside = undefined
    this.#needsSnapshot = false
    this.#index = index
    this.#live = true
    this.#view = undefined
    return { before: old.size, removed }
  }

  /** The stream is gone: half a snapshot is worth nothing, the rows before it stay. */
  interrupt(): void {
    this.#aside = undefined
    this.setLive(false)
  }

  /** The next subscription starts from nothing. */
  startOver(): void {
    this.interrupt()
    this.#needsSnapshot = true
  }

  setLive(live: boolean): void {
    if (this.#live === live) return
    this.#live = live
    this.#view = undefined
  }

  /** The server has handled the subscription: rows are live unless a snapshot is on its way. */
  confirm(): void {
    if (this.#rows !== undefined && this.#aside === undefined && !this.#needsSnapshot) this.setLive(true)
  }
}

/** False: a body of another topic, which no honest server sends here. */
function put(rows: Map<string, EventBody> | undefined, body: EventBody, subject: Subject): boolean {
  if (body.topic !== subject.topic || rows === undefined) return false
  if (body.topic === 'intentions' || body.topic === 'roots') rows.set('', body)
  else if (body.op === 'remove') rows.delete(rowKey(body.node, body.serviceId))
  else rows.set(rowKey(body.entry.node.name, body.entry.service.id), body)
  return true
}

const rowKey = (node: string, serviceId: string): string => `${node}\u0000${serviceId}`
