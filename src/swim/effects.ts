/**
 * What the core asks of the shell that drives it. Calls instead of a returned list, because most steps of a large pool
 * ask for one packet or nothing; the shell must not step the core from within a call.
 */
import type { Alive, GossipEndpoint, GossipMessage, Ping } from '../model/gossip-message.ts'
import type { Member } from './roster.ts'

export interface SwimEffects {
  /** One datagram with these messages, in this order. May be lost without a word. */
  send(to: GossipEndpoint, messages: readonly GossipMessage[]): void
  /** Ping over a stream, for peers whose datagrams do not arrive; an answer in time comes as `stream-ack`. */
  pingByStream(to: GossipEndpoint, ping: Ping, timeoutMs: number): void
  /** Open a stream, send our whole state, bring the answer as `push-pull`. */
  exchange(to: GossipEndpoint, node: string, isJoin: boolean): void
  notify(event: SwimEvent): void
}

/** `member` is the live record of the roster: read it at once, do not keep it. */
export type SwimEvent =
  | { readonly type: 'joined' | 'updated' | 'suspected' | 'failed' | 'left'; readonly member: Member }
  /** No longer remembered at all. */
  | { readonly type: 'reaped'; readonly member: Member }
  /** Two hosts say they are this member, or a claim about it has another address. */
  | { readonly type: 'conflict'; readonly member: Member; readonly claim: Alive }
  /** A direct probe was answered. */
  | {
      readonly type: 'probed'
      readonly member: Member
      readonly roundTripMs: number
      readonly payload: Uint8Array
    }
  /** Answered over a stream only: datagrams to or from it are lost, often a firewall. */
  | { readonly type: 'stream-only'; readonly member: Member }
  /** Somebody accused us and was answered. */
  | { readonly type: 'refuted'; readonly from: string }
  /** This process stood still for so long. */
  | { readonly type: 'stalled'; readonly lateMs: number }
  /** Our own leave was told often enough to stop. */
  | { readonly type: 'leave-told' }
  /** A message of the layer above; whether to tell it on is decided there. */
  | { readonly type: 'user'; readonly payload: Uint8Array; readonly from: GossipEndpoint }
