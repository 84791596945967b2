/**
 * Messages on streams: one per direction, behind the pool's label, encrypted as a whole with its length in front, or in
 * clear text without one. The reader takes pieces as they come and says when the message is whole.
 */
import type { StreamMessage } from '../../model/gossip-message.ts'
import { limits } from '../../model/limits.ts'
import { incomplete, readCompressed } from './compression.ts'
import { seal, sealBytes, unseal } from './encryption.ts'
import { gossipFaults } from './fault.ts'
import { behindLabel, labelHeader } from './label.ts'
import { readMessage, writeMessage } from './message.ts'
import { messageTypes } from './message-type.ts'
import { MsgpackReader } from './msgpack-reader.ts'
import { MsgpackWriter } from './msgpack-writer.ts'
import { PushPullReader, writePushPull } from './push-pull.ts'
import { type GossipSecurity, isClearTextRefused, outgoingKey } from './security.ts'

const sealedHeadBytes = 5

export function encodeStream(message: StreamMessage, security: GossipSecurity): Uint8Array {
  const to = new MsgpackWriter(1_024)
  if (message.type === 'push-pull') writePushPull(to, message)
  else if (message.type === 'error') to.byte(messageTypes.error).map(1).text('Error').text(message.text)
  else if (message.type === 'user') {
    to.byte(messageTypes.user).map(1).text('UserMsgLen').integer(message.payload.length)
    to.append(message.payload)
  } else writeMessage(to, message)
  const label = labelHeader(security.label)
  const key = outgoingKey(security)
  if (key === undefined) return Buffer.concat([label, to.result()])
  const head = Buffer.allocUnsafe(sealedHeadBytes)
  head[0] = messageTypes.encrypted
  head.writeUInt32BE(to.result().length + sealBytes, 1)
  const authenticated = Buffer.concat([head, Buffer.from(security.label)])
  return Buffer.concat([label, head, seal(to.result(), key, security.randomBytes(12), authenticated)])
}

/** `more`: not whole yet. */
export type StreamProgress =
  | { readonly kind: 'more' }
  | { readonly kind: 'message'; readonly message: StreamMessage }
  | { readonly kind: 'fault'; readonly fault: string }

const more: StreamProgress = { kind: 'more' }
const faulty = (fault: string): StreamProgress => ({ kind: 'fault', fault })

/** Reads one message; for the next one, if a peer should send it, make another reader. */
export class StreamReader {
  readonly #security: GossipSecurity
  readonly #label: Uint8Array
  #bytes = Buffer.allocUnsafe(4_096)
  #length = 0
  readonly #pushPull = new PushPullReader()

  constructor(security: GossipSecurity) {
    this.#security = security
    this.#label = labelHeader(security.label)
  }

  push(piece: Uint8Array): StreamProgress {
    if (this.#length + piece.length > limits.gossipStreamBytes) return faulty(gossipFaults.tooLong)
    this.#keep(piece)
    const bytes = this.#bytes.subarray(0, this.#length)
    const found = behindLabel(bytes, this.#label)
    if ('fault' in found) return found.fault === 'more' ? more : faulty(found.fault)
    return bytes.length === found.at ? more : this.#readOuter(bytes.subarray(found.at))
  }

  #keep(piece: Uint8Array): void {
    const length = this.#length + piece.length
    if (length > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(length, this.#bytes.length * 2))
      this.#bytes.copy(larger, 0, 0, this.#length)
      this.#bytes = larger
    }
    this.#bytes.set(piece, this.#length)
    this.#length = length
  }

  #readOuter(bytes: Buffer): StreamProgress {
    const { keyring, label } = this.#security
    if (bytes[0] !== messageTypes.encrypted)
      return isClearTextRefused(this.#security)
        ? faulty(gossipFaults.clearText)
        : this.#readClear(bytes, this.#pushPull)
    if (keyring.keys.length === 0) return faulty(gossipFaults.noKey)
    if (bytes.length < sealedHeadBytes) return more
    const length = bytes.readUInt32BE(1)
    if (length > limits.gossipStreamBytes) return faulty(gossipFaults.tooLong)
    if (bytes.length < sealedHeadBytes + length) return more
    const authenticated = Buffer.concat([bytes.subarray(0, sealedHeadBytes), Buffer.from(label)])
    const sealed = bytes.subarray(sealedHeadBytes, sealedHeadBytes + length)
    const text = unseal(sealed, keyring.keys, authenticated)
    if (text === undefined) return faulty(gossipFaults.unknownKey)
    return whole(this.#readClear(text, this.#pushPull))
  }

  #readClear(bytes: Uint8Array, pushPull: PushPullReader): StreamProgress {
    if (bytes[0] !== messageTypes.compressed) return readPlain(bytes, pushPull)
    const unfolded = readCompressed(bytes, limits.gossipStreamBytes)
    if (unfolded === incomplete) return more
    if (typeof unfolded === 'string') return faulty(unfolded)
    return whole(readPlain(unfolded, pushPull))
  }
}

/** What came with its length cannot lack anything. */
const whole = (progress: StreamProgress): StreamProgress =>
  progress.kind === 'more' ? faulty('ends too early') : progress

function readPlain(bytes: Uint8Array, pushPull: PushPullReader): StreamProgress {
  if (bytes[0] === messageTypes.pushPull) {
    const message = pushPull.read(bytes)
    if (message !== undefined) return { kind: 'message', message }
    return pushPull.fault === '' ? more : faulty(pushPull.fault)
  }
  const reader = new MsgpackReader(bytes, 1)
  const message = readSmall(reader, bytes[0])
  if (reader.isTruncated) return more
  if (reader.fault !== '') return faulty(reader.fault)
  return message === undefined ? faulty(`message type ${bytes[0]} on a stream`) : { kind: 'message', message }
}

function readSmall(reader: MsgpackReader, type: number | undefined): StreamMessage | undefined {
  if (type === messageTypes.ping || type === messageTypes.ack) {
    const message = readMessage(reader, type)
    return message?.type === 'ping' || message?.type === 'ack' ? message : undefined
  }
  if (type === messageTypes.error)
    return { type: 'error', text: readEntry(reader, 'Error', readErrorText) ?? '' }
  if (type !== messageTypes.user) return undefined
  const length = readEntry(reader, 'UserMsgLen', (from) => from.unsigned(limits.gossipStreamBytes))
  return { type: 'user', payload: reader.take(length ?? 0) }
}

function readErrorText(reader: MsgpackReader): string {
  return reader.text(limits.gossipMetaBytes)
}

/** The value of the one entry that matters in a map. */
function readEntry<Value>(
  reader: MsgpackReader,
  key: string,
  read: (reader: MsgpackReader) => Value,
): Value | undefined {
  let value: Value | undefined
  for (let entries = reader.map(); entries > 0 && reader.fault === ''; entries -= 1)
    if (reader.text(64) === key) value = read(reader)
    else reader.skip()
  return value
}
