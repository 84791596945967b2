/**
 * Datagrams: messages, together where there are several, behind a checksum or encrypted, behind the pool's label. Reads
 * what memberlist sends, compression included; does not compress, for that would not let more messages in.
 */
import { crc32 } from 'node:zlib'
import { assert } from '../../model/errors.ts'
import type { GossipMessage } from '../../model/gossip-message.ts'
import { limits } from '../../model/limits.ts'
import { readCompressed } from './compression.ts'
import { looksSealed, seal, sealBytes, unseal } from './encryption.ts'
import { gossipFaults } from './fault.ts'
import { behindLabel, labelHeader } from './label.ts'
import { decodeMessage, encodeMessage } from './message.ts'
import { messageTypes } from './message-type.ts'
import { type GossipSecurity, isClearTextRefused, outgoingKey } from './security.ts'

const checksumBytes = 5
const messagesPerPacket = 255

export interface DecodedPacket {
  readonly messages: readonly GossipMessage[]
  /** What was wrong with the packet or with part of it; '' if nothing. Good parts of a packet count. */
  readonly fault: string
}

export class PacketCodec {
  readonly #security: GossipSecurity
  readonly #label: Uint8Array
  readonly #authenticated: Uint8Array
  /** Claims are sent many times; the objects are the same each time. */
  readonly #encoded = new WeakMap<GossipMessage, Uint8Array>()

  constructor(security: GossipSecurity) {
    this.#security = security
    this.#label = labelHeader(security.label)
    this.#authenticated = Buffer.from(security.label)
  }

  /** What is added to the messages; the core's packets must be so much smaller than a datagram. */
  get overheadBytes(): number {
    const isSealed = outgoingKey(this.#security) !== undefined
    return this.#label.length + (isSealed ? sealBytes : checksumBytes)
  }

  /** The same at its most: encryption may be switched on while the pool runs. */
  get mostOverheadBytes(): number {
    return this.#label.length + sealBytes
  }

  encode(messages: readonly GossipMessage[]): Uint8Array {
    const body = this.#join(messages)
    const key = outgoingKey(this.#security)
    const guarded =
      key === undefined
        ? withChecksum(body)
        : seal(body, key, this.#security.randomBytes(12), this.#authenticated)
    return this.#label.length === 0 ? guarded : Buffer.concat([this.#label, guarded])
  }

  decode(packet: Uint8Array): DecodedPacket {
    const found = behindLabel(packet, this.#label)
    if ('fault' in found) return { messages: [], fault: gossipFaults.foreignLabel }
    const opened = this.#open(packet.subarray(found.at))
    if (typeof opened === 'string') return { messages: [], fault: opened }
    const parts = new Parts()
    parts.read(opened, 0)
    return parts
  }

  /** Clear text, or what is wrong. */
  #open(bytes: Uint8Array): Uint8Array | string {
    const { keyring } = this.#security
    if (keyring.keys.length === 0) return looksSealed(bytes) ? gossipFaults.noKey : withoutChecksum(bytes)
    const text = unseal(bytes, keyring.keys, this.#authenticated)
    if (text !== undefined) return withoutChecksum(text)
    if (isClearTextRefused(this.#security))
      return looksSealed(bytes) ? gossipFaults.unknownKey : gossipFaults.clearText
    return withoutChecksum(bytes)
  }

  #join(messages: readonly GossipMessage[]): Uint8Array {
    const [first] = messages
    assert(first !== undefined && messages.length <= messagesPerPacket, 'a packet holds 1 to 255 messages')
    if (messages.length === 1) return this.#encode(first)
    const parts = messages.map((message) => this.#encode(message))
    const head = Buffer.allocUnsafe(2 + 2 * parts.length)
    head[0] = messageTypes.compound
    head[1] = parts.length
    for (const [at, part] of parts.entries()) head.writeUInt16BE(part.length, 2 + 2 * at)
    return Buffer.concat([head, ...parts])
  }

  #encode(message: GossipMessage): Uint8Array {
    const known = this.#encoded.get(message)
    if (known !== undefined) return known
    const bytes = encodeMessage(message)
    const isClaim = message.type === 'alive' || message.type === 'suspect' || message.type === 'dead'
    if (isClaim) this.#encoded.set(message, bytes)
    return bytes
  }
}

function withChecksum(body: Uint8Array): Uint8Array {
  const head = Buffer.allocUnsafe(checksumBytes)
  head[0] = messageTypes.checksummed
  head.writeUInt32BE(crc32(body), 1)
  return Buffer.concat([head, body])
}

function withoutChecksum(bytes: Uint8Array): Uint8Array | string {
  if (bytes[0] !== messageTypes.checksummed || bytes.length < checksumBytes) return bytes
  const body = bytes.subarray(checksumBytes)
  const expected = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).readUInt32BE(1)
  return crc32(body) === expected ? body : gossipFaults.checksum
}

/** Takes a packet apart, with a budget for what compression may unfold. */
class Parts implements DecodedPacket {
  readonly messages: GossipMessage[] = []
  fault = ''
  #unfoldableBytes = limits.gossipPacketBytes

  read(bytes: Uint8Array, depth: number): void {
    if (depth > limits.gossipNesting) this.#note('nested too deeply')
    else if (bytes[0] === messageTypes.compound) this.#readCompound(bytes, depth)
    else if (bytes[0] === messageTypes.compressed) this.#readCompressed(bytes, depth)
    else {
      const message = decodeMessage(bytes)
      if (typeof message === 'string') this.#note(message)
      else this.messages.push(message)
    }
  }

  #readCompound(bytes: Uint8Array, depth: number): void {
    const count = bytes[1] ?? 0
    let at = 2 + 2 * count
    if (count === 0 || at > bytes.length) this.#note('compound without its lengths')
    else
      for (let part = 0; part < count; part += 1) {
        const length = ((bytes[2 + 2 * part] ?? 0) << 8) | (bytes[3 + 2 * part] ?? 0)
        if (at + length > bytes.length) {
          this.#note(`compound cut off after ${part} of ${count} messages`)
          return
        }
        this.read(bytes.subarray(at, at + length), depth + 1)
        at += length
      }
  }

  #readCompressed(bytes: Uint8Array, depth: number): void {
    const unfolded = readCompressed(bytes, this.#unfoldableBytes)
    if (typeof unfolded === 'string') {
      this.#note(unfolded)
      return
    }
    this.#unfoldableBytes -= unfolded.length
    this.read(unfolded, depth + 1)
  }

  #note(fault: string): void {
    if (this.fault === '') this.fault = fault
  }
}
