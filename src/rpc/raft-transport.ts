/**
 * How the servers of one cluster reach each other: gRPC over mTLS, three channels to every other server (raft-sender.ts) and
 * as many from it. Whoever is in the log's configuration must show the key that stands there, and may show it in a
 * certificate that has expired, so that a cluster that was off for a year starts again. Whoever is not, because this server
 * joins or fell behind, must show a valid certificate of the cluster's own authority.
 */
import type { ClusterServer } from '../model/cluster.ts'
import { type Failure, failed, type Result } from '../model/errors.ts'
import { isUuid, type NodeId, nodeId } from '../model/ids.ts'
import { limits } from '../model/limits.ts'
import type { RaftMessage } from '../model/raft-message.ts'
import type { Clock, Log, Metrics, Random } from '../platform/ports.ts'
import type { FrameStream, Peer } from './contract.ts'
import type { FrameCodec } from './grpc-stream.ts'
import { HeldStream } from './held-stream.ts'
import type { Method } from './methods.ts'
import { encodeHello, type RaftChannel, type RaftFrame, type RaftHello, raftChannels } from './raft-frame.ts'
import { type PeerPlace, type PeerReport, RaftPeer } from './raft-peer.ts'
import type { TlsIdentity } from './tls.ts'

/** Whether a presented chain proves a server of this cluster, and with which key. */
export type PeerVerdict =
  | { readonly ok: true; readonly publicKey: string }
  /** `reason` comes from a small fixed set, for the counter. */
  | { readonly ok: false; readonly reason: string; readonly message: string }

export interface RaftTransportOptions {
  readonly id: NodeId
  /** Where the other servers reach this one. */
  readonly address: string
  readonly version: string
  /** The highest feature level that this program knows. */
  readonly featureLevel: number
  /** What to show now; undefined while there is nothing. */
  readonly identity: () => TlsIdentity | undefined
  /** `publicKey` is the one recorded for that server (PEM); undefined where none is. */
  readonly judge: (chain: readonly Uint8Array[], publicKey: string | undefined) => PeerVerdict
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly metrics: Metrics
}

type Listener = (from: NodeId, message: RaftMessage) => void
type Incoming = FrameStream<Buffer, RaftFrame>

/** Implements `RaftTransport` of server/consensus/contract.ts. */
export class GrpcRaftTransport {
  readonly #options: RaftTransportOptions
  readonly #hello: RaftHello
  /** The other servers of the configuration. */
  readonly #peers = new Map<NodeId, RaftPeer>()
  /** Servers that came to this one and are in no configuration that it knows. */
  readonly #introduced = new Map<NodeId, RaftPeer>()
  /** Newest stream of each server and channel. */
  readonly #incoming = new Map<string, Incoming>()
  #listener: Listener = () => undefined
  #isClosed = false

  constructor(options: RaftTransportOptions) {
    const { id, address, version, featureLevel } = options
    this.#options = options
    this.#hello = { from: id, to: '', address, version, featureLevel }
  }

  send(to: NodeId, message: RaftMessage): void {
    const peer = this.#peers.get(to) ?? this.#introduced.get(to)
    if (peer === undefined) this.#options.metrics.count('raft_messages_dropped_total', { channel: 'unknown' })
    else peer.send(message)
  }

  onMessage(listener: Listener): void {
    this.#listener = listener
  }

  setServers(servers: readonly ClusterServer[]): void {
    if (this.#isClosed) return
    const others = new Map(
      servers.filter(({ id }) => id !== this.#options.id).map((server) => [server.id, server]),
    )
    for (const [id, peer] of this.#peers)
      if (!peer.isAt(others.get(id))) {
        peer.close()
        this.#peers.delete(id)
      }
    for (const [id, server] of others) {
      this.#introduced.get(id)?.close()
      this.#introduced.delete(id)
      if (!this.#peers.has(id)) this.#peers.set(id, this.#peerAt(server))
    }
    for (const peer of this.#peers.values()) peer.wake()
  }

  /**
   * A stream to another server for something else than Raft. It is there at once and keeps what is sent; where the server
   * cannot be reached, or is not in the configuration, it ends with `no-server`.
   */
  open<Out, In>(to: NodeId, path: string, codec: FrameCodec<Out, In>): FrameStream<Out, In> {
    const peer = this.#peers.get(to)
    if (peer !== undefined) return peer.open(path, codec)
    const stream = new HeldStream<Out, In>(queueMicrotask)
    stream.fail({ code: 'no-server', message: `server ${to} is not in this server’s configuration` })
    return stream
  }

  /** One call to another server; `done` gets undefined where nobody knows whether it was done. */
  call<Request, Answer>(
    to: NodeId,
    method: Method<Request, Answer>,
    request: Request,
    done: (result: Result<Answer> | undefined) => void,
  ): void {
    const peer = this.#peers.get(to)
    if (peer === undefined) done(failed('no-server', `server ${to} is not in this server’s configuration`))
    else peer.call(method, request, done)
  }

  /** The other servers of the configuration, and how each is reached from here. */
  reports(): readonly PeerReport[] {
    return [...this.#peers.values()].map((peer) => peer.report())
  }

  /** A stream that another server opened. */
  accept(peer: Peer, channel: RaftChannel, stream: Incoming): void {
    const late = this.#options.clock.after(limits.handshakeTimeoutMs, () => {
      stream.destroy({ code: 'bad-request', message: 'no hello came in time' })
    })
    let from: NodeId | undefined
    stream.listen({
      onFrame: (frame) => {
        if (frame.kind === 'message' && from !== undefined) this.#listener(from, frame.message)
        else if (frame.kind === 'hello' && from === undefined) {
          late.cancel()
          from = this.#greeted(peer, frame.hello, channel, stream)
        } else stream.destroy({ code: 'bad-request', message: 'the first frame, and only it, is the hello' })
      },
      onDrain: () => undefined,
      onClose: () => {
        late.cancel()
        const key = `${from} ${channel}`
        if (from === undefined || this.#incoming.get(key) !== stream) return
        this.#incoming.delete(key)
        this.#forgetIfGone(from)
      },
    })
  }

  close(): void {
    this.#isClosed = true
    this.#listener = () => undefined
    for (const peer of [...this.#peers.values(), ...this.#introduced.values()]) peer.close()
    for (const stream of this.#incoming.values()) stream.end()
    this.#peers.clear()
    this.#introduced.clear()
  }

  /** The server that spoke, if it is one that may. */
  #greeted(peer: Peer, hello: RaftHello, channel: RaftChannel, stream: Incoming): NodeId | undefined {
    const id = nodeId(hello.from)
    const verdict = this.#judgeHello(peer, hello)
    if (!verdict.ok || this.#isClosed) {
      const failure = this.#refused(verdict.ok ? closing : verdict, {
        server: hello.from,
        address: peer.address,
      })
      stream.destroy(failure)
      return undefined
    }
    const place = { id, address: hello.address, publicKey: verdict.publicKey }
    if (!this.#peers.has(id)) this.#introduce(place)
    const key = `${id} ${channel}`
    // An older one is left over from a connection that the other side knows to be lost.
    const older = this.#incoming.get(key)
    this.#incoming.set(key, stream)
    older?.destroy({ code: 'conflict', message: 'a newer stream took its place' })
    stream.send(encodeHello(this.#hello))
    const known = this.#peers.get(id)
    known?.heard(hello)
    return id
  }

  #judgeHello(peer: Peer, hello: RaftHello): PeerVerdict {
    const { id, judge } = this.#options
    if (hello.to !== id)
      return { ok: false, reason: 'wrong-target', message: `this is server ${id}, not ${hello.to}` }
    if (!isUuid(hello.from) || hello.from === id)
      return { ok: false, reason: 'bad-hello', message: 'the hello names no other server' }
    const known = this.#peers.get(nodeId(hello.from))
    if (known === undefined && this.#introduced.size >= limits.serversPerCluster)
      return { ok: false, reason: 'overloaded', message: 'too many servers that no configuration names' }
    return judge(peer.certificates, known?.publicKey)
  }

  #introduce(place: PeerPlace): void {
    const known = this.#introduced.get(place.id)
    if (known?.isAt(place) === true) return
    known?.close()
    this.#options.log.info('a server that is in no known configuration', {
      server: place.id,
      address: place.address,
    })
    this.#introduced.set(place.id, this.#peerAt(place))
  }

  /** One that no configuration names is answered while it speaks; a removed server must not be dialled for ever. */
  #forgetIfGone(id: NodeId): void {
    if (raftChannels.some((channel) => this.#incoming.has(`${id} ${channel}`))) return
    this.#introduced.get(id)?.close()
    this.#introduced.delete(id)
  }

  #peerAt(place: PeerPlace): RaftPeer {
    const { identity, judge, clock, random, log, metrics } = this.#options
    return new RaftPeer(place, {
      identity,
      hello: { ...this.#hello, to: place.id },
      judge: (chain) => {
        const verdict = judge(chain, place.publicKey)
        return verdict.ok ? undefined : this.#refused(verdict, { server: place.id, address: place.address })
      },
      clock,
      random,
      log,
      metrics,
    })
  }

  /** Reconnecting is bounded by the pauses between attempts, so each refusal may be logged. */
  #refused(
    { reason, message }: { readonly reason: string; readonly message: string },
    who: { readonly server: string; readonly address: string },
  ): Failure {
    this.#options.metrics.count('mesh_raft_peers_refused_total', { reason })
    this.#options.log.warn('a server was refused', { ...who, reason, why: message })
    return { code: 'wrong-cluster', message }
  }
}

const closing = { reason: 'closing', message: 'this server is stopping' }
