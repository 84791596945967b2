/**
 * An event that somebody fired for all hosts, or for those that its filters name: a word of Consul's that travels by
 * gossip, is kept by nobody, and reaches whoever is there.
 */
export interface FiredEvent {
  /** A UUID, made where it was fired. */
  readonly id: string
  readonly name: string
  readonly payload: Uint8Array
  /** Regular expressions; '': everybody. */
  readonly nodeFilter: string
  readonly serviceFilter: string
  readonly tagFilter: string
  readonly version: number
  /** Lamport time of gossip; 0 where it was not heard yet. */
  readonly time: number
}

export type EventDraft = Pick<FiredEvent, 'name' | 'payload' | 'nodeFilter' | 'serviceFilter' | 'tagFilter'>

/** Of what is fired and understood here. */
export const firedEventVersion = 1
