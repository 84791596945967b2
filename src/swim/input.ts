/**
 * Everything that can happen to the core. Time comes with each step, randomness through the options: the same inputs
 * always ask for the same effects.
 */
import type { GossipEndpoint, GossipMessage, PushPull } from '../model/gossip-message.ts'
import type { Urgency } from './broadcast-queue.ts'

export type SwimInput =
  /** Some deadline may have passed; `nextDeadlineMs` says when the next one does. */
  | { readonly type: 'tick' }
  | {
      readonly type: 'packet'
      readonly from: GossipEndpoint
      readonly messages: readonly GossipMessage[]
    }
  /** A ping that was sent by `pingByStream` came back. */
  | { readonly type: 'stream-ack'; readonly sequence: number }
  /** The state of another member, asked for or sent to us. One that asks is answered after this step. */
  | { readonly type: 'push-pull'; readonly state: PushPull }
  /** Our own description has changed. */
  | { readonly type: 'update'; readonly meta: Uint8Array }
  /** What the answers to pings carry from now on. */
  | { readonly type: 'ack-payload'; readonly payload: Uint8Array }
  /** A message of the layer above, for everybody. */
  | {
      readonly type: 'broadcast'
      readonly payload: Uint8Array
      readonly urgency: Exclude<Urgency, 'alive' | 'accusation'>
    }
  /** We go, and want to be seen as left instead of failed. */
  | { readonly type: 'leave' }
  /** A failed member will not come back (Serf's force-leave, or its own leave intent that came in time). */
  | { readonly type: 'left-for-good'; readonly node: string }
  /** A failed or left member is not to be remembered (Serf's prune). One that is alive stays. */
  | { readonly type: 'forget'; readonly node: string }
