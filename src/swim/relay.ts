/**
 * Probes on behalf of others: ping whom they cannot reach, pass the answer on, and say so when there was none.
 */
import type { Ack, GossipEndpoint, IndirectPing } from '../model/gossip-message.ts'
import { noBytes } from '../model/gossip-message.ts'
import { limits } from '../model/limits.ts'
import type { LocalView } from './local-view.ts'

/** Nacks leave early enough to arrive before the asker judges (Lifeguard: after 80 % of the timeout). */
const nackShare = 0.8

export function relayPing(view: LocalView, ask: IndirectPing, from: GossipEndpoint): void {
  const { relays, nowMs, parameters } = view
  if (relays.length >= limits.gossipRelays) return
  const sequence = view.nextSequence()
  relays.push({
    sequence,
    askedSequence: ask.sequence,
    asker: ask.source ?? from,
    wantsNack: ask.wantsNack,
    dueMs: nowMs + parameters.probeTimeoutMs * nackShare,
  })
  view.send(ask.target, { type: 'ping', sequence, node: ask.node, source: view.source })
}

/** Passes the answer on without its payload: the round trip was not the asker's. */
export function relayAck(view: LocalView, ack: Ack): void {
  const at = view.relays.findIndex((relay) => relay.sequence === ack.sequence)
  const relay = view.relays[at]
  if (relay === undefined) return
  view.relays.splice(at, 1)
  view.send(relay.asker, { type: 'ack', sequence: relay.askedSequence, payload: noBytes })
}

/** Tells the askers of those whose time is over. */
export function endRelays(view: LocalView): void {
  const { relays, nowMs } = view
  for (let oldest = relays[0]; oldest !== undefined && oldest.dueMs <= nowMs; oldest = relays[0]) {
    relays.shift()
    if (oldest.wantsNack) view.send(oldest.asker, { type: 'nack', sequence: oldest.askedSequence })
  }
}
