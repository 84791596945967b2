/**
 * Encoded sizes of gossip messages, so that packets are filled without encoding anything. The layout is that of
 * `wire/gossip`; a test there holds both together.
 */
import { unreachable } from '../model/errors.ts'
import type { Claim, GossipEndpoint, GossipMessage, GossipSource } from '../model/gossip-message.ts'

/** Type and count of a compound packet, and the length that stands before each message in it. */
export const compoundHeaderBytes = 2
export const compoundPartBytes = 2

export function utf8Bytes(text: string): number {
  let bytes = text.length
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code > 0x7f) bytes += code > 0x7ff && (code < 0xd800 || code > 0xdfff) ? 2 : 1
  }
  return bytes
}

const rawBytes = (length: number): number => length + (length < 32 ? 1 : length < 0x1_0000 ? 3 : 5)

const textBytes = (text: string): number => rawBytes(utf8Bytes(text))

/** As `map entry`: a field's name is short text. */
const key = (name: string): number => name.length + 1

function numberBytes(value: number): number {
  if (value < 0x80) return 1
  if (value < 0x100) return 2
  return value < 0x1_0000 ? 3 : 5
}

/** An address is 4 or 16 raw bytes. */
const addressBytes = (endpoint: GossipEndpoint): number => (endpoint.address.includes(':') ? 17 : 5)

const sourceKeys = key('SourceAddr') + key('SourceNode') + key('SourcePort')

function sourceBytes(source: GossipSource | undefined): number {
  if (source === undefined) return 0
  return sourceKeys + addressBytes(source) + textBytes(source.node) + numberBytes(source.port)
}

/** One byte for the type and one for the count of fields. */
const frame = 2
const accusationKeys = frame + key('From') + key('Incarnation') + key('Node')
const aliveKeys =
  frame + key('Addr') + key('Incarnation') + key('Meta') + key('Node') + key('Port') + key('Vsn')
const indirectKeys = frame + key('Nack') + key('Node') + key('Port') + key('SeqNo') + key('Target')
const pingKeys = frame + key('Node') + key('SeqNo')
const ackKeys = frame + key('Payload') + key('SeqNo')
const nackKeys = frame + key('SeqNo')

export function claimBytes(claim: Claim): number {
  if (claim.type !== 'alive')
    return accusationKeys + textBytes(claim.from) + numberBytes(claim.incarnation) + textBytes(claim.node)
  return (
    aliveKeys +
    addressBytes(claim) +
    numberBytes(claim.incarnation) +
    rawBytes(claim.meta.length) +
    textBytes(claim.node) +
    numberBytes(claim.port) +
    rawBytes(claim.versions.length)
  )
}

export function messageBytes(message: GossipMessage): number {
  switch (message.type) {
    case 'ping':
      return pingKeys + textBytes(message.node) + numberBytes(message.sequence) + sourceBytes(message.source)
    case 'indirect-ping':
      return (
        indirectKeys +
        1 +
        textBytes(message.node) +
        numberBytes(message.target.port) +
        numberBytes(message.sequence) +
        addressBytes(message.target) +
        sourceBytes(message.source)
      )
    case 'ack':
      return ackKeys + rawBytes(message.payload.length) + numberBytes(message.sequence)
    case 'nack':
      return nackKeys + numberBytes(message.sequence)
    case 'suspect':
    case 'alive':
    case 'dead':
      return claimBytes(message)
    case 'user':
      return 1 + message.payload.length
    default:
      return unreachable(message)
  }
}
