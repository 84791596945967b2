/**
 * The label that may stand before every packet and stream of a pool, so that pools on the same network do not mix
 * (memberlist). Without encryption it is a guard against mistakes, not against attackers.
 */
import { gossipFaults } from './fault.ts'
import { messageTypes } from './message-type.ts'

/** Empty for a pool without label. */
export function labelHeader(label: string): Uint8Array {
  if (label === '') return new Uint8Array(0)
  const text = Buffer.from(label)
  return Buffer.concat([Buffer.of(messageTypes.labelled, text.length), text])
}

/** What is behind the expected label, or what is wrong. A stream may not have brought it all yet: `more`. */
export function behindLabel(
  bytes: Uint8Array,
  header: Uint8Array,
): { readonly at: number } | { readonly fault: typeof gossipFaults.foreignLabel | 'more' } {
  if (header.length === 0)
    return bytes[0] === messageTypes.labelled ? { fault: gossipFaults.foreignLabel } : { at: 0 }
  const compared = Math.min(bytes.length, header.length)
  for (let at = 0; at < compared; at += 1)
    if (bytes[at] !== header[at]) return { fault: gossipFaults.foreignLabel }
  return bytes.length < header.length ? { fault: 'more' } : { at: header.length }
}
