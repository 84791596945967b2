/**
 * What an agent believes, against the truth: a view equals the store at its index, and never goes back in time while its
 * process lives.
 */

import type { View as SubjectView } from '../../../src/agent/contract.ts'
import { sameValue } from '../../../src/model/equality.ts'
import { type EventBody, type Subject, subjectKey } from '../../../src/model/topic.ts'
import { isWhole, touchedBy, upsertBody, wholeBody } from '../../../src/server/events/contents.ts'
import type { View } from '../../../src/server/store/view.ts'
import { hold } from '../violation.ts'
import type { Truth } from './truth.ts'

/** What a subject is in one state. */
export function contentOf(view: View, { topic, key }: Subject): readonly EventBody[] {
  if (isWhole(topic)) return [wholeBody(view, topic, key)]
  // No simulated host calls another datacenter.
  if (topic === 'datacenter-health') return []
  const entries = topic === 'mesh-health' ? view.meshInstances(key) : view.instances(key)
  return Array.from(entries, (entry) => upsertBody(topic, entry))
}

export class ViewChecker {
  readonly #agent: string
  readonly #truth: Truth
  /** Events are cut in pieces: between two pieces of one change a view is newer in parts than its index says. */
  readonly #isPiecewise: boolean
  readonly #newest = new Map<string, number>()

  constructor(agent: string, truth: Truth, isPiecewise: boolean) {
    this.#agent = agent
    this.#truth = truth
    this.#isPiecewise = isPiecewise
  }

  /** To be called at each change of a view. */
  moved(view: SubjectView): void {
    const key = subjectKey(view.subject)
    const before = this.#newest.get(key) ?? 0
    hold(
      view.index >= before,
      'view-goes-back',
      () => `${this.#agent} had ${key} at index ${before} and now has it at ${view.index}`,
    )
    this.#newest.set(key, view.index)
  }

  /** Compares all of a view. */
  compare(view: SubjectView): void {
    const { subject, index } = view
    const isExact = isWhole(subject.topic) || !this.#isPiecewise
    const state = this.#truth.viewAt(index)
    if (!isExact && index < this.#truth.newest.indexOf(touchedBy(subject))) return
    const expected = contentOf(state, subject)
    hold(
      sameValue(view.bodies, expected),
      'view-equals-store',
      () =>
        `${this.#agent} has ${subjectKey(subject)} at index ${index} as ${JSON.stringify(view.bodies)}, the store as ${JSON.stringify(expected)}`,
    )
  }
}
