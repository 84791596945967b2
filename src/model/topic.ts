/**
 * What servers push to agents: typed events on topics, each topic ordered and without gaps.
 *
 * A subscription is (topic, key). The cursor is the log index of the last event seen; a server that no longer holds the
 * events after a cursor sends a snapshot between `snapshot-begin` and `snapshot-end`, and the view starts over.
 */
import type { PublicCaRoot } from './authority.ts'
import type { FederatedRoots } from './datacenter.ts'
import type { IntentionAction, IntentionRule } from './intention.ts'
import type { ServiceEntry } from './service.ts'

/** In the order in which a server flushes them: what takes permissions away goes first. */
export const topics = ['intentions', 'roots', 'mesh-health', 'datacenter-health', 'service-health'] as const
export type Topic = (typeof topics)[number]

export interface Subject {
  readonly topic: Topic
  /**
   * `intentions`: the destination service. `mesh-health`: the service whose mesh instances (sidecars, natives) are
   * wanted. `service-health`: the service itself. `roots`: always ''. `datacenter-health`: as `mesh-health`, in another
   * datacenter (`farKey`); its indexes count changes that the server saw, each tells all instances anew.
   */
  readonly key: string
}

export type EventBody =
  /** Every rule that can match this destination, wildcards included, with the default that applies to the rest. */
  | {
      readonly topic: 'intentions'
      readonly defaultAction: IntentionAction
      readonly rules: readonly IntentionRule[]
    }
  /** Whom to trust on the service plane: all roots, active one first, and which hosts were shut out. */
  | {
      readonly topic: 'roots'
      readonly trustDomain: string
      readonly roots: readonly PublicCaRoot[]
      /** Tags of evicted hosts (wire/x509/host-tag.ts); absent: none. */
      readonly evicted?: readonly string[]
      /** Of other datacenters; absent: there are none. */
      readonly federated?: readonly FederatedRoots[]
    }
  | {
      readonly topic: 'mesh-health' | 'service-health' | 'datacenter-health'
      readonly op: 'upsert'
      readonly entry: ServiceEntry
    }
  | {
      readonly topic: 'mesh-health' | 'service-health' | 'datacenter-health'
      readonly op: 'remove'
      readonly node: string
      readonly serviceId: string
    }

/** One change at one log index, for one subject; an index may carry several bodies for the same subject. */
export interface Event {
  readonly subject: Subject
  readonly index: number
  readonly bodies: readonly EventBody[]
}

export const subjectKey = (subject: Subject): string => `${subject.topic}/${subject.key}`
