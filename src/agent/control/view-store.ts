/**
 * All views of this agent: what is wanted, what was received, what was saved. A view that a broken stream leaves behind
 * stays usable for as long as it takes. Knows frames, not streams (control-stream.ts).
 */
import { limits } from '../../model/limits.ts'
import { type Subject, subjectKey } from '../../model/topic.ts'
import type { Clock, Log, Metrics, StateFiles, Timer } from '../../platform/ports.ts'
import type { ServerFrame } from '../../rpc/contract.ts'
import type { View, Views } from '../contract.ts'
import { type SavedView, SavedViews } from './saved-views.ts'
import { type SnapshotChange, SubjectView } from './subject-view.ts'

/** A service that is deregistered and comes back, as in a deployment, finds its views and resumes them. */
const keepUnwantedMs = 600_000
/** Losing one of one instance is everyday; below this nobody is told. */
const suspiciousFrom = 2

export interface ViewStoreOptions {
  /** Rooted in the agent's own state folder. */
  readonly files: StateFiles
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
}

export type ViewFrame = Extract<ServerFrame, { readonly kind: 'event' | 'snapshot-begin' | 'snapshot-end' }>

/** Told of each subject that becomes wanted or is no longer wanted. */
export interface WantListener {
  wanted(subject: Subject, cursor: number): void
  unwanted(subject: Subject): void
}

interface Entry {
  readonly view: SubjectView
  wanted: boolean
  unwantedSinceMs: number
  /** Wall clock when the view was last known to be true. */
  asOfMs: number
}

export class ViewStore implements Views {
  readonly #options: ViewStoreOptions
  readonly #saved: SavedViews
  readonly #entries = new Map<string, Entry>()
  readonly #listeners: ((subject: Subject) => void)[] = []
  #wanted: readonly Subject[] = []
  #wantListener: WantListener | undefined
  #sweep: Timer | undefined

  /** Loads what was saved, so that it can be planned with before any server answers. */
  constructor(options: ViewStoreOptions) {
    this.#options = options
    this.#saved = new SavedViews({ ...options, current: (subject) => this.#savable(subject) })
    for (const { subject, index, asOfMs, bodies } of this.#saved.load()) {
      const entry = this.#entry(subject)
      entry.asOfMs = asOfMs
      if (!entry.view.restore(index, bodies)) this.#entries.delete(subjectKey(subject))
    }
    this.#sweepLater()
  }

  /** Writes what is only in memory. */
  close(): void {
    this.#sweep?.cancel()
    this.#saved.flush()
  }

  onChange(listener: (subject: Subject) => void): void {
    this.#listeners.push(listener)
  }

  view(subject: Subject): View | undefined {
    return this.#entries.get(subjectKey(subject))?.view.view()
  }

  /** How long ago the view was last known to be true; 0 while it is live, undefined where there is none. */
  ageMs(subject: Subject): number | undefined {
    const entry = this.#entries.get(subjectKey(subject))
    if (entry?.view.view() === undefined) return undefined
    return entry.view.live ? 0 : Math.max(0, this.#options.clock.wallMs() - entry.asOfMs)
  }

  want(subjects: readonly Subject[]): void {
    if (subjects.length > limits.subscriptionsPerSession)
      this.#options.log.error(
        'This host needs more subscriptions than a server grants; the last ones are left out',
        {
          wanted: subjects.length,
          limit: limits.subscriptionsPerSession,
        },
      )
    const bounded = subjects.slice(0, limits.subscriptionsPerSession)
    this.#wanted = bounded
    const keys = new Set(bounded.map(subjectKey))
    for (const [key, entry] of this.#entries) if (entry.wanted && !keys.has(key)) this.#release(entry)
    for (const subject of bounded) {
      const entry = this.#entry(subject)
      if (entry.wanted) continue
      entry.wanted = true
      this.#saved.mark(subject)
      this.#wantListener?.wanted(subject, entry.view.cursor)
    }
    this.#sweepLater()
  }

  /** One listener, the stream; undefined while there is none. */
  followWants(listener: WantListener | undefined): void {
    this.#wantListener = listener
  }

  /** In the order in which they were wanted. */
  wantedSubjects(): readonly { readonly subject: Subject; readonly cursor: number }[] {
    return this.#wanted.map((subject) => ({ subject, cursor: this.#entry(subject).view.cursor }))
  }

  /** Takes a frame of the stream; false: this subject has to be subscribed again from nothing. */
  take(frame: ViewFrame): boolean {
    const entry = this.#entries.get(subjectKey(frame.subject))
    // Sent before the server knew that it is not wanted any more.
    if (entry?.wanted !== true) return true
    const taken = this.#apply(entry, frame)
    if (taken) entry.asOfMs = this.#options.clock.wallMs()
    else {
      entry.view.startOver()
      this.#options.metrics.count('mesh_view_restarts_total', { topic: frame.subject.topic })
    }
    this.#saved.mark(frame.subject)
    this.#tell(frame.subject)
    return taken
  }

  /** The server has handled the subscription of this subject. */
  confirm(subject: Subject): void {
    const entry = this.#entries.get(subjectKey(subject))
    if (entry?.wanted !== true) return
    entry.view.confirm()
    this.#tell(subject)
  }

  /** The stream ended: nothing is live, everything stays. */
  disconnected(): void {
    for (const entry of this.#entries.values()) {
      if (entry.view.live) entry.asOfMs = this.#options.clock.wallMs()
      const wasLive = entry.view.live
      entry.view.interrupt()
      if (wasLive) this.#tell(entry.view.subject)
    }
  }

  #apply(entry: Entry, frame: ViewFrame): boolean {
    switch (frame.kind) {
      case 'event':
        return entry.view.event(frame.index, frame.bodies)
      case 'snapshot-begin':
        entry.view.beginSnapshot()
        return true
      case 'snapshot-end': {
        const change = entry.view.endSnapshot(frame.index)
        if (change !== undefined) this.#judge(frame.subject, change)
        return change !== undefined
      }
    }
  }

  /**
   * A snapshot that takes away most of a service is put in place all the same. Holding it back would keep sending calls to
   * instances that were removed on purpose, and the agent cannot tell that from a mistake: it does not see whether they
   * still answer. Proxies find out by themselves which do. An operator hears of it, because it is how lost server state
   * looks from here.
   */
  #judge(subject: Subject, { before, removed }: SnapshotChange): void {
    if (before < suspiciousFrom || removed * 2 <= before) return
    this.#options.metrics.count('mesh_view_suspicious_snapshots_total', { topic: subject.topic })
    this.#options.log.warn('A new snapshot takes away more than half of the instances of a service', {
      subject: subjectKey(subject),
      before,
      removed,
    })
  }

  #entry(subject: Subject): Entry {
    const key = subjectKey(subject)
    const known = this.#entries.get(key)
    if (known !== undefined) return known
    const unwantedSinceMs = this.#options.clock.monotonicMs()
    const entry: Entry = { view: new SubjectView(subject), wanted: false, unwantedSinceMs, asOfMs: 0 }
    this.#entries.set(key, entry)
    return entry
  }

  #release(entry: Entry): void {
    const { clock } = this.#options
    const wasLive = entry.view.live
    if (wasLive) entry.asOfMs = clock.wallMs()
    entry.wanted = false
    entry.unwantedSinceMs = clock.monotonicMs()
    entry.view.interrupt()
    this.#wantListener?.unwanted(entry.view.subject)
    // Whoever made something of it will not hear of changes any more.
    if (wasLive) this.#tell(entry.view.subject)
  }

  #tell(subject: Subject): void {
    for (const listener of this.#listeners) listener(subject)
  }

  #sweepLater(): void {
    const hasUnwanted = [...this.#entries.values()].some((entry) => !entry.wanted)
    if (hasUnwanted) this.#sweep ??= this.#options.clock.after(keepUnwantedMs, () => this.#sweepNow())
  }

  #sweepNow(): void {
    this.#sweep = undefined
    const oldestMs = this.#options.clock.monotonicMs() - keepUnwantedMs
    for (const [key, entry] of this.#entries)
      if (!entry.wanted && entry.unwantedSinceMs <= oldestMs) {
        this.#entries.delete(key)
        this.#saved.mark(entry.view.subject)
      }
    this.#sweepLater()
  }

  #savable(subject: Subject): SavedView | undefined {
    const entry = this.#entries.get(subjectKey(subject))
    const view = entry?.view.view()
    if (entry === undefined || view === undefined) return undefined
    const asOfMs = entry.view.live ? this.#options.clock.wallMs() : entry.asOfMs
    return { subject, index: entry.view.cursor, asOfMs, bodies: view.bodies }
  }
}
