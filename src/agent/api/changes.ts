/**
 * Lets readers wait for changes inside the agent: the registry, a leaf, a view. One listener per source however many
 * wait; a change wakes only those who wait for its subject.
 */
import type { Topic } from '../../model/topic.ts'
import type { Clock } from '../../platform/ports.ts'
import type { Leaves, LocalRegistry, UserEvents, Views } from '../contract.ts'
import type { Changes } from './contract.ts'

export const registrySubject = 'registry'
export const eventsSubject = 'events'
export const leafSubject = (service: string): string => `leaf/${service}`
export const viewSubject = (topic: Topic, key: string): string => `view/${topic}/${key}`

export function createChanges(sources: {
  readonly registry: LocalRegistry
  readonly leaves: Leaves
  readonly views: Views
  readonly userEvents: UserEvents
  readonly clock: Clock
}): Changes {
  const waiting = new Map<string, Set<() => void>>()
  const wake = (subject: string): void => {
    for (const look of [...(waiting.get(subject) ?? [])]) look()
  }
  sources.registry.onChange(() => wake(registrySubject))
  sources.userEvents.onChange(() => wake(eventsSubject))
  sources.leaves.onChange((service) => wake(leafSubject(service)))
  sources.views.onChange(({ topic, key }) => wake(viewSubject(topic, key)))

  return {
    wait(subject, ready, { waitMs, signal }) {
      if (ready() || signal.aborted) return Promise.resolve()
      return new Promise((resolve) => {
        const done = (): void => {
          timer.cancel()
          signal.removeEventListener('abort', done)
          const looks = waiting.get(subject)
          looks?.delete(look)
          if (looks?.size === 0) waiting.delete(subject)
          resolve()
        }
        const look = (): void => {
          if (ready()) done()
        }
        const timer = sources.clock.after(waitMs, done)
        signal.addEventListener('abort', done, { once: true })
        waiting.set(subject, (waiting.get(subject) ?? new Set()).add(look))
      })
    },
  }
}
