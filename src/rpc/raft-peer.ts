/**
 * One other server of the cluster: where it is, which key it has, the three channels to it, and how it is reached. Whether
 * it may be spoken to is raft-transport.ts; bytes and pauses are raft-sender.ts.
 */
import type { Failure, Result } from '../model/errors.ts'
import type { NodeId } from '../model/ids.ts'
import { limits } from '../model/limits.ts'
import type { RaftMessage } from '../model/raft-message.ts'
import type { Clock, Log, Metrics, Random } from '../platform/ports.ts'
import type { FrameStream } from './contract.ts'
import { type ConnectionEvents, GrpcConnection } from './grpc-connection.ts'
import type { FrameCodec } from './grpc-stream.ts'
import { type Method, passBytes } from './methods.ts'
import { PeerLine } from './peer-line.ts'
import { channelOf, decodeFrame, type RaftChannel, type RaftHello, raftPaths } from './raft-frame.ts'
import { type RaftConnection, RaftSender } from './raft-sender.ts'
import type { TlsIdentity } from './tls.ts'

export interface PeerPlace {
  readonly id: NodeId
  readonly address: string
  /** PEM. */
  readonly publicKey: string
}

/** How a server is reached from this one. */
export interface PeerReport extends PeerPlace {
  readonly isConnected: boolean
  /** Monotonic time since when it is (not) connected. */
  readonly sinceMs: number
  /** Why the last attempt failed; '' while it is connected. */
  readonly reason: string
  /** Of its program, as it said itself; '' and undefined while it was never heard. */
  readonly version: string
  readonly featureLevel: number | undefined
}

export interface RaftPeerOptions {
  readonly identity: () => TlsIdentity | undefined
  readonly hello: RaftHello
  readonly judge: (chain: readonly Uint8Array[]) => Failure | undefined
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly metrics: Metrics
}

/** A partition must be found ended soon after it ended, so an attempt does not last for long. */
const tuning = { sendBytes: limits.raftFrameBytes, connectTimeoutMs: 2_000, keepaliveMs: 3_000 } as const

export class RaftPeer implements PeerPlace {
  readonly id: NodeId
  readonly address: string
  readonly publicKey: string
  readonly #options: RaftPeerOptions
  readonly #senders: { readonly [Channel in RaftChannel]: RaftSender }
  readonly #line: PeerLine
  #hello: RaftHello | undefined
  #isConnected = false
  #sinceMs: number
  #reason = ''

  constructor(place: PeerPlace, options: RaftPeerOptions) {
    this.id = place.id
    this.address = place.address
    this.publicKey = place.publicKey
    this.#options = options
    this.#sinceMs = options.clock.monotonicMs()
    this.#senders = {
      heartbeats: this.#sender('heartbeats'),
      appends: this.#sender('appends'),
      snapshots: this.#sender('snapshots'),
    }
    this.#line = new PeerLine((events) => this.#dial(events))
  }

  isAt(place: PeerPlace | undefined): boolean {
    return place?.id === this.id && place.address === this.address && place.publicKey === this.publicKey
  }

  send(message: RaftMessage): void {
    this.#senders[channelOf(message)].send(message)
  }

  /** A stream for something else than Raft. */
  open<Out, In>(path: string, codec: FrameCodec<Out, In>): FrameStream<Out, In> {
    return this.#line.open(path, codec)
  }

  call<Request, Answer>(
    method: Method<Request, Answer>,
    request: Request,
    done: (result: Result<Answer> | undefined) => void,
  ): void {
    this.#line.call(method, request, done)
  }

  /** Connects what is always needed; snapshots wait for the first one. */
  wake(): void {
    this.#senders.heartbeats.wake()
    this.#senders.appends.wake()
  }

  /** It spoke to this server, so it is there. */
  heard(hello: RaftHello): void {
    this.#hello = hello
    this.wake()
  }

  report(): PeerReport {
    const { id, address, publicKey } = this
    return {
      id,
      address,
      publicKey,
      isConnected: this.#isConnected,
      sinceMs: this.#sinceMs,
      reason: this.#reason,
      version: this.#hello?.version ?? '',
      featureLevel: this.#hello?.featureLevel,
    }
  }

  close(): void {
    for (const sender of Object.values(this.#senders)) sender.close()
    this.#line.close()
  }

  #sender(channel: RaftChannel): RaftSender {
    const { hello, clock, random, metrics } = this.#options
    return new RaftSender({
      channel,
      connect: (events) => this.#connect(channel, events),
      hello,
      judge: ({ from }) =>
        from === this.id
          ? undefined
          : { code: 'wrong-cluster', message: `server ${from} answers at ${this.address}` },
      onOpen: (answer) => this.#opened(channel, answer),
      onFailure: (reason) => this.#failed(channel, reason),
      clock,
      random,
      metrics,
    })
  }

  #connect(channel: RaftChannel, events: ConnectionEvents): RaftConnection | undefined {
    const connection = this.#dial(events)
    if (connection === undefined) return undefined
    return {
      open: () => connection.stream(raftPaths[channel], { encode: passBytes, decode: decodeFrame }),
      close: () => connection.close(),
    }
  }

  #dial(events: ConnectionEvents): GrpcConnection | undefined {
    const { identity, judge, clock } = this.#options
    const tls = identity()
    if (tls === undefined) return undefined
    const shown = { kind: 'server', tls, judge } as const
    return new GrpcConnection({ address: this.address, identity: shown, clock, tuning }, events)
  }

  /** Heartbeats stand for the whole: without them the other server counts as gone. */
  #opened(channel: RaftChannel, hello: RaftHello): void {
    this.#hello = hello
    if (channel !== 'heartbeats') return
    this.#isConnected = true
    this.#sinceMs = this.#options.clock.monotonicMs()
    this.#reason = ''
    this.#options.metrics.gauge('mesh_raft_peer_connected', 1, { server: this.id })
    this.#options.log.info('connected to a server of the cluster', { server: this.id, address: this.address })
  }

  #failed(channel: RaftChannel, { code, message }: Failure): void {
    this.#options.metrics.count('mesh_raft_connects_failed_total', { channel, code })
    if (channel !== 'heartbeats') return
    const isNews = this.#isConnected || message !== this.#reason
    if (this.#isConnected) this.#sinceMs = this.#options.clock.monotonicMs()
    this.#isConnected = false
    this.#reason = message
    this.#options.metrics.gauge('mesh_raft_peer_connected', 0, { server: this.id })
    // An attempt every two seconds for as long as a server is away would only fill the log.
    if (isNews)
      this.#options.log.warn('no connection to a server of the cluster', {
        server: this.id,
        address: this.address,
        code,
        reason: message,
      })
  }
}
