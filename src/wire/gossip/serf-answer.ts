/** Payloads of the answers to Serf's own queries: keyrings, and whom we take a name for. */
import { limits } from '../../model/limits.ts'
import type { KeyResponse } from '../../model/serf-message.ts'
import { addressFromBytes } from './address.ts'
import { readList, readMap } from './map.ts'
import { writeAddress } from './message.ts'
import { MsgpackReader } from './msgpack-reader.ts'
import { MsgpackWriter } from './msgpack-writer.ts'
import { serfTypes } from './serf-type.ts'

const keyBytes = 32
const keyChars = 64
const messageBytes = 1_024

export function encodeKeyRequest(key: Uint8Array): Uint8Array {
  return new MsgpackWriter().byte(serfTypes.keyRequest).map(1).text('Key').bytes(key).result()
}

/** Undefined if it is no such request. */
export function decodeKeyRequest(bytes: Uint8Array): Uint8Array | undefined {
  if (bytes[0] !== serfTypes.keyRequest) return undefined
  const reader = new MsgpackReader(bytes, 1)
  let key: Uint8Array | undefined
  readMap(reader, { Key: () => (key = reader.bytes(keyBytes)) })
  return reader.fault === '' ? key : undefined
}

export function encodeKeyResponse(response: KeyResponse): Uint8Array {
  const to = new MsgpackWriter().byte(serfTypes.keyResponse).map(4).text('Keys')
  if (response.keys.length === 0) to.nil()
  else to.array(response.keys.length)
  for (const key of response.keys) to.text(key)
  to.text('Message').text(response.message).text('PrimaryKey').text(response.primaryKey)
  return to.text('Result').boolean(response.isDone).result()
}

/** Undefined if it is no such response. */
export function decodeKeyResponse(bytes: Uint8Array): KeyResponse | undefined {
  if (bytes[0] !== serfTypes.keyResponse) return undefined
  const reader = new MsgpackReader(bytes, 1)
  const read = { isDone: false, message: '', primaryKey: '' }
  let keys: readonly string[] = []
  readMap(reader, {
    Keys: () => (keys = readList(reader, () => reader.text(keyChars))),
    Message: () => (read.message = reader.text(messageBytes)),
    PrimaryKey: () => (read.primaryKey = reader.text(keyChars)),
    Result: () => (read.isDone = reader.boolean()),
  })
  return reader.fault === '' ? { ...read, keys } : undefined
}

/** The member that we know under a disputed name; its status and versions do not matter for the vote. */
export interface NameHolder {
  readonly node: string
  readonly address: string
  readonly port: number
}

/** Serf numbers the status of a member that is alive so. */
const aliveStatus = 1

export function encodeConflictResponse(holder: NameHolder | undefined): Uint8Array {
  const to = new MsgpackWriter().byte(serfTypes.conflictResponse)
  if (holder === undefined) return to.nil().result()
  to.map(5)
  writeAddress(to.text('Addr'), holder.address)
  to.text('Name').text(holder.node).text('Port').unsigned(holder.port)
  return to.text('Status').unsigned(aliveStatus).text('Tags').map(0).result()
}

/** Undefined if the member knows nobody of that name, or the answer cannot be read. */
export function decodeConflictResponse(bytes: Uint8Array): NameHolder | undefined {
  if (bytes[0] !== serfTypes.conflictResponse) return undefined
  const reader = new MsgpackReader(bytes, 1)
  const read = { node: '', address: '', port: 0 }
  readMap(reader, {
    Name: () => (read.node = reader.text(limits.gossipNameBytes)),
    Addr: () => (read.address = addressFromBytes(reader.bytes(16)) ?? ''),
    Port: () => (read.port = reader.unsigned(0xffff)),
  })
  return reader.fault === '' && read.node !== '' ? read : undefined
}
