/**
 * Instances of services, from the agent's views: the first question goes to a server, and where there is such a service the
 * agent follows it from then on and answers from memory. Only services that exist are followed, so that strangers who ask
 * for made-up names take nobody's place; the one not asked for longest makes room.
 */
import { limits } from '../../model/limits.ts'
import type { ServiceEntry } from '../../model/service.ts'
import { TokenBucket } from '../../model/token-bucket.ts'
import { type Subject, subjectKey } from '../../model/topic.ts'
import type { Clock } from '../../platform/ports.ts'
import type { View, Views } from '../contract.ts'
import type { Deliver, Staleness } from './found.ts'
import type { RememberedReads } from './remembered-reads.ts'

export interface FollowedServicesOptions {
  readonly views: Pick<Views, 'view'> & { readonly ageMs: (subject: Subject) => number | undefined }
  /** Declares what is followed beside what the agent needs for other reasons. */
  readonly want: (subjects: readonly Subject[]) => void
  readonly reads: RememberedReads
  readonly clock: Pick<Clock, 'monotonicMs'>
  readonly connected: () => boolean
  readonly staleness: () => Staleness
}

/**
 * An answer is made again after this time even where nothing changed, so that what is asked for often is known to be, and
 * is not the one that makes room.
 */
const keepFollowedMs = 5_000
/** While servers are away nobody tells of changes; the state itself is looked at again this often. */
const keepStaleMs = 1_000

export class FollowedServices {
  readonly #options: FollowedServicesOptions
  /** By key; the least lately asked for first. */
  readonly #followed = new Map<string, Subject>()
  readonly #pace = new TokenBucket(limits.dnsSubjectsPerSecond, limits.dnsSubjectsPerSecond)

  constructor(options: FollowedServicesOptions) {
    this.#options = options
  }

  /** Instances of the service, or those through which it is reached in the mesh. */
  find(kind: 'service' | 'mesh', service: string, done: Deliver<readonly ServiceEntry[]>): void {
    const { views, reads, connected, staleness } = this.#options
    const subject: Subject = { topic: kind === 'mesh' ? 'mesh-health' : 'service-health', key: service }
    const view = views.view(subject)
    if (view?.live === true) {
      this.#touch(subject)
      done({ kind: 'found', value: entriesOf(view), keepMs: keepFollowedMs, subject })
      return
    }
    if (view !== undefined && !connected()) {
      // What an earlier run of the agent saved is forgotten after a while unless somebody wants it.
      if (view.bodies.length > 0) this.#follow(subject)
      const { allowStale, maxStaleMs } = staleness()
      const isUsable = allowStale && (views.ageMs(subject) ?? 0) <= maxStaleMs
      done(
        isUsable
          ? { kind: 'found', value: entriesOf(view), keepMs: keepStaleMs, subject }
          : { kind: 'failed', reason: 'dns-too-stale' },
      )
      return
    }
    const question = {
      name: kind === 'mesh' ? 'catalog.mesh' : 'catalog.service',
      args: { service, tags: [], nodeMeta: {} },
    } as const
    reads.find(
      question,
      (entries) => entries.length === 0,
      (found) => {
        if (found.kind === 'found' && found.value.length > 0) this.#follow(subject)
        done(found.kind === 'found' ? { ...found, subject } : found)
      },
    )
  }

  #touch(subject: Subject): void {
    const key = subjectKey(subject)
    if (this.#followed.delete(key)) this.#followed.set(key, subject)
  }

  #follow(subject: Subject): void {
    const { want, clock } = this.#options
    const key = subjectKey(subject)
    this.#touch(subject)
    if (this.#followed.has(key) || this.#pace.take(clock.monotonicMs()) > 0) return
    this.#followed.set(key, subject)
    const [oldest] = this.#followed.keys()
    if (this.#followed.size > limits.dnsSubjects && oldest !== undefined) this.#followed.delete(oldest)
    want([...this.#followed.values()])
  }
}

function entriesOf({ bodies }: View): readonly ServiceEntry[] {
  return bodies.flatMap((body) => ('op' in body && body.op === 'upsert' ? [body.entry] : []))
}
