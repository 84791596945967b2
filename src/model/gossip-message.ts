/**
 * Words of the gossip protocol, as memberlist speaks it: what members say to and about one another. Neither bytes
 * (`wire/gossip`) nor rules (`swim`). Message objects are shared between queues and packets and are never changed.
 */

/** Where a member listens, for datagrams and streams alike. */
export interface GossipEndpoint {
  /** IPv4 or IPv6 as text, in its shortest form. */
  readonly address: string
  readonly port: number
}

/** Lowest, highest and spoken version of the protocol, then the same of the layer above it (Serf). */
export type GossipVersions = readonly [number, number, number, number, number, number]

/** The sender wants the answer at this endpoint, whatever the datagram's source address is. */
export interface GossipSource extends GossipEndpoint {
  readonly node: string
}

export interface Ping {
  readonly type: 'ping'
  readonly sequence: number
  /** Who is meant; a host that was restarted under another name does not answer. Empty: whoever is there. */
  readonly node: string
  readonly source: GossipSource | undefined
}

export interface IndirectPing {
  readonly type: 'indirect-ping'
  readonly sequence: number
  readonly target: GossipEndpoint
  readonly node: string
  /** The asking member counts missing nacks as a sign that it is itself unwell. */
  readonly wantsNack: boolean
  readonly source: GossipSource | undefined
}

export interface Ack {
  readonly type: 'ack'
  readonly sequence: number
  /** For the layer above: in Serf, the answering member's coordinate. */
  readonly payload: Uint8Array
}

export interface Nack {
  readonly type: 'nack'
  readonly sequence: number
}

export interface Suspect {
  readonly type: 'suspect'
  readonly incarnation: number
  readonly node: string
  readonly from: string
}

export interface Alive extends GossipEndpoint {
  readonly type: 'alive'
  readonly incarnation: number
  readonly node: string
  /** For the layer above: in Serf, the encoded tags. */
  readonly meta: Uint8Array
  readonly versions: GossipVersions
}

/** Said by another member: failed. Said by the member itself: left. */
export interface Dead {
  readonly type: 'dead'
  readonly incarnation: number
  readonly node: string
  readonly from: string
}

/** Payload of the layer above. */
export interface UserMessage {
  readonly type: 'user'
  readonly payload: Uint8Array
}

export type Claim = Suspect | Alive | Dead
export type GossipMessage = Ping | IndirectPing | Ack | Nack | Claim | UserMessage

export type MemberStatus = 'alive' | 'suspect' | 'dead' | 'left'

/** What one member believes about another, in a full exchange of state. */
export interface MemberState {
  /** The newest alive claim that was believed. */
  readonly record: Alive
  /** Of the newest claim of any kind. */
  readonly incarnation: number
  readonly status: MemberStatus
}

/** One direction of a full exchange of state. */
export interface PushPull {
  readonly type: 'push-pull'
  /** The sender wants to become a member, or to meet a pool that it had lost. */
  readonly isJoin: boolean
  readonly members: readonly MemberState[]
  /** For the layer above; empty where there is none. */
  readonly userState: Uint8Array
}

/** Answer on a stream when the request could not be read. */
export interface GossipError {
  readonly type: 'error'
  readonly text: string
}

export type StreamMessage = Ping | Ack | PushPull | UserMessage | GossipError

export const noBytes = new Uint8Array(0)

export function sameEndpoint(a: GossipEndpoint, b: GossipEndpoint): boolean {
  return a.port === b.port && a.address === b.address
}
