/**
 * The fields of memberlist's messages, whichever message they stand in. Each is checked where it is read; what a message
 * needs is checked by its reader.
 */
import { type GossipSource, type GossipVersions, noBytes } from '../../model/gossip-message.ts'
import { limits } from '../../model/limits.ts'
import { addressFromBytes } from './address.ts'
import type { MsgpackReader } from './msgpack-reader.ts'

const largest32 = 0xffff_ffff
const keyChars = 64
const noVersions: GossipVersions = [0, 0, 0, 0, 0, 0]

export class Fields {
  readonly #reader: MsgpackReader
  sequence = -1
  node = ''
  from = ''
  incarnation = 0
  /** '' where there was none. */
  address = ''
  port = 0
  meta: Uint8Array = noBytes
  versions: GossipVersions = noVersions
  payload: Uint8Array = noBytes
  state = 0
  wantsNack = false
  #sourceAddress = ''
  #sourceNode = ''
  #sourcePort = 0

  constructor(reader: MsgpackReader) {
    this.#reader = reader
  }

  get source(): GossipSource | undefined {
    if (this.#sourceAddress === '' || this.#sourcePort === 0) return undefined
    return { address: this.#sourceAddress, port: this.#sourcePort, node: this.#sourceNode }
  }

  /** Reads one map. */
  read(): this {
    const reader = this.#reader
    for (let entries = reader.map(); entries > 0 && reader.fault === ''; entries -= 1)
      this.#readField(reader.text(keyChars))
    return this
  }

  needsSequence(): this {
    if (this.sequence < 0) this.#reader.fail('no sequence number')
    return this
  }

  needsNode(): this {
    if (this.node === '') this.#reader.fail('no name of a member')
    return this
  }

  needsAddress(): this {
    if (this.address === '') this.#reader.fail('no address')
    return this
  }

  #readField(key: string): void {
    const reader = this.#reader
    switch (key) {
      case 'SeqNo':
        this.sequence = reader.unsigned(largest32)
        return
      case 'Node':
      case 'Name':
        this.node = reader.text(limits.gossipNameBytes)
        return
      case 'From':
        this.from = reader.text(limits.gossipNameBytes)
        return
      case 'Incarnation':
        this.incarnation = reader.unsigned(largest32)
        return
      case 'Addr':
      case 'Target':
        this.address = this.#readAddress()
        return
      case 'Port':
        this.port = reader.unsigned(0xffff)
        return
      case 'Meta':
        // Kept for long: a view would keep the whole packet.
        this.meta = new Uint8Array(reader.bytes(limits.gossipMetaBytes))
        return
      case 'Vsn':
        this.versions = this.#readVersions()
        return
      case 'Payload':
        this.payload = reader.bytes(limits.gossipPacketBytes)
        return
      case 'State':
        this.state = reader.unsigned(0xff)
        return
      case 'Nack':
        this.wantsNack = reader.boolean()
        return
      default:
        this.#readSource(key)
    }
  }

  #readSource(key: string): void {
    const reader = this.#reader
    if (key === 'SourceAddr') this.#sourceAddress = this.#readAddress()
    else if (key === 'SourceNode') this.#sourceNode = reader.text(limits.gossipNameBytes)
    else if (key === 'SourcePort') this.#sourcePort = reader.unsigned(0xffff)
    else reader.skip()
  }

  #readAddress(): string {
    const bytes = this.#reader.bytes(16)
    if (bytes.length === 0) return ''
    const address = addressFromBytes(bytes)
    if (address === undefined) this.#reader.fail(`an address of ${bytes.length} bytes`)
    return address ?? ''
  }

  /** Six small numbers; members of old versions send none. */
  #readVersions(): GossipVersions {
    const bytes = this.#reader.bytes(16)
    if (bytes.length < 6) return noVersions
    const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = bytes
    return [a, b, c, d, e, f]
  }
}
