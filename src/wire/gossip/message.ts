/**
 * memberlist's small messages as bytes: one type byte, then a map with sorted keys, as Go's encoder writes it. Unknown
 * fields are skipped, known ones are checked; what is malformed is refused as a whole.
 */
import { unreachable } from '../../model/errors.ts'
import type { Alive, GossipMessage, GossipSource, IndirectPing } from '../../model/gossip-message.ts'
import { addressToBytes } from './address.ts'
import { Fields } from './fields.ts'
import { messageTypes } from './message-type.ts'
import { MsgpackReader } from './msgpack-reader.ts'
import { MsgpackWriter } from './msgpack-writer.ts'

export function encodeMessage(message: GossipMessage): Uint8Array {
  const to = new MsgpackWriter()
  writeMessage(to, message)
  return to.result()
}

export function writeMessage(to: MsgpackWriter, message: GossipMessage): void {
  switch (message.type) {
    case 'ping':
      to.byte(messageTypes.ping).map(message.source === undefined ? 2 : 5)
      to.text('Node').text(message.node).text('SeqNo').unsigned(message.sequence)
      writeSource(to, message.source)
      return
    case 'indirect-ping': {
      const { node, target, sequence, source, wantsNack } = message
      to.byte(messageTypes.indirectPing).map(source === undefined ? 5 : 8)
      to.text('Nack').boolean(wantsNack).text('Node').text(node)
      to.text('Port').unsigned(target.port).text('SeqNo').unsigned(sequence)
      writeSource(to, source)
      writeAddress(to.text('Target'), target.address)
      return
    }
    case 'ack':
      to.byte(messageTypes.ack).map(2)
      to.text('Payload').bytes(message.payload).text('SeqNo').unsigned(message.sequence)
      return
    case 'nack':
      to.byte(messageTypes.nack).map(1).text('SeqNo').unsigned(message.sequence)
      return
    case 'suspect':
    case 'dead':
      to.byte(messageTypes[message.type]).map(3)
      to.text('From').text(message.from).text('Incarnation').unsigned(message.incarnation)
      to.text('Node').text(message.node)
      return
    case 'alive':
      writeAlive(to, message)
      return
    case 'user':
      to.byte(messageTypes.user).append(message.payload)
      return
    default:
      unreachable(message)
  }
}

function writeAlive(to: MsgpackWriter, message: Alive): void {
  to.byte(messageTypes.alive).map(6)
  writeAddress(to.text('Addr'), message.address)
  to.text('Incarnation').unsigned(message.incarnation).text('Meta').bytes(message.meta)
  to.text('Node').text(message.node).text('Port').unsigned(message.port)
  to.text('Vsn').bytes(Uint8Array.from(message.versions))
}

/** Text that is no address cannot come from the wire and is written as none. */
export function writeAddress(to: MsgpackWriter, address: string): void {
  const bytes = addressToBytes(address)
  if (bytes === undefined) to.nil()
  else to.bytes(bytes)
}

function writeSource(to: MsgpackWriter, source: GossipSource | undefined): void {
  if (source === undefined) return
  writeAddress(to.text('SourceAddr'), source.address)
  to.text('SourceNode').text(source.node).text('SourcePort').unsigned(source.port)
}

/** One message of a datagram; text says what is wrong with it. */
export function decodeMessage(bytes: Uint8Array): GossipMessage | string {
  const type = bytes[0]
  // Told on to others and kept until then: a view would keep the whole packet.
  if (type === messageTypes.user) return { type: 'user', payload: new Uint8Array(bytes.subarray(1)) }
  const reader = new MsgpackReader(bytes, 1)
  const message = readMessage(reader, type)
  if (reader.fault !== '') return reader.fault
  if (reader.left > 0) return `${reader.left} bytes behind a message of type ${type}`
  return message ?? `message type ${type} in a datagram`
}

/** Undefined for types that have no place in a datagram. What is returned after a fault is to be thrown away. */
export function readMessage(reader: MsgpackReader, type: number | undefined): GossipMessage | undefined {
  switch (type) {
    case messageTypes.ping: {
      const { sequence, node, source } = new Fields(reader).read().needsSequence()
      return { type: 'ping', sequence, node, source }
    }
    case messageTypes.indirectPing:
      return readIndirectPing(new Fields(reader).read().needsSequence().needsAddress())
    case messageTypes.ack: {
      const { sequence, payload } = new Fields(reader).read().needsSequence()
      return { type: 'ack', sequence, payload }
    }
    case messageTypes.nack:
      return { type: 'nack', sequence: new Fields(reader).read().needsSequence().sequence }
    case messageTypes.suspect:
    case messageTypes.dead: {
      const { incarnation, node, from } = new Fields(reader).read().needsNode()
      return { type: type === messageTypes.dead ? 'dead' : 'suspect', incarnation, node, from }
    }
    case messageTypes.alive:
      return aliveOf(new Fields(reader).read().needsNode().needsAddress())
    default:
      return undefined
  }
}

function readIndirectPing(fields: Fields): IndirectPing {
  const { sequence, node, address, port, wantsNack, source } = fields
  return { type: 'indirect-ping', sequence, target: { address, port }, node, wantsNack, source }
}

export function aliveOf(fields: Fields): Alive {
  const { incarnation, node, address, port, meta, versions } = fields
  return { type: 'alive', incarnation, node, address, port, meta, versions }
}
