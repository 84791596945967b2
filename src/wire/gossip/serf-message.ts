/**
 * Serf's messages as the payload of memberlist's user messages: one type byte, then a map with sorted keys. Unknown
 * fields are skipped, known ones are checked; what is malformed is refused as a whole.
 */
import { unreachable } from '../../model/errors.ts'
import { limits } from '../../model/limits.ts'
import type { LeaveIntent, SerfMessage, UserEvent } from '../../model/serf-message.ts'
import { addressFromBytes } from './address.ts'
import { readMap } from './map.ts'
import { writeAddress } from './message.ts'
import { MsgpackReader } from './msgpack-reader.ts'
import { MsgpackWriter } from './msgpack-writer.ts'
import { readQuery, readQueryResponse, writeQuery, writeQueryResponse } from './serf-query.ts'
import { serfTypes } from './serf-type.ts'

export function encodeSerf(message: SerfMessage): Uint8Array {
  const to = new MsgpackWriter()
  switch (message.type) {
    case 'join-intent':
      to.byte(serfTypes.joinIntent).map(2)
      to.text('LTime').unsigned(message.time).text('Node').text(message.node)
      break
    case 'leave-intent':
      to.byte(serfTypes.leaveIntent).map(3).text('LTime').unsigned(message.time)
      to.text('Node').text(message.node).text('Prune').boolean(message.prune)
      break
    case 'user-event':
      to.byte(serfTypes.userEvent).map(4).text('CC').boolean(message.coalesces)
      to.text('LTime').unsigned(message.time).text('Name').text(message.name)
      to.text('Payload').bytes(message.payload)
      break
    case 'query':
      writeQuery(to.byte(serfTypes.query), message)
      break
    case 'query-response':
      writeQueryResponse(to.byte(serfTypes.queryResponse), message)
      break
    case 'relay':
      to.byte(serfTypes.relay).map(2).text('DestAddr').map(3)
      writeAddress(to.text('IP'), message.to.address)
      to.text('Port').integer(message.to.port).text('Zone').text('')
      to.text('DestName').text(message.node).append(message.message)
      break
    default:
      unreachable(message)
  }
  return to.result()
}

/** Text says what is wrong with it. */
export function decodeSerf(bytes: Uint8Array): SerfMessage | string {
  const type = bytes[0]
  const reader = new MsgpackReader(bytes, 1)
  const message = readSerf(reader, type)
  if (reader.fault !== '') return reader.fault
  if (reader.left > 0) return `${reader.left} bytes behind a Serf message of type ${type}`
  return message ?? `Serf message type ${type} in gossip`
}

function readSerf(reader: MsgpackReader, type: number | undefined): SerfMessage | undefined {
  switch (type) {
    case serfTypes.joinIntent: {
      const { time, node } = readIntent(reader)
      return { type: 'join-intent', time, node }
    }
    case serfTypes.leaveIntent:
      return readIntent(reader)
    case serfTypes.userEvent:
      return readUserEvent(reader)
    case serfTypes.query:
      return readQuery(reader)
    case serfTypes.queryResponse:
      return readQueryResponse(reader)
    case serfTypes.relay:
      return readRelay(reader)
    default:
      return undefined
  }
}

function readIntent(reader: MsgpackReader): LeaveIntent {
  let time = 0
  let node = ''
  let prune = false
  readMap(reader, {
    LTime: () => (time = reader.unsigned(Number.MAX_SAFE_INTEGER)),
    Node: () => (node = reader.text(limits.gossipNameBytes)),
    Prune: () => (prune = reader.boolean()),
  })
  if (node === '') reader.fail('no name of a member')
  return { type: 'leave-intent', time, node, prune }
}

function readUserEvent(reader: MsgpackReader): UserEvent {
  let time = 0
  let name = ''
  let payload: Uint8Array = new Uint8Array(0)
  let coalesces = false
  readMap(reader, {
    CC: () => (coalesces = reader.boolean()),
    LTime: () => (time = reader.unsigned(Number.MAX_SAFE_INTEGER)),
    Name: () => (name = reader.text(limits.serfNameBytes)),
    Payload: () => (payload = reader.bytes(limits.gossipPacketBytes)),
  })
  return { type: 'user-event', time, name, payload, coalesces }
}

function readRelay(reader: MsgpackReader): SerfMessage {
  let address = ''
  let port = 0
  let node = ''
  const readAddress = (): void =>
    readMap(reader, {
      IP: () => (address = addressFromBytes(reader.bytes(16)) ?? ''),
      Port: () => (port = reader.unsigned(0xffff)),
    })
  readMap(reader, {
    DestAddr: readAddress,
    DestName: () => (node = reader.text(limits.gossipNameBytes)),
  })
  if (address === '') reader.fail('no address to relay to')
  return { type: 'relay', to: { address, port }, node, message: reader.take(reader.left) }
}
