/**
 * Tells sessions what changed. It does not push content: a commit marks the subjects that changed and wakes their
 * subscribers, and each asks `next` when its stream has room. So the order is that of the state, a subscriber that
 * cannot keep up skips what is outdated, and resuming after a break is the same call as going on.
 *
 * What is sent is made once per subject and change, and shared by all subscribers.
 */
import { wildcard } from '../../model/intention.ts'
import { limits } from '../../model/limits.ts'
import { type Subject, type Topic, topics } from '../../model/topic.ts'
import type { Store } from '../store/store.ts'
import type { Changes } from '../store/transaction.ts'
import type { View } from '../store/view.ts'
import {
  type FarTopic,
  type HealthTopic,
  instanceBody,
  isWhole,
  touchedBy,
  type WholeTopic,
  wholeBody,
} from './contents.ts'
import { Journal, type JournalEntry } from './journal.ts'
import { type EventFrame, HealthSnapshot, type Snapshot } from './shared-snapshot.ts'

/** How far a subscriber is: the index it has seen, in which life of the state. */
export interface Position {
  readonly cursor: number
  readonly epoch: number
}

export type Next =
  /** Nothing to send. */
  | { readonly kind: 'current' }
  | { readonly kind: 'event'; readonly frame: EventFrame; readonly position: Position }
  /** Everything anew; `position` holds once all of it was sent. */
  | { readonly kind: 'snapshot'; readonly snapshot: Snapshot; readonly position: Position }

/** One subject that somebody subscribes to. */
interface Followed {
  readonly subject: Subject
  readonly wakes: Set<() => void>
  /** Of the last change; known exactly, where the state only knows it was not later than some index. */
  index: number
  /** Frames made since that change, by the index of the first change that they tell. */
  frames: Map<number, EventFrame>
}

/** Where instances in other datacenters are known. Positions in it count its own changes, not those of the state. */
export interface FarSource {
  subscribe(subject: Subject, wake: () => void): () => void
  next(subject: Subject, position: Position): Next
}

export class Publisher {
  readonly #store: Store
  #far: FarSource | undefined
  readonly #followed = new Map<Topic, Map<string, Followed>>(topics.map((topic) => [topic, new Map()]))
  readonly #journals: Readonly<Record<HealthTopic, Journal>>
  readonly #snapshots = new Map<string, Snapshot>()
  #epoch = 1

  /** `eventsKept` per topic, for streams that resume. */
  constructor(store: Store, eventsKept: number = limits.eventsKeptPerTopic) {
    this.#store = store
    this.#journals = { 'mesh-health': new Journal(eventsKept), 'service-health': new Journal(eventsKept) }
    this.#reset(store.view())
    store.onCommit((_view, changes) => this.#committed(changes))
    store.onReplaced((view) => this.#reset(view))
  }

  /** To be set before anybody is served. */
  useFar(far: FarSource): void {
    this.#far = far
  }

  /** `wake` is called after each commit that changed the subject; it must only note that and return. */
  subscribe(subject: Subject, wake: () => void): () => void {
    const { topic, key } = subject
    if (topic === 'datacenter-health') return this.#far?.subscribe(subject, wake) ?? nothingFollowed
    const ofTopic = this.#subjects(topic)
    let followed = ofTopic.get(key)
    if (followed === undefined) {
      const index = this.#store.view().indexOf(touchedBy(subject))
      followed = { subject, wakes: new Set(), index, frames: new Map() }
      ofTopic.set(key, followed)
      this.#journalOf(topic)?.follow(key, index)
    }
    const { wakes } = followed
    wakes.add(wake)
    return () => {
      wakes.delete(wake)
      if (wakes.size > 0 || ofTopic.get(key)?.wakes !== wakes) return
      ofTopic.delete(key)
      this.#journalOf(topic)?.unfollow(key)
    }
  }

  /** Where a subscriber with this cursor stands; the cursor must not be beyond the state. */
  positionOf(cursor: number): Position {
    return { cursor, epoch: this.#epoch }
  }

  /** What a subscriber at `position` needs now. */
  next(subject: Subject, position: Position): Next {
    const { topic, key } = subject
    if (topic === 'datacenter-health') return this.#far?.next(subject, position) ?? { kind: 'current' }
    const view = this.#store.view()
    const followed = this.#subjects(subject.topic).get(subject.key)
    if (followed === undefined) return { kind: 'current' }
    const isNew = position.cursor === 0 || position.epoch !== this.#epoch
    if (isWhole(topic)) {
      if (!isNew && position.cursor >= followed.index) return { kind: 'current' }
      const frame = this.#wholeFrame(view, followed, topic)
      if (!isNew) return { kind: 'event', frame, position: this.positionOf(followed.index) }
      const snapshot = { frame: (at: number) => (at === 0 ? frame : undefined) }
      return { kind: 'snapshot', snapshot, position: this.positionOf(view.index) }
    }
    const entries = isNew ? undefined : this.#journals[topic].after(key, position.cursor)
    if (entries !== undefined) return this.#nextOf(view, followed, topic, entries)
    if (!isNew && position.cursor >= followed.index) return { kind: 'current' }
    return {
      kind: 'snapshot',
      snapshot: this.#healthSnapshot(view, topic, key),
      position: this.positionOf(view.index),
    }
  }

  /**
   * Index of the last change of what `destination` allows. An acknowledgement of this or a later index is one of the
   * newest rules, whatever was written since.
   */
  intentionsIndex(destination: string): number {
    const followed = this.#subjects('intentions').get(destination)
    if (followed !== undefined) return followed.index
    return this.#store.view().indexOf(touchedBy({ topic: 'intentions', key: destination }))
  }

  #committed(changes: Changes): void {
    for (const change of changes.instances) {
      this.#journals[change.topic].append(changes.index, change)
      this.#snapshots.delete(snapshotKey(change.topic, change.key))
      this.#changed(change.topic, change.key, changes.index)
    }
    if (changes.roots) this.#changed('roots', '', changes.index)
    if (changes.settings || changes.destinations.has(wildcard)) {
      for (const key of this.#subjects('intentions').keys()) this.#changed('intentions', key, changes.index)
    } else for (const key of changes.destinations) this.#changed('intentions', key, changes.index)
  }

  #changed(topic: Topic, key: string, index: number): void {
    const followed = this.#subjects(topic).get(key)
    if (followed === undefined) return
    followed.index = index
    followed.frames.clear()
    for (const wake of followed.wakes) wake()
  }

  /** After the whole state was replaced everybody starts over. */
  #reset(view: View): void {
    this.#epoch++
    this.#snapshots.clear()
    for (const journal of Object.values(this.#journals)) journal.reset(view.index)
    for (const ofTopic of this.#followed.values())
      for (const followed of ofTopic.values()) {
        followed.index = view.indexOf(touchedBy(followed.subject))
        followed.frames.clear()
        for (const wake of followed.wakes) wake()
      }
  }

  #journalOf(topic: Exclude<Topic, FarTopic>): Journal | undefined {
    return isWhole(topic) ? undefined : this.#journals[topic]
  }

  #subjects(topic: Topic): Map<string, Followed> {
    return this.#followed.get(topic) ?? new Map()
  }

  #wholeFrame(view: View, followed: Followed, topic: WholeTopic): EventFrame {
    const { subject, index } = followed
    return framed(followed, index, () => [index, [wholeBody(view, topic, subject.key)]])
  }

  /** Whole indexes only: a cursor says that all of its index was seen. */
  #nextOf(view: View, followed: Followed, topic: HealthTopic, entries: readonly JournalEntry[]): Next {
    const [oldest] = entries
    if (oldest === undefined) return { kind: 'current' }
    const frame = framed(followed, oldest.index, () => {
      const places = new Map<string, JournalEntry>()
      let index = oldest.index
      for (const entry of entries) {
        if (entry.index !== index && places.size >= limits.bodiesPerEvent) break
        index = entry.index
        places.set(`${entry.change.node}\u0000${entry.change.serviceId}`, entry)
      }
      const bodies = [...places.values()].map(({ change }) => instanceBody(view, topic, change.key, change))
      return [index, bodies]
    })
    return { kind: 'event', frame, position: this.positionOf(frame.index) }
  }

  #healthSnapshot(view: View, topic: HealthTopic, key: string): Snapshot {
    const name = snapshotKey(topic, key)
    const kept = this.#snapshots.get(name)
    if (kept !== undefined) return kept
    const snapshot = new HealthSnapshot(view, topic, key)
    for (const oldest of this.#snapshots.keys()) {
      if (this.#snapshots.size < limits.snapshotsShared) break
      this.#snapshots.delete(oldest)
    }
    this.#snapshots.set(name, snapshot)
    return snapshot
  }
}

const nothingFollowed = (): void => undefined

const snapshotKey = (topic: Topic, key: string): string => `${topic}/${key}`

/** The frame that tells changes from `first` on, made once until the subject changes again. */
function framed(
  followed: Followed,
  first: number,
  make: () => readonly [index: number, bodies: EventFrame['bodies']],
): EventFrame {
  const kept = followed.frames.get(first)
  if (kept !== undefined) return kept
  const [index, bodies] = make()
  const frame: EventFrame = { kind: 'event', subject: followed.subject, index, bodies }
  followed.frames.set(first, frame)
  return frame
}
