/**
 * What a gossip pool is to those who use it: its members as Serf shows them, what it tells, and what it asks of its
 * surroundings. How it works begins in pool.ts.
 */
import type { GossipEndpoint, GossipVersions } from '../model/gossip-message.ts'
import type { LamportTime, NetworkCoordinate } from '../model/serf-message.ts'
import type { Clock, HostNames, Log, Metrics, PoolSockets, Random, StateFiles } from '../platform/ports.ts'
import type { Presence } from '../swim/serf/intents.ts'
import type { PoolTiming } from './timing.ts'

export interface PoolMember extends GossipEndpoint {
  readonly node: string
  readonly tags: ReadonlyMap<string, string>
  readonly presence: Presence
  /** It missed its probes and has not refuted that yet; `presence` is still alive. */
  readonly isSuspected: boolean
  readonly incarnation: number
  readonly versions: GossipVersions
}

/** A query of another member. `respond` does nothing once its time is over. */
export interface HeardQuery {
  readonly name: string
  readonly payload: Uint8Array
  readonly from: string
  /** False: the answer is larger than `limits.serfAnswerBytes`, or too late, or a second one. */
  respond(payload: Uint8Array): boolean
}

export type PoolEvent =
  | {
      readonly type: 'member-joined' | 'member-updated' | 'member-failed' | 'member-left' | 'member-reaped'
      readonly member: PoolMember
    }
  | {
      readonly type: 'user-event'
      readonly name: string
      readonly payload: Uint8Array
      readonly time: LamportTime
      readonly coalesces: boolean
    }
  | { readonly type: 'query'; readonly query: HeardQuery }
  /** Most members know another host under our name: this one must go. */
  | { readonly type: 'name-lost'; readonly holder: GossipEndpoint }

export interface PoolSettings {
  /** In logs and metrics, and the name of its files: `lan` or `wan`. */
  readonly pool: 'lan' | 'wan'
  readonly node: string
  /** Where the sockets are; port 0 takes any free one. */
  readonly bind: GossipEndpoint
  /** What others are told, where it is not `bind`; port 0: the one that was bound. */
  readonly advertise: GossipEndpoint
  readonly tags: ReadonlyMap<string, string>
  readonly timing: PoolTiming
  /** Of the pool; members with another one are not heard. Empty: none. */
  readonly label: string
  /** First is in use. Taken where no keyring is stored yet; empty: gossip in clear text. */
  readonly keys: readonly Uint8Array[]
  /** What is not encrypted is refused. */
  readonly verifiesIncoming: boolean
  readonly encryptsOutgoing: boolean
  /** Networks that members may be in, as `10.0.0.0/8`; empty: any. */
  readonly allowedNetworks: readonly string[]
  /** A member's datacenter (tag `dc`) must be ours: true for the pool of one datacenter. */
  readonly isOneDatacenter: boolean
  /** After a clean leave, meet the pool again at the next start. */
  readonly rejoinsAfterLeave: boolean
}

export interface PoolSurroundings {
  readonly sockets: PoolSockets
  readonly names: HostNames
  readonly clock: Clock
  readonly random: Random
  /** Keyring and known peers, below `serf/`. */
  readonly files: StateFiles
  readonly log: Log
  readonly metrics: Metrics
}

export interface PoolOptions extends PoolSettings, PoolSurroundings {}

/** What a join came to. */
export interface JoinReport {
  /** Members that answered. */
  readonly joined: number
  /** For people: one line per address that did not, with the reason. */
  readonly failures: readonly string[]
}

/** Answers of the whole pool to an operation on its keyrings. */
export interface KeyReport {
  /** Members that should have answered. */
  readonly members: number
  readonly answered: number
  /** What members that could not do it say, by name. */
  readonly failures: ReadonlyMap<string, string>
  /** On how many members each key is installed, and in use. Keys are base64 text. */
  readonly installed: ReadonlyMap<string, number>
  readonly inUse: ReadonlyMap<string, number>
}

export interface KnownCoordinate {
  readonly node: string
  readonly coordinate: NetworkCoordinate
}
