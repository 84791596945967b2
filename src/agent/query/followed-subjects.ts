/**
 * Instances of services that clients ask for with `?cached`: followed on the agent's stream from then on, so that the next
 * such question is answered from a live view. Bounded; the one not asked for longest makes room.
 */
import { limits } from '../../model/limits.ts'
import { type Subject, subjectKey } from '../../model/topic.ts'

export class FollowedSubjects {
  readonly #want: (subjects: readonly Subject[]) => void
  /** By key; the least lately asked for first. */
  readonly #followed = new Map<string, Subject>()

  /** `want` is told the whole list each time it changes. */
  constructor(want: (subjects: readonly Subject[]) => void) {
    this.#want = want
  }

  follow(subject: Subject): void {
    const key = subjectKey(subject)
    const wasFollowed = this.#followed.delete(key)
    this.#followed.set(key, subject)
    if (wasFollowed) return
    const [oldest] = this.#followed.keys()
    if (this.#followed.size > limits.cachedSubjects && oldest !== undefined) this.#followed.delete(oldest)
    this.#want([...this.#followed.values()])
  }
}
