/**
 * Words of the layer above gossip, as Serf speaks it: intents to join and leave, user events, queries and their answers.
 * Lamport times are whole numbers that JavaScript holds exactly; larger ones are refused where bytes are read.
 */
import type { GossipEndpoint } from './gossip-message.ts'

/** Time of a Lamport clock: counts events, not seconds. */
export type LamportTime = number

export interface JoinIntent {
  readonly type: 'join-intent'
  readonly time: LamportTime
  readonly node: string
}

export interface LeaveIntent {
  readonly type: 'leave-intent'
  readonly time: LamportTime
  readonly node: string
  /** The member is to be forgotten at once. */
  readonly prune: boolean
}

export interface UserEvent {
  readonly type: 'user-event'
  readonly time: LamportTime
  readonly name: string
  readonly payload: Uint8Array
  /** Of several of this name in a short time only the newest matters. */
  readonly coalesces: boolean
}

export type QueryFilter =
  /** Only these members. */
  | { readonly kind: 'nodes'; readonly nodes: readonly string[] }
  /** Only members whose tag matches the regular expression. */
  | { readonly kind: 'tag'; readonly tag: string; readonly expression: string }

export interface Query {
  readonly type: 'query'
  readonly time: LamportTime
  /** Random; tells queries of one Lamport time apart. */
  readonly id: number
  /** Where answers go. */
  readonly source: GossipEndpoint & { readonly node: string }
  readonly filters: readonly QueryFilter[]
  readonly wantsAck: boolean
  /** Is not to be gossiped on. */
  readonly isDirect: boolean
  /** How many members shall pass each answer on, against loss. */
  readonly relayFactor: number
  readonly timeoutMs: number
  readonly name: string
  readonly payload: Uint8Array
}

export interface QueryResponse {
  readonly type: 'query-response'
  readonly time: LamportTime
  readonly id: number
  readonly from: string
  /** Says only that the query arrived. */
  readonly isAck: boolean
  readonly payload: Uint8Array
}

/** An answer that passes through another member. */
export interface SerfRelay {
  readonly type: 'relay'
  readonly to: GossipEndpoint
  readonly node: string
  /** The encoded message for `to`. */
  readonly message: Uint8Array
}

export type SerfMessage = JoinIntent | LeaveIntent | UserEvent | Query | QueryResponse | SerfRelay

/** Serf's part of a full exchange of state. */
export interface SerfState {
  readonly time: LamportTime
  /** When each member's status last changed. */
  readonly statusTimes: ReadonlyMap<string, LamportTime>
  readonly left: readonly string[]
  readonly eventTime: LamportTime
  readonly events: readonly UserEvent[]
  readonly queryTime: LamportTime
}

/** A position in Vivaldi's space of round trips; all in seconds but `error`. */
export interface NetworkCoordinate {
  readonly vector: readonly number[]
  /** Confidence: 0 is sure, 1.5 is nothing known. */
  readonly error: number
  readonly adjustment: number
  /** Distance of the host from the network's core. */
  readonly height: number
}

/** What a member answers to a question about its keyring. Keys are base64 text. */
export interface KeyResponse {
  readonly isDone: boolean
  readonly message: string
  readonly keys: readonly string[]
  readonly primaryKey: string
}

/** Names of Serf's own queries. */
export const serfQueries = {
  ping: '_serf_ping',
  conflict: '_serf_conflict',
  installKey: '_serf_install-key',
  useKey: '_serf_use-key',
  removeKey: '_serf_remove-key',
  listKeys: '_serf_list-keys',
} as const
