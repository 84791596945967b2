/**
 * Datagrams of a pool: messages out through the codec, packets in, and what cannot be used counted with its source.
 */
import type { GossipEndpoint, GossipMessage } from '../model/gossip-message.ts'
import type { Metrics, PoolSocket } from '../platform/ports.ts'
import type { PacketCodec } from '../wire/gossip/packet.ts'
import type { Drops } from './drops.ts'
import type { IsAllowed } from './networks.ts'

export interface PacketsOptions {
  readonly pool: string
  readonly codec: PacketCodec
  readonly drops: Drops
  readonly isAllowed: IsAllowed
  readonly metrics: Metrics
}

export class Packets {
  readonly #options: PacketsOptions
  #socket: PoolSocket | undefined

  constructor(options: PacketsOptions) {
    this.#options = options
  }

  use(socket: PoolSocket): void {
    this.#socket = socket
  }

  send(to: GossipEndpoint, messages: readonly GossipMessage[]): void {
    const { codec, metrics, pool } = this.#options
    const isSent = this.#socket?.send(codec.encode(messages), to) === true
    metrics.count(isSent ? 'mesh_gossip_packets_sent_total' : 'mesh_gossip_packets_unsent_total', { pool })
  }

  /** The messages in it; none where it is not for us. */
  read(packet: Uint8Array, from: GossipEndpoint): readonly GossipMessage[] {
    const { codec, drops, isAllowed, metrics, pool } = this.#options
    metrics.count('mesh_gossip_packets_received_total', { pool })
    if (!isAllowed(from.address)) {
      drops.drop('foreign-network', from)
      return []
    }
    const { messages, fault } = codec.decode(packet)
    if (fault !== '') drops.fault(fault, from)
    return messages
  }
}
