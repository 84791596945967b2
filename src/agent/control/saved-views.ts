/**
 * The last good views on disk, so that an agent that starts while no server answers still knows what to plan. Written
 * behind the changes, one file per subject, each with a checksum: a damaged file counts as none.
 */
import { createHash } from 'node:crypto'
import { limits } from '../../model/limits.ts'
import { type EventBody, type Subject, subjectKey, topics } from '../../model/topic.ts'
import type { Clock, Log, StateFiles, Timer } from '../../platform/ports.ts'

const folder = 'views'
const savedVersion = 1
const writeAfterMs = 5_000
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
  #timer: Timer | undefined

  constructor(options: SavedViewsOptions) {
    this.#options = options
  }

  load(): readonly SavedView[] {
    const { files } = this.#options
    return files.list(folder).flatMap((name) => this.#read(`${folder}/${name}`) ?? [])
  }

  /** The subject changed, or is gone: its file follows within seconds. */
  mark(subject: Subject): void {
    this.#dirty.set(subjectKey(subject), subject)
    this.#timer ??= this.#options.clock.after(writeAfterMs, () => this.#writeOne())
  }

  /** Writes everything now; for an orderly stop. */
  flush(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    for (const subject of this.#dirty.values()) this.#write(subject)
    this.#dirty.clear()
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
      return
    }
    const error = files.write(path, encoder.encode(`${checksum(text)}\n${text}`), { durable: false })
    if (error !== undefined)
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
      if (saved.version === savedVersion && topics.includes(saved.subject.topic)) return saved
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
