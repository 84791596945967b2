/**
 * Instances in other datacenters that agents of this one call: one question per service, however many agents follow it, and
 * every change told to them as a whole. What was known last stays while the road is cut, because the hosts there may well
 * be reached.
 */
import { readFarKey } from '../../model/datacenter.ts'
import { sameValue } from '../../model/equality.ts'
import { limits } from '../../model/limits.ts'
import type { ServiceEntry } from '../../model/service.ts'
import { type EventBody, type Subject, subjectKey } from '../../model/topic.ts'
import type { Timer } from '../../platform/ports.ts'
import { serviceEntryShape } from '../../rpc/shape/catalog.ts'
import type { FarSource, Next, Position } from '../events/publisher.ts'
import type { EventFrame, Snapshot } from '../events/shared-snapshot.ts'
import type { FarRead, FederationSurroundings } from './contract.ts'
import { Following } from './following.ts'

export interface FarServicesPorts extends FederationSurroundings {
  readonly read: FarRead
}

interface Followed {
  readonly subject: Subject
  readonly wakes: Set<() => void>
  readonly following: Following<'catalog.mesh'>
  entries: readonly ServiceEntry[] | undefined
  /** 0 until something is known. */
  version: number
  snapshot: Snapshot | undefined
  /** Runs while nobody wants it. */
  lingering: Timer | undefined
}

export class FarServices implements FarSource {
  readonly #ports: FarServicesPorts
  readonly #followed = new Map<string, Followed>()
  #version = 0
  #isFullTold: boolean = false

  constructor(ports: FarServicesPorts) {
    this.#ports = ports
  }

  subscribe(subject: Subject, wake: () => void): () => void {
    const followed = this.#follow(subject)
    if (followed === undefined) return () => undefined
    followed.lingering?.cancel()
    followed.lingering = undefined
    followed.wakes.add(wake)
    return () => {
      followed.wakes.delete(wake)
      if (followed.wakes.size === 0) this.#linger(followed)
    }
  }

  next(subject: Subject, position: Position): Next {
    const followed = this.#followed.get(subjectKey(subject))
    if (followed?.entries === undefined || position.cursor === followed.version) return { kind: 'current' }
    followed.snapshot ??= snapshotOf(followed.subject, followed.entries, followed.version)
    return {
      kind: 'snapshot',
      snapshot: followed.snapshot,
      position: { ...position, cursor: followed.version },
    }
  }

  stop(): void {
    for (const { following, lingering } of this.#followed.values()) {
      following.stop()
      lingering?.cancel()
    }
    this.#followed.clear()
  }

  #follow(subject: Subject): Followed | undefined {
    const key = subjectKey(subject)
    const known = this.#followed.get(key)
    if (known !== undefined) return known
    const place = readFarKey(subject.key)
    if (place === undefined || this.#isFull()) return undefined
    const { datacenter, service } = place
    const args = { service, tags: [], nodeMeta: {} }
    const question = { datacenter, name: 'catalog.mesh', args } as const
    const following = new Following(this.#ports, question, {
      answered: (answer, _index, next) => {
        this.#take(followed, datacenter, answer)
        next()
      },
      failed: ({ code, message }) =>
        this.#ports.log.debug('a service in another datacenter is not heard of now', {
          ...place,
          code,
          reason: message,
        }),
    })
    const followed: Followed = {
      subject,
      wakes: new Set(),
      following,
      entries: undefined,
      version: 0,
      snapshot: undefined,
      lingering: undefined,
    }
    this.#followed.set(key, followed)
    this.#gauge()
    return followed
  }

  /** Agents are told what has the right shape, and never of a node that says to be of yet another datacenter. */
  #take(followed: Followed, datacenter: string, answer: readonly unknown[]): void {
    const entries: ServiceEntry[] = []
    for (const each of answer.slice(0, limits.farInstances)) {
      const entry = serviceEntryShape.safeParse(each)
      if (entry.success && entry.data.node.datacenter === datacenter) entries.push(entry.data)
    }
    const left = answer.length - entries.length
    if (left > 0) {
      const fields = { datacenter, service: followed.subject.key, left }
      this.#ports.log.warn('instances of another datacenter were left out', fields)
    }
    if (sameValue(entries, followed.entries)) return
    this.#version += 1
    followed.entries = entries
    followed.version = this.#version
    followed.snapshot = undefined
    for (const wake of followed.wakes) wake()
  }

  #linger(followed: Followed): void {
    followed.lingering?.cancel()
    followed.lingering = this.#ports.clock.after(limits.farLingerMs, () => {
      followed.following.stop()
      this.#followed.delete(subjectKey(followed.subject))
      this.#gauge()
    })
  }

  #isFull(): boolean {
    if (this.#followed.size < limits.farServices) return false
    if (!this.#isFullTold)
      this.#ports.log.error('no further services of other datacenters are followed', {
        limit: limits.farServices,
      })
    this.#isFullTold = true
    return true
  }

  #gauge(): void {
    this.#ports.metrics.gauge('mesh_federation_services_followed', this.#followed.size)
  }
}

/** Frames are made once and shared by all who follow. */
function snapshotOf(subject: Subject, entries: readonly ServiceEntry[], version: number): Snapshot {
  const frames: EventFrame[] = []
  for (let at = 0; at < entries.length; at += limits.bodiesPerEvent) {
    const bodies = entries
      .slice(at, at + limits.bodiesPerEvent)
      .map((entry): EventBody => ({ topic: 'datacenter-health', op: 'upsert', entry }))
    frames.push({ kind: 'event', subject, index: version, bodies })
  }
  return { frame: (position) => frames[position] }
}
