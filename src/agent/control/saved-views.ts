/**
 * The last good views on disk, so that an agent that starts, with servers or without, knows what to plan before one answers:
 * what a plan lacks, proxies take down. One file per subject, each with a checksum: a damaged file counts as none. A view that
 * has no file yet, and rules about who may call, are written at once; further changes of others shortly after.
 */
import { createHash } from 'node:crypto'
import { limits } from '../../model/limits.ts'
import { type EventBody, type Subject, subjectKey, topics } from '../../model/topic.ts'
import type { Clock, Log, StateFiles, Timer } from '../../platform/ports.ts'

const folder = 'views'
export const savedVersion = 1
/** Changes of that long make one write; what came in the meantime, an agent that is killed does not know when it is back. */
const writeAfterMs = 500
/** An older rule could let somebody in whom the proxies of this host had shut out already. */
const rules: readonly Subject['topic'][] = ['intentions', 'roots']
const encoder = new TextEncoder()
const decoder = new TextDecoder()

export interface SavedView {
  readonly subject: Subject
  readonly index: number
  /** Wall clock when it was last known to be true. */
  readonly asOfMs: number
  readonly bodies: readonly EventBody[]
}

export interface SavedViewsOptions {
  readonly files: StateFiles
  readonly clock: Clock
  readonly log: Log
  /** The view to write for a subject that was marked, or undefined where it is gone. */
  readonly current: (subject: Subject) => SavedView | undefined
}

export class SavedViews {
  readonly #options: SavedViewsOptions
  readonly #dirty = new Map<string, Subject>()
  readonly #urgent = new Map<string, Subject>()
  /** Subjects that have a file. */
  readonly #kept = new Set<string>()
  #timer: Timer | undefined
  #urgentTimer: Timer | undefined

  constructor(options: SavedViewsOptions) {
    this.#options = options
  }

  load(): readonly SavedView[] {
    const { files } = this.#options
    return files.list(folder).flatMap((name) => this.#read(`${folder}/${name}`) ?? [])
  }

  /** The subject changed, or is gone: its file follows, at once or soon. */
  mark(subject: Subject): void {
    const key = subjectKey(subject)
    if (rules.includes(subject.topic) || !this.#kept.has(key)) {
      this.#urgent.set(key, subject)
      this.#urgentTimer ??= this.#options.clock.after(0, () => this.#writeUrgent())
      return
    }
    this.#dirty.set(key, subject)
    this.#timer ??= this.#options.clock.after(writeAfterMs, () => this.#writeOne())
  }

  /** Writes everything now; for an orderly stop. */
  flush(): void {
    this.#timer?.cancel()
    this.#urgentTimer?.cancel()
    this.#timer = undefined
    this.#urgentTimer = undefined
    for (const subject of [...this.#urgent.values(), ...this.#dirty.values()]) this.#write(subject)
    this.#urgent.clear()
    this.#dirty.clear()
  }

  #writeUrgent(): void {
    this.#urgentTimer = undefined
    let written = 0
    for (const [key, subject] of this.#urgent) {
      if (written === limits.viewFilesPerTurn) {
        this.#urgentTimer = this.#options.clock.after(0, () => this.#writeUrgent())
        return
      }
      this.#urgent.delete(key)
      this.#write(subject)
      written += 1
    }
  }

  /** One file per turn: a view can be megabytes, and the agent has other things to do. */
  #writeOne(): void {
    this.#timer = undefined
    const [first] = this.#dirty
    if (first === undefined) return
    this.#dirty.delete(first[0])
    this.#write(first[1])
    if (this.#dirty.size > 0) this.#timer = this.#options.clock.after(0, () => this.#writeOne())
  }

  #write(subject: Subject): void {
    const { files, log, current } = this.#options
    const path = pathOf(subject)
    const view = current(subject)
    const text = view === undefined ? '' : JSON.stringify({ version: savedVersion, ...view })
    if (text === '' || text.length > limits.viewFileBytes) {
      if (text !== '') log.warn('A view is too large to be kept on disk', { subject: subjectKey(subject) })
      files.remove(path)
      this.#kept.delete(subjectKey(subject))
      return
    }
    const error = files.write(path, encoder.encode(`${checksum(text)}\n${text}`), { durable: false })
    if (error === undefined) this.#kept.add(subjectKey(subject))
    else
      log.warn('A view could not be saved; a restart without servers would not have it', {
        subject: subjectKey(subject),
        reason: error.message,
      })
  }

  #read(path: string): SavedView | undefined {
    const { files, log } = this.#options
    const bytes = files.read(path)
    const text = bytes === undefined ? '' : decoder.decode(bytes)
    const end = text.indexOf('\n')
    const body = text.slice(end + 1)
    if (end > 0 && text.slice(0, end) === checksum(body)) {
      const saved = JSON.parse(body) as SavedView & { readonly version: number }
      if (saved.version === savedVersion && topics.includes(saved.subject.topic)) {
        this.#kept.add(subjectKey(saved.subject))
        return saved
      }
    }
    log.warn('A saved view is damaged or of another version; it is dropped', { path })
    files.remove(path)
    return undefined
  }
}

function pathOf(subject: Subject): string {
  return `${folder}/${checksum(subjectKey(subject)).slice(0, 40)}.json`
}

function checksum(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
