/**
 * Several rooms of the agent want views of the cluster; the views take one list. Here each room says its part, and the list
 * of all is made of them, the first room's part first: it stays when a server grants no more.
 */
import { type Subject, subjectKey } from '../../model/topic.ts'
import type { Views } from '../contract.ts'

export class SharedWants {
  readonly #views: Pick<Views, 'want'>
  readonly #parts: (readonly Subject[])[] = []

  constructor(views: Pick<Views, 'want'>) {
    this.#views = views
  }

  /** A room's way to say what it wants, each time the whole of it. */
  part(): (subjects: readonly Subject[]) => void {
    const at = this.#parts.push([]) - 1
    return (subjects) => {
      this.#parts[at] = subjects
      const all = new Map<string, Subject>()
      for (const subject of this.#parts.flat()) {
        const key = subjectKey(subject)
        if (!all.has(key)) all.set(key, subject)
      }
      this.#views.want([...all.values()])
    }
  }
}
